//! What the books note of an event: its position, where its frame lies in the journal, and the
//! request that it recorded. The event itself is in the journal alone.

use crate::domain::event::Event;
use crate::domain::ids::{KeyId, RequestId};
use crate::storage::codec::{FORMAT, Malformed, Reader, Writer};
use crate::storage::journal::Location;

/// A row of the history of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) struct Entry {
    /// The key.
    pub(in crate::storage) key_id: KeyId,
    /// Version of the key after the event.
    pub(in crate::storage) version: u64,
    /// Position of the event in the ledger.
    pub(in crate::storage) sequence: u64,
    /// Where the frame lies that holds it.
    pub(in crate::storage) location: Location,
    /// The request that it recorded.
    pub(in crate::storage) request: Option<RequestId>,
}

impl Entry {
    /// True if this is what is noted of the event.
    pub(in crate::storage) fn is_of(&self, event: &Event) -> bool {
        let request = event.request.map(|request| request.id);
        (event.key_id, event.version, request) == (self.key_id, self.version, self.request)
    }

    /// The bytes of a row; its key and its version are in the row's key.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(FORMAT);
        w.number(self.sequence);
        w.number(self.location.segment.into());
        w.number(self.location.offset);
        w.option(self.request, |w, request| w.fixed(&request.0));
        w.finish()
    }

    pub(super) fn decode(key_id: KeyId, version: u64, row: &[u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(row, FORMAT)?;
        let entry = Self {
            key_id,
            version,
            sequence: r.number()?,
            location: Location { segment: r.number_u32()?, offset: r.number()? },
            request: r.option(|r| Ok(RequestId(r.fixed()?)))?,
        };
        r.finish()?;
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written_and_no_other_bytes_are() {
        for request in [None, Some(RequestId([7; 16]))] {
            let (key_id, version) = (KeyId([1; 16]), 300);
            let location = Location { segment: 4, offset: 70_000 };
            let entry = Entry { key_id, version, sequence: 1 << 40, location, request };
            let row = entry.encode();
            assert_eq!(Entry::decode(key_id, version, &row), Ok(entry));
            for cut in 0..row.len() {
                assert!(Entry::decode(key_id, version, &row[..cut]).is_err(), "cut at {cut}");
            }
            let long = [&row[..], &[0]].concat();
            assert!(Entry::decode(key_id, version, &long).is_err());
        }
    }
}
