//! Encryption of product keys at rest with XChaCha20-Poly1305, and the keyed digest that recognises
//! equal keys.
//!
//! A ciphertext opens only together with the owner, the product and the key id that it was sealed
//! with, so a row that is copied to another partner is refused. Each part of that context is
//! preceded by its length: no two contexts give the same bytes.

use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use product_key::ProductKey;
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::domain::name::{BenefitName, Handle};
use crate::ports::{Random, SealedKey, Vault, VaultError};

/// Bytes of an encryption key, and the fewest of the digest secret.
pub const KEY_BYTES: usize = 32;
/// Most encryption keys in a ring.
pub const RING_KEYS_MAX: usize = 16;
/// Most characters of the id of an encryption key.
pub const RING_ID_CHARS_MAX: usize = 32;

const NONCE_BYTES: usize = 24;
const CONTEXT_FORMAT: &[u8] = b"benefits.catalog.v1 product key 1";
const DIGEST_FORMAT: &[u8] = b"benefits.catalog.v1 same product key 1";
const PAGE_TOKEN_FORMAT: &[u8] = b"benefits.catalog.v1 page token secret 1";
const WITNESS_FORMAT: &[u8] = b"benefits.catalog.v1 digest secret witness 1";

/// Why a key ring cannot be read. No variant holds any of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyRingError {
    /// A line is not an id and a key.
    #[error(
        "line {line}: expected `id:key`, the id 1 to {RING_ID_CHARS_MAX} of a-z, 0-9 and \"-\", \
         the key 64 hex digits"
    )]
    Line {
        /// The line, from 1.
        line: usize,
    },
    /// An id occurs twice.
    #[error("line {line}: this id stands in an earlier line")]
    Twice {
        /// The line, from 1.
        line: usize,
    },
    /// There is no key.
    #[error("it holds no key")]
    Empty,
    /// There are too many keys.
    #[error("it holds more than {RING_KEYS_MAX} keys")]
    TooMany,
    /// The digest secret is no secret.
    #[error("it must be {} hex digits or more", 2 * KEY_BYTES)]
    Digest,
}

/// Encryption keys by id. The last one of the file encrypts; all of them decrypt.
pub struct KeyRing {
    keys: Vec<(String, XChaCha20Poly1305)>,
}

impl KeyRing {
    /// Reads lines `id:key`, oldest first; empty lines and lines that begin with `#` do not count.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut keys: Vec<(String, XChaCha20Poly1305)> = Vec::new();
        for (index, entry) in text.lines().enumerate() {
            let (line, entry) = (index.saturating_add(1), entry.trim());
            if entry.is_empty() || entry.starts_with('#') {
                continue;
            }
            let (id, key) = entry.split_once(':').ok_or(KeyRingError::Line { line })?;
            let bytes = Zeroizing::new(hex::decode(key.trim()).unwrap_or_default());
            let cipher = XChaCha20Poly1305::new_from_slice(&bytes);
            let (true, Ok(cipher)) = (is_id(id), cipher) else {
                return Err(KeyRingError::Line { line });
            };
            if keys.iter().any(|(known, _)| known == id) {
                return Err(KeyRingError::Twice { line });
            }
            if keys.len() == RING_KEYS_MAX {
                return Err(KeyRingError::TooMany);
            }
            keys.push((id.to_owned(), cipher));
        }
        if keys.is_empty() { Err(KeyRingError::Empty) } else { Ok(Self { keys }) }
    }

    /// Whether the ring has the key of that id.
    pub fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|(known, _)| known == id)
    }
}

fn is_id(id: &str) -> bool {
    (1..=RING_ID_CHARS_MAX).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The vault.
pub struct KeyVault {
    ring: KeyRing,
    digest_secret: Hmac<Sha256>,
    random: Arc<dyn Random>,
}

impl KeyVault {
    /// A vault with this ring and the secret of the digests in hex.
    pub fn new(
        ring: KeyRing,
        digest_secret: &str,
        random: Arc<dyn Random>,
    ) -> Result<Self, KeyRingError> {
        let bytes = Zeroizing::new(hex::decode(digest_secret.trim()).unwrap_or_default());
        if bytes.len() < KEY_BYTES {
            return Err(KeyRingError::Digest);
        }
        let digest_secret =
            Hmac::<Sha256>::new_from_slice(&bytes).map_err(|_| KeyRingError::Digest)?;
        Ok(Self { ring, digest_secret, random })
    }

    /// A value that tells whether the digest secret is still the one of the stored rows, and
    /// nothing else.
    pub fn witness(&self) -> String {
        let mut mac = self.digest_secret.clone();
        mac.update(WITNESS_FORMAT);
        hex::encode(mac.finalize().into_bytes())
    }

    /// The secret of page tokens where the settings give none.
    pub fn page_token_secret(&self) -> [u8; KEY_BYTES] {
        let mut mac = self.digest_secret.clone();
        mac.update(PAGE_TOKEN_FORMAT);
        mac.finalize().into_bytes().into()
    }

    /// Whether it can open what was sealed under this encryption key.
    pub fn has_key(&self, id: &str) -> bool {
        self.ring.has(id)
    }
}

impl Vault for KeyVault {
    fn seal(
        &self,
        benefit: &BenefitName,
        key_id: &Handle,
        key: &ProductKey,
    ) -> Result<SealedKey, VaultError> {
        let (id, cipher) = self.ring.keys.last().ok_or(VaultError::Seal)?;
        let mut nonce = [0; NONCE_BYTES];
        self.random.fill(&mut nonce).map_err(|_| VaultError::Seal)?;
        let context = context(benefit, key_id);
        let payload = Payload { msg: key.expose().as_bytes(), aad: &context };
        let ciphertext =
            cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Seal)?;
        Ok(SealedKey { encryption_key_id: id.clone(), nonce: nonce.to_vec(), ciphertext })
    }

    fn open(
        &self,
        benefit: &BenefitName,
        key_id: &Handle,
        sealed: &SealedKey,
    ) -> Result<ProductKey, VaultError> {
        let known = self.ring.keys.iter().find(|(id, _)| *id == sealed.encryption_key_id);
        let (_, cipher) = known.ok_or(VaultError::KeyMissing)?;
        let nonce: [u8; NONCE_BYTES] =
            sealed.nonce.as_slice().try_into().map_err(|_| VaultError::Tampered)?;
        let context = context(benefit, key_id);
        let payload = Payload { msg: &sealed.ciphertext, aad: &context };
        let bytes =
            cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::Tampered)?;
        let bytes = Zeroizing::new(bytes);
        let text = std::str::from_utf8(&bytes).map_err(|_| VaultError::Tampered)?;
        ProductKey::parse(text).map_err(|_| VaultError::Tampered)
    }

    fn digest(&self, key: &ProductKey) -> [u8; 32] {
        let mut mac = self.digest_secret.clone();
        mac.update(DIGEST_FORMAT);
        mac.update(key.expose().as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// What a ciphertext belongs to: owner ‖ product ‖ key id, each preceded by its length.
fn context(benefit: &BenefitName, key_id: &Handle) -> Vec<u8> {
    let parts = [
        CONTEXT_FORMAT,
        benefit.partner.as_str().as_bytes(),
        benefit.product.as_str().as_bytes(),
        key_id.as_str().as_bytes(),
    ];
    let mut context = Vec::new();
    for part in parts {
        context.extend_from_slice(&(part.len() as u64).to_be_bytes());
        context.extend_from_slice(part);
    }
    context
}

#[cfg(test)]
mod tests;
