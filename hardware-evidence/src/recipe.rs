//! Recipe version 1: from a normalised value to the 16 bytes that leave the computer.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

use crate::{ComponentKind, NormalValue};

/// The version of the recipe in this file; the first byte that is digested.
pub const RECIPE_VERSION: u8 = 1;

/// Bytes of the block of SHA-256, to which HMAC pads its key with zeros.
const BLOCK_BYTES: usize = 64;

/// The salt of a deployment, from the terms that the activation service answers. It keeps digests
/// of one deployment from being compared with those of another; it is handed to every installer and
/// is no secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DeploymentSalt([u8; Self::BYTES]);

/// What stands for one component in the evidence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; Self::BYTES]);

/// A salt or digest that does not have its fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{actual} bytes where {expected} are needed")]
pub struct WrongLength {
    /// The length it must have.
    pub expected: usize,
    /// The length it has.
    pub actual: usize,
}

/// The digest of a value: the first 16 bytes of HMAC-SHA-256 with the salt as key over recipe
/// version, number of the kind, and the normalised value in UTF-8.
#[must_use]
pub fn digest(salt: &DeploymentSalt, kind: ComponentKind, value: &NormalValue) -> Digest {
    let mut block = [0_u8; BLOCK_BYTES];
    for (place, byte) in block.iter_mut().zip(salt.0) {
        *place = byte;
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(&[RECIPE_VERSION, kind.number()]);
    mac.update(value.expose().as_bytes());
    let mut digest = [0_u8; Digest::BYTES];
    for (place, byte) in digest.iter_mut().zip(mac.finalize().into_bytes()) {
        *place = byte;
    }
    Digest(digest)
}

impl DeploymentSalt {
    /// Bytes of a salt.
    pub const BYTES: usize = 32;

    /// A salt of 32 bytes.
    #[must_use]
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Eight hexadecimal digits that tell one salt from another, the beginning of its SHA-256, for
    /// those who keep digests and must not compare those of two salts.
    #[must_use]
    pub fn id(&self) -> String {
        Sha256::digest(self.0).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<&[u8]> for DeploymentSalt {
    type Error = WrongLength;

    fn try_from(bytes: &[u8]) -> Result<Self, WrongLength> {
        let wrong = WrongLength { expected: Self::BYTES, actual: bytes.len() };
        bytes.try_into().map(Self).map_err(|_| wrong)
    }
}

impl fmt::Debug for DeploymentSalt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DeploymentSalt(…)")
    }
}

impl Digest {
    /// Bytes of a digest.
    pub const BYTES: usize = 16;

    /// The digest of hexadecimal digits, if they are its 32.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        let mut digest = [0_u8; Self::BYTES];
        let mut digits = hex.chars().map(|c| c.to_digit(16));
        for byte in &mut digest {
            let (high, low) = (digits.next()??, digits.next()??);
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        digits.next().is_none().then_some(Self(digest))
    }

    /// The digest in lower-case hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.0.map(|byte| format!("{byte:02x}")).concat()
    }
}

impl TryFrom<&[u8]> for Digest {
    type Error = WrongLength;

    fn try_from(bytes: &[u8]) -> Result<Self, WrongLength> {
        let wrong = WrongLength { expected: Self::BYTES, actual: bytes.len() };
        bytes.try_into().map(Self).map_err(|_| wrong)
    }
}

impl fmt::Debug for Digest {
    /// The first bytes only: whole digests in logs would let readers link computers.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, ..] = self.0;
        write!(formatter, "Digest({first:02x}{second:02x}…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_exact() {
        for length in [0, 1, 15, 17, 32] {
            let wrong = WrongLength { expected: 16, actual: length };
            assert_eq!(Digest::try_from(vec![7; length].as_slice()), Err(wrong));
        }
        assert_eq!(Digest::try_from([7; 16].as_slice()), Ok(Digest([7; 16])));
        assert!(DeploymentSalt::try_from([7; 31].as_slice()).is_err());
        assert!(DeploymentSalt::try_from([7; 32].as_slice()).is_ok());
    }

    #[test]
    fn digests_go_to_hexadecimal_and_back() {
        let digest = Digest([0xa5; 16]);
        assert_eq!(Digest::from_hex(&digest.to_hex()), Some(digest));
        assert_eq!(Digest::from_hex(&digest.to_hex().to_uppercase()), Some(digest));
        for hex in ["", "a5", &"a5".repeat(17), &"zz".repeat(16), &"é".repeat(32)] {
            assert_eq!(Digest::from_hex(hex), None);
        }
    }

    #[test]
    fn salts_have_ids_apart() {
        // The beginning of the SHA-256 of 32 zero bytes, as `sha256sum` prints it.
        assert_eq!(DeploymentSalt::new([0; 32]).id(), "66687aad");
        assert_ne!(DeploymentSalt::new([1; 32]).id(), DeploymentSalt::new([2; 32]).id());
    }

    #[test]
    fn debug_texts_do_not_link_computers() {
        assert_eq!(format!("{:?}", Digest([0xab; 16])), "Digest(abab…)");
        assert_eq!(format!("{:?}", DeploymentSalt::new([1; 32])), "DeploymentSalt(…)");
    }
}
