//! Counting and listing rows, for those who look after the ledger.

use std::ops::ControlFlow;

use super::key::{self, RowOf};
use super::{RowError, Rows, event_row, malformed};
use crate::domain::ids::KeyId;
use crate::storage::store::Tree;

/// How many rows there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::storage) struct Census {
    pub(in crate::storage) keys: u64,
    pub(in crate::storage) counts: u64,
    pub(in crate::storage) events: u64,
}

impl Rows {
    /// Counts all rows; it reads them all.
    pub(in crate::storage) fn census(&self) -> Result<Census, RowError> {
        let mut census = Census::default();
        self.each(Tree::Accounts, &[], None, false, |key, row| {
            let (id, of) = key::read(key).map_err(malformed("accounts"))?;
            match of {
                RowOf::Head => census.keys += 1,
                // It is told of once, by the event that made it.
                RowOf::Count(_) => {}
                RowOf::Event(version) => {
                    census.events += 1;
                    let has_count = event_row((id, version), key, row)?.count.is_some();
                    census.counts += u64::from(has_count);
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(census)
    }

    /// The keys whose id begins with one of these two bytes, both ends included.
    pub(in crate::storage) fn keys_within(
        &self,
        first: u16,
        last: u16,
    ) -> Result<Vec<KeyId>, RowError> {
        let mut keys = Vec::new();
        self.each(Tree::Accounts, &first.to_be_bytes(), None, false, |key, _| {
            let (id, of) = key::read(key).map_err(malformed("accounts"))?;
            if id.0.first_chunk().is_some_and(|prefix| u16::from_be_bytes(*prefix) > last) {
                return Ok(ControlFlow::Break(()));
            }
            if of == RowOf::Head {
                keys.push(id);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(keys)
    }
}
