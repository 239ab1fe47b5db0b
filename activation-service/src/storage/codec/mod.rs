//! The bytes of ledger rows: fixed order, varints, a format version first and a checksum bound to
//! the row's key last.

mod account;
mod evidence;
mod wire;

pub(crate) use account::{
    decode_count, decode_head, encode_count, encode_head, lookup as get_lookup, put_count,
    put_lookup,
};
pub(crate) use evidence::{decode_evidence, encode_evidence};
pub(crate) use wire::{Malformed, Reader, Writer};

use crate::mutants::{self, Mutant};

/// Version of every row format; a reader refuses later ones.
pub(crate) const FORMAT: u8 = 1;

const CHECKSUM_BYTES: usize = 4;

/// Ends a row with the checksum of its key and its payload.
pub(crate) fn seal(key: &[u8], mut payload: Vec<u8>) -> Vec<u8> {
    let sum = crc32c::crc32c_append(crc32c::crc32c(key), &payload);
    payload.extend_from_slice(&sum.to_be_bytes());
    payload
}

/// The payload of a row, if its checksum fits the key it was found under.
pub(crate) fn unseal<'a>(key: &[u8], row: &'a [u8]) -> Result<&'a [u8], Malformed> {
    let split = row.len().checked_sub(CHECKSUM_BYTES).ok_or(Malformed("too short"))?;
    let (payload, sum) = row.split_at_checked(split).ok_or(Malformed("too short"))?;
    let expected = crc32c::crc32c_append(crc32c::crc32c(key), payload);
    if sum != expected.to_be_bytes() && !mutants::is_on(Mutant::SkipVerification) {
        return Err(Malformed("wrong checksum"));
    }
    Ok(payload)
}

#[cfg(test)]
mod tests;
