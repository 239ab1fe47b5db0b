//! Counting and listing rows, for those who look after the ledger.

use std::ops::ControlFlow;

use super::{RowError, Rows, malformed};
use crate::domain::ids::KeyId;
use crate::storage::codec::Malformed;
use crate::storage::store::Tree;

/// How many rows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) struct Census {
    pub(in crate::storage) keys: u64,
    pub(in crate::storage) counts: u64,
    pub(in crate::storage) events: u64,
}

impl Rows {
    /// Counts all rows; it reads them all.
    pub(in crate::storage) fn census(&self) -> Result<Census, RowError> {
        Ok(Census {
            keys: self.store.count(Tree::Keys)?,
            counts: self.store.count(Tree::Counts)?,
            events: self.store.count(Tree::Events)?,
        })
    }

    /// The keys whose id begins with one of these two bytes, both ends included.
    pub(in crate::storage) fn keys_within(
        &self,
        first: u16,
        last: u16,
    ) -> Result<Vec<KeyId>, RowError> {
        let mut keys = Vec::new();
        self.each(Tree::Keys, (&first.to_be_bytes(), None), false, |key, _| {
            let id = KeyId::from_slice(key);
            let id = id.ok_or_else(|| malformed("keys")(Malformed("no key id")))?;
            if id.0.first_chunk().is_some_and(|prefix| u16::from_be_bytes(*prefix) > last) {
                return Ok(ControlFlow::Break(()));
            }
            keys.push(id);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(keys)
    }
}
