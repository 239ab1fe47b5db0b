//! Counting and listing rows, for those who look after the ledger.

use super::{RowError, Trees, malformed};
use crate::domain::ids::KeyId;
use crate::storage::codec::Malformed;

/// How many rows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) struct Census {
    pub(in crate::storage) keys: u64,
    pub(in crate::storage) counts: u64,
    pub(in crate::storage) events: u64,
    pub(in crate::storage) requests: u64,
}

impl Trees {
    /// Counts all rows; it reads them all.
    pub(in crate::storage) fn census(&self) -> Census {
        Census {
            keys: self.keys.len() as u64,
            counts: self.counts.len() as u64,
            events: self.events.len() as u64,
            requests: self.requests.len() as u64,
        }
    }

    /// The keys whose id begins with one of these two bytes, both ends included.
    pub(in crate::storage) fn keys_within(
        &self,
        first: u16,
        last: u16,
    ) -> Result<Vec<KeyId>, RowError> {
        let mut keys = Vec::new();
        for row in self.keys.range(first.to_be_bytes().to_vec()..) {
            let (key, _) = row?;
            let id = KeyId::from_slice(&key);
            let id = id.ok_or_else(|| malformed("keys")(Malformed("no key id")))?;
            if id.0.first_chunk().is_some_and(|prefix| u16::from_be_bytes(*prefix) > last) {
                break;
            }
            keys.push(id);
        }
        Ok(keys)
    }
}
