//! Signing keys and the public keys that are pinned: Ed25519, checked strictly.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Bytes of the secret from which a signing key is made.
pub const SEED_BYTES: usize = 32;
/// Most public keys that can be trusted at a time; a rotation needs two.
pub const TRUSTED_KEYS_MAX: usize = 16;

/// Bytes of a signature.
pub(crate) const SIGNATURE_BYTES: usize = 64;
const PUBLIC_KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 8;
/// Most characters of a text of trusted keys, with remarks.
const KEYS_TEXT_CHARS_MAX: usize = 16 * 1024;

/// Names a signing key in a head: the first 8 bytes of SHA-256 of the public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SigningKeyId(pub [u8; KEY_ID_BYTES]);

impl fmt::Display for SigningKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SigningKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKeyId({self})")
    }
}

/// The secret key of a writer. It signs heads and nothing else, its `Debug` shows no secret, and
/// it is wiped when it is dropped.
pub struct SigningKey {
    inner: ed25519_dalek::SigningKey,
    id: SigningKeyId,
}

impl SigningKey {
    /// The key of these 32 random bytes; the caller wipes them.
    #[must_use]
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Self {
        let inner = ed25519_dalek::SigningKey::from_bytes(seed);
        let id = id_of(inner.verifying_key().as_bytes());
        Self { inner, id }
    }

    /// Its name in heads.
    #[must_use]
    pub const fn id(&self) -> SigningKeyId {
        self.id
    }

    /// What is published and pinned.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey { inner: self.inner.verifying_key(), id: self.id }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.inner.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, redacted)", self.id)
    }
}

/// A public key; its text is the base64 of its 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    inner: VerifyingKey,
    id: SigningKeyId,
}

/// Why something is no public key, or no list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The text is not base64 of 32 bytes.
    #[error("a public key is the base64 of 32 bytes: 44 characters, the last one `=`")]
    Text,
    /// The bytes are no point of the curve, or one under which anybody could sign.
    #[error("these 32 bytes are no Ed25519 public key, or a weak one")]
    Point,
    /// Nobody is trusted.
    #[error("there is no public key in it")]
    Empty,
    /// Too many keys or too long a text.
    #[error("at most {TRUSTED_KEYS_MAX} public keys can be trusted at a time")]
    TooMany,
    /// Another key has the same id.
    #[error("two public keys have the id {0}")]
    SameId(SigningKeyId),
}

/// A signature is not the key's over these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the signature is not that of the signing key")]
pub(crate) struct SignatureFault;

impl PublicKey {
    /// The key of these bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError::Point`].
    pub fn from_bytes(bytes: &[u8; PUBLIC_KEY_BYTES]) -> Result<Self, KeyError> {
        let inner = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Point)?;
        if inner.is_weak() {
            return Err(KeyError::Point);
        }
        Ok(Self { inner, id: id_of(bytes) })
    }

    /// Its 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        self.inner.as_bytes()
    }

    /// Its name in heads.
    #[must_use]
    pub const fn id(&self) -> SigningKeyId {
        self.id
    }

    pub(crate) fn verify(
        &self,
        message: &[u8],
        signature: &[u8; SIGNATURE_BYTES],
    ) -> Result<(), SignatureFault> {
        let signature = Signature::from_bytes(signature);
        self.inner.verify_strict(message, &signature).map_err(|_| SignatureFault)
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD.decode(text).map_err(|_| KeyError::Text)?;
        Self::from_bytes(&bytes.try_into().map_err(|_| KeyError::Text)?)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// The public keys that a reader of receipts has pinned. Old and new ones stand beside each other,
/// so that a writer's key can be replaced while receipts of the old one go on being good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedKeys {
    keys: Vec<PublicKey>,
}

impl TrustedKeys {
    /// Trusts a key too; once is enough.
    ///
    /// # Errors
    ///
    /// [`KeyError::TooMany`] or [`KeyError::SameId`].
    pub fn trust(&mut self, key: PublicKey) -> Result<(), KeyError> {
        match self.get(key.id) {
            Some(known) if *known == key => return Ok(()),
            Some(_) => return Err(KeyError::SameId(key.id)),
            None => {}
        }
        if self.keys.len() >= TRUSTED_KEYS_MAX {
            return Err(KeyError::TooMany);
        }
        self.keys.push(key);
        Ok(())
    }

    /// The key with this id, if it is trusted.
    #[must_use]
    pub fn get(&self, id: SigningKeyId) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// All of them, in the order in which they came to be trusted.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &PublicKey> {
        self.keys.iter()
    }
}

/// One key a line; empty lines and what follows a `#` say nothing.
impl FromStr for TrustedKeys {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.len() > KEYS_TEXT_CHARS_MAX {
            return Err(KeyError::TooMany);
        }
        let mut trusted = Self::default();
        for line in text.lines() {
            let key = line.split('#').next().unwrap_or_default().trim();
            if !key.is_empty() {
                trusted.trust(key.parse()?)?;
            }
        }
        if trusted.keys.is_empty() { Err(KeyError::Empty) } else { Ok(trusted) }
    }
}

fn id_of(public_key: &[u8; PUBLIC_KEY_BYTES]) -> SigningKeyId {
    let hash: [u8; 32] = Sha256::digest(public_key).into();
    let mut id = [0; KEY_ID_BYTES];
    id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    SigningKeyId(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> SigningKey {
        SigningKey::from_seed(&[number; 32])
    }

    #[test]
    fn a_public_key_reads_what_it_writes_and_nothing_else() {
        let public = key(1).public_key();
        let text = public.to_string();
        assert_eq!(text.len(), 44);
        assert_eq!(text.parse(), Ok(public));
        let unpadded = text.trim_end_matches('=');
        for bad in ["", unpadded, &format!("{text}="), &format!(" {text}"), &"A".repeat(40)] {
            assert_eq!(bad.parse::<PublicKey>(), Err(KeyError::Text), "{bad}");
        }
    }

    #[test]
    fn keys_under_which_anybody_could_sign_are_refused() {
        // The neutral element, a point of order two, and a value that is no point.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let mut order_two = [0xff; 32];
        order_two[0] = 0xec;
        order_two[31] = 0x7f;
        let mut no_point = [0; 32];
        no_point[0] = 2;
        for bytes in [neutral, order_two, no_point] {
            assert_eq!(PublicKey::from_bytes(&bytes), Err(KeyError::Point));
        }
    }

    #[test]
    fn a_signature_is_of_one_key_and_one_message() {
        let signature = key(1).sign(b"message");
        assert_eq!(key(1).public_key().verify(b"message", &signature), Ok(()));
        assert_eq!(key(2).public_key().verify(b"message", &signature), Err(SignatureFault));
        assert_eq!(key(1).public_key().verify(b"massage", &signature), Err(SignatureFault));
        assert_eq!(signature, key(1).sign(b"message"), "no randomness in it");
    }

    #[test]
    fn several_keys_are_trusted_beside_each_other() {
        let (old, new) = (key(1).public_key(), key(2).public_key());
        let text = format!("# of 2026\n{old}\n\n  {new}  # of 2027\r\n{old}\n");
        let trusted: TrustedKeys = text.parse().unwrap();
        assert_eq!(trusted.iter().len(), 2, "the same key twice is one");
        assert_eq!(trusted.get(old.id()), Some(&old));
        assert_eq!(trusted.get(new.id()), Some(&new));
        assert_eq!(trusted.get(key(3).id()), None);
        assert_eq!("# nobody\n".parse::<TrustedKeys>(), Err(KeyError::Empty));
        assert_eq!("nonsense".parse::<TrustedKeys>(), Err(KeyError::Text));
        let many: String = (0..17).map(|n| format!("{}\n", key(n).public_key())).collect();
        assert_eq!(many.parse::<TrustedKeys>(), Err(KeyError::TooMany));
        let long = "#".repeat(KEYS_TEXT_CHARS_MAX + 1);
        assert_eq!(long.parse::<TrustedKeys>(), Err(KeyError::TooMany));
    }

    #[test]
    fn a_signing_key_shows_no_secret_and_is_wiped() {
        fn is_wiped<T: zeroize::ZeroizeOnDrop>() {}
        is_wiped::<ed25519_dalek::SigningKey>();
        let seed = [0xab; 32];
        let shown = format!("{:?}", SigningKey::from_seed(&seed));
        assert!(shown.ends_with(", redacted)") && !shown.contains("abab"), "{shown}");
    }
}
