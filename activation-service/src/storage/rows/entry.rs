//! What the books note of an event: its position, where its frame lies in the journal, and the
//! request that it recorded. The event itself is in the journal alone.

use crate::domain::event::Event;
use crate::domain::ids::{KeyId, RequestId};
use crate::storage::codec::{Malformed, Reader, Writer};
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

    /// Writes what a row says of it; its key and its version are in the row's key.
    pub(super) fn put(&self, w: &mut Writer) {
        w.number(self.sequence);
        w.number(self.location.segment.into());
        w.number(self.location.offset);
        w.option(self.request, |w, request| w.fixed(&request.0));
    }

    pub(super) fn get(key_id: KeyId, version: u64, r: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            key_id,
            version,
            sequence: r.number()?,
            location: Location { segment: r.number_u32()?, offset: r.number()? },
            request: r.option(|r| Ok(RequestId(r.fixed()?)))?,
        })
    }
}
