//! Look-up digests: the only form in which a product key is recorded.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
pub use product_key::{ProductKey, ProductKeyError};
use sha2::Sha256;

/// Separates this use of HMAC from every other.
const DOMAIN: &[u8] = b"benefits/look-up/v1\0";

/// The number of a pepper; it is recorded beside each digest so that a pepper can be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PepperId(pub u32);

/// A secret that only this service holds; without it a stolen ledger tells no keys.
#[derive(Clone)]
pub struct Pepper {
    id: PepperId,
    secret: [u8; 32],
}

impl Pepper {
    /// A pepper from its number and 32 random bytes.
    #[must_use]
    pub const fn new(id: PepperId, secret: [u8; 32]) -> Self {
        Self { id, secret }
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> PepperId {
        self.id
    }

    /// HMAC-SHA-256 of the normalised key under this pepper.
    #[must_use]
    pub fn digest(&self, key: &ProductKey) -> LookupDigest {
        // HMAC pads a short key with zeros to its block; a key of that size cannot fail.
        let mut block = [0; 64];
        block.iter_mut().zip(self.secret).for_each(|(to, from)| *to = from);
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        mac.update(DOMAIN);
        mac.update(key.expose().as_bytes());
        LookupDigest { pepper: self.id, digest: mac.finalize().into_bytes().into() }
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pepper({}, redacted)", self.id.0)
    }
}

/// What a product key is found by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookupDigest {
    /// The pepper that made it.
    pub pepper: PepperId,
    /// The digest.
    pub digest: [u8; 32],
}

impl fmt::Debug for LookupDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LookupDigest(pepper {})", self.pepper.0)
    }
}

/// The active peppers: the first makes the digest of new keys, all find keys. At most two are
/// active, while one is being replaced.
#[derive(Clone, Debug)]
pub struct Peppers {
    newest: Pepper,
    retiring: Option<Pepper>,
}

impl Peppers {
    /// The pepper in force and, while it replaces another one, that other.
    #[must_use]
    pub const fn new(newest: Pepper, retiring: Option<Pepper>) -> Self {
        Self { newest, retiring }
    }

    /// The digests of a key, newest pepper first.
    #[must_use]
    pub fn digests(&self, key: &ProductKey) -> Vec<LookupDigest> {
        std::iter::once(&self.newest).chain(&self.retiring).map(|p| p.digest(key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_depends_on_the_pepper_and_on_the_normalised_key_only() {
        let pepper = Pepper::new(PepperId(1), [7; 32]);
        let typed = ProductKey::parse("abcde fghij-klmno").expect("a foreign key");
        let plain = ProductKey::parse("ABCDEFGHIJKLMNO").expect("a foreign key");
        assert_eq!(pepper.digest(&typed), pepper.digest(&plain));
        let other = Pepper::new(PepperId(2), [8; 32]);
        assert_ne!(pepper.digest(&plain).digest, other.digest(&plain).digest);
        let both = Peppers::new(other, Some(pepper.clone())).digests(&plain);
        assert_eq!(both.len(), 2);
        assert_eq!(both[1], pepper.digest(&typed));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let pepper = Pepper::new(PepperId(1), [0xab; 32]);
        assert!(!format!("{pepper:?}").contains("171"));
    }
}
