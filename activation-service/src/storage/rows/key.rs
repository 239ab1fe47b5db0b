//! The keys of rows: all rows of an account lie beside each other, so that it is read, and mostly
//! written, in one place.

use std::ops::Range;

use crate::domain::ids::{ID_BYTES, KeyId};
use crate::domain::product_key::LookupDigest;
use crate::storage::codec::Malformed;

/// What a row of an account is; in the order in which they lie.
const HEAD: u8 = 0;
const COUNT: u8 = 1;
const EVENT: u8 = 2;
const BEHIND: u8 = 3;

/// A row of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowOf {
    Head,
    /// The count with this number, if it changed after the event that made it.
    Count(u64),
    /// The event with this version.
    Event(u64),
}

/// The key of the head of an account.
pub(super) fn head(key_id: KeyId) -> Vec<u8> {
    beginning(key_id, HEAD)
}

pub(super) fn count(key_id: KeyId, number: u64) -> Vec<u8> {
    numbered(key_id, COUNT, number)
}

pub(super) fn event(key_id: KeyId, version: u64) -> Vec<u8> {
    numbered(key_id, EVENT, version)
}

/// All rows of an account.
pub(super) fn all(key_id: KeyId) -> Range<Vec<u8>> {
    beginning(key_id, HEAD)..beginning(key_id, BEHIND)
}

/// What the key of a row says, and whose it is.
pub(super) fn read(key: &[u8]) -> Result<(KeyId, RowOf), Malformed> {
    let (id, row) = key.split_at_checked(ID_BYTES).ok_or(Malformed("no key id"))?;
    let id = KeyId::from_slice(id).ok_or(Malformed("no key id"))?;
    let (kind, number) = row.split_first().ok_or(Malformed("no kind of row"))?;
    let number = number.try_into().map(u64::from_be_bytes);
    match (*kind, number) {
        (HEAD, Err(_)) if row.len() == 1 => Ok((id, RowOf::Head)),
        (COUNT, Ok(number)) => Ok((id, RowOf::Count(number))),
        (EVENT, Ok(version)) => Ok((id, RowOf::Event(version))),
        _ => Err(Malformed("no row of an account")),
    }
}

pub(super) fn lookup(lookup: &LookupDigest) -> Vec<u8> {
    [&lookup.pepper.0.to_be_bytes()[..], &lookup.digest[..]].concat()
}

fn beginning(key_id: KeyId, kind: u8) -> Vec<u8> {
    [&key_id.0[..], &[kind]].concat()
}

fn numbered(key_id: KeyId, kind: u8, number: u64) -> Vec<u8> {
    [&key_id.0[..], &[kind], &number.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_an_account_lie_in_their_order_and_between_those_of_others() {
        let id = |byte| KeyId([byte; 16]);
        let rows = [
            event(id(1), u64::MAX),
            head(id(2)),
            count(id(2), 0),
            count(id(2), 256),
            count(id(2), u64::MAX),
            event(id(2), 0),
            event(id(2), u64::MAX),
            head(id(3)),
        ];
        assert!(rows.is_sorted());
        assert_eq!(rows.iter().filter(|key| all(id(2)).contains(*key)).count(), 6);
        assert_eq!(read(&rows[1]), Ok((id(2), RowOf::Head)));
        assert_eq!(read(&rows[3]), Ok((id(2), RowOf::Count(256))));
        assert_eq!(read(&rows[6]), Ok((id(2), RowOf::Event(u64::MAX))));
    }

    #[test]
    fn other_keys_are_none_of_an_account() {
        let good = count(KeyId([9; 16]), 7);
        for cut in 0..good.len() {
            assert!(read(&good[..cut]).is_err(), "cut at {cut}");
        }
        assert!(read(&[&good[..], &[0]].concat()).is_err());
        assert!(read(&beginning(KeyId([9; 16]), BEHIND)).is_err());
        assert!(read(&numbered(KeyId([9; 16]), HEAD, 7)).is_err());
    }
}
