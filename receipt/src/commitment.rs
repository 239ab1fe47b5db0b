//! Salted hashes that stand in a leaf for what must not be in it, and that survive its erasure.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::tree::Hash;

/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;

/// Separates commitments to evidence from every other hash.
const EVIDENCE: &[u8] = b"benefits/evidence/v1\0";
/// Separates commitments to look-up digests from every other hash.
const LOOK_UP: &[u8] = b"benefits/look-up-commitment/v1\0";

/// A commitment: it shows nothing of what it is of, and nothing else fits it.
pub type Commitment = Hash;

/// Random bytes, fresh for each commitment. They lie beside what is committed to and are erased
/// with it: without the salt the commitment can be compared with no guess.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; SALT_BYTES]);

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(redacted)")
    }
}

/// SHA-256("benefits/evidence/v1" ‖ 0 ‖ salt ‖ evidence bytes).
#[must_use]
pub fn evidence_commitment(salt: &Salt, evidence: &[u8]) -> Commitment {
    commit(EVIDENCE, salt).chain_update(evidence).finalize().into()
}

/// SHA-256("benefits/look-up-commitment/v1" ‖ 0 ‖ salt ‖ number of the pepper, 4 bytes, big-endian
/// ‖ look-up digest).
#[must_use]
pub fn look_up_commitment(salt: &Salt, pepper: u32, digest: &[u8; 32]) -> Commitment {
    let hash = commit(LOOK_UP, salt).chain_update(pepper.to_be_bytes());
    hash.chain_update(digest).finalize().into()
}

fn commit(domain: &[u8], salt: &Salt) -> Sha256 {
    Sha256::new_with_prefix(domain).chain_update(salt.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commitments_depend_on_all_they_are_made_of() {
        let (one, two) = (Salt([1; 16]), Salt([2; 16]));
        let evidence = evidence_commitment(&one, b"evidence");
        assert_ne!(evidence, evidence_commitment(&two, b"evidence"));
        assert_ne!(evidence, evidence_commitment(&one, b"other"));
        let look_up = look_up_commitment(&one, 1, &[3; 32]);
        assert_ne!(look_up, look_up_commitment(&two, 1, &[3; 32]));
        assert_ne!(look_up, look_up_commitment(&one, 2, &[3; 32]));
        assert_ne!(look_up, look_up_commitment(&one, 1, &[4; 32]));
        let as_evidence = [&1_u32.to_be_bytes()[..], &[3; 32]].concat();
        assert_ne!(look_up, evidence_commitment(&one, &as_evidence));
        assert_eq!(format!("{one:?}"), "Salt(redacted)");
    }
}
