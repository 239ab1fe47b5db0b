//! The row of an event: what is noted of it, the standing of the key after it, and the count that
//! it made. One row is all that most activations leave.

use super::Entry;
use crate::domain::account::{Count, Head};
use crate::domain::error::ReasonSet;
use crate::domain::event::{Body, Event};
use crate::domain::ids::KeyId;
use crate::storage::codec::{Malformed, Reader, Writer, put_count};

/// Version of these rows; in format 1 they held no more than the note.
const FORMAT: u8 = 2;

/// What follows the note.
const HAS_STANDING: u8 = 1;
const HAS_COUNT: u8 = 2;

/// What an event changes of a head that leaves the terms as they are. The head row keeps what it
/// was, and is overtaken by the standing of a later event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    used: u32,
    computers: u32,
    released: u32,
    refused: ReasonSet,
    updated_ms: i64,
}

/// A row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EventRow<'a> {
    pub(super) entry: Entry,
    /// None if a later event of the same change, or the head row, says it.
    pub(super) standing: Option<Standing>,
    /// The bytes of the count that the event made, as it was then.
    pub(super) count: Option<&'a [u8]>,
}

/// True if no standing can say what the event changes of a head.
pub(super) const fn changes_terms(event: &Event) -> bool {
    match event.body {
        Body::Registered { .. } | Body::Updated { .. } => true,
        Body::Activated(_) | Body::Released(_) | Body::Refused { .. } => false,
    }
}

impl Standing {
    pub(super) const fn of(head: &Head) -> Self {
        let Head { used, computers, released, refused, updated_ms, .. } = *head;
        Self { used, computers, released, refused, updated_ms }
    }

    /// Makes an earlier head that of this version.
    pub(super) const fn overtake(self, head: &mut Head, version: u64) {
        head.version = version;
        head.used = self.used;
        head.computers = self.computers;
        head.released = self.released;
        head.refused = self.refused;
        head.updated_ms = self.updated_ms;
    }

    fn put(self, w: &mut Writer) {
        w.number(self.used.into());
        w.number(self.computers.into());
        w.number(self.released.into());
        w.number(self.refused.bits().into());
        w.signed(self.updated_ms);
    }

    fn get(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (used, computers, released) = (r.number_u32()?, r.number_u32()?, r.number_u32()?);
        let refused = r.number()?.try_into().map_err(|_| Malformed("a number is too large"))?;
        let refused = ReasonSet::from_bits(refused);
        Ok(Self { used, computers, released, refused, updated_ms: r.signed()? })
    }
}

pub(super) fn encode(entry: &Entry, standing: Option<Standing>, count: Option<&Count>) -> Vec<u8> {
    let mut w = Writer::new(FORMAT);
    let has = |is: bool, what: u8| if is { what } else { 0 };
    w.byte(has(standing.is_some(), HAS_STANDING) | has(count.is_some(), HAS_COUNT));
    entry.put(&mut w);
    if let Some(standing) = standing {
        standing.put(&mut w);
    }
    if let Some(count) = count {
        put_count(&mut w, count);
    }
    w.finish()
}

/// The count is the last, and is read by who needs it.
pub(super) fn decode(key_id: KeyId, version: u64, row: &[u8]) -> Result<EventRow<'_>, Malformed> {
    let mut r = Reader::new(row, FORMAT)?;
    let has = r.byte()?;
    if has & !(HAS_STANDING | HAS_COUNT) != 0 {
        return Err(Malformed("unknown parts of an event"));
    }
    let entry = Entry::get(key_id, version, &mut r)?;
    let standing = (has & HAS_STANDING != 0).then(|| Standing::get(&mut r)).transpose()?;
    let count = if has & HAS_COUNT == 0 {
        r.finish()?;
        None
    } else {
        Some(r.rest())
    };
    Ok(EventRow { entry, standing, count })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::RequestId;
    use crate::storage::journal::Location;

    #[test]
    fn a_row_is_read_as_it_was_written_and_no_other_bytes_are() {
        let standing = Standing {
            used: 300,
            computers: 2,
            released: 1,
            refused: ReasonSet::from_bits(5),
            updated_ms: -7,
        };
        for request in [None, Some(RequestId([7; 16]))] {
            for standing in [None, Some(standing)] {
                let (key_id, version) = (KeyId([1; 16]), 300);
                let location = Location { segment: 4, offset: 70_000 };
                let entry = Entry { key_id, version, sequence: 1 << 40, location, request };
                let row = encode(&entry, standing, None);
                let expected = EventRow { entry, standing, count: None };
                assert_eq!(decode(key_id, version, &row), Ok(expected));
                for cut in 0..row.len() {
                    assert!(decode(key_id, version, &row[..cut]).is_err(), "cut at {cut}");
                }
                let long = [&row[..], &[0]].concat();
                assert!(decode(key_id, version, &long).is_err());
                let mut foreign = row.clone();
                foreign[1] |= 4;
                assert!(decode(key_id, version, &foreign).is_err());
                foreign[0] = 1;
                assert!(decode(key_id, version, &foreign).is_err());
            }
        }
    }
}
