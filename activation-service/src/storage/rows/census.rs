//! Counting and listing rows, for those who look after the ledger.

use std::ops::ControlFlow;

use super::key::{self, RowOf};
use super::{RowError, Rows, malformed};
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
        self.each_account_row(&[], |_, row| {
            match row {
                RowOf::Head => census.keys += 1,
                RowOf::Count(_) => census.counts += 1,
                RowOf::Event(_) => census.events += 1,
            }
            ControlFlow::Continue(())
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
        self.each_account_row(&first.to_be_bytes(), |id, row| {
            if id.0.first_chunk().is_some_and(|prefix| u16::from_be_bytes(*prefix) > last) {
                return ControlFlow::Break(());
            }
            if row == RowOf::Head {
                keys.push(id);
            }
            ControlFlow::Continue(())
        })?;
        Ok(keys)
    }

    /// Shows whose and what each row of an account is, from a key on.
    fn each_account_row(
        &self,
        from: &[u8],
        mut show: impl FnMut(KeyId, RowOf) -> ControlFlow<()>,
    ) -> Result<(), RowError> {
        let mut failed = None;
        self.store.scan(Tree::Accounts, from, None, false, &mut |key, _| match key::read(key) {
            Ok((id, row)) => show(id, row),
            Err(error) => {
                failed = Some(malformed("accounts")(error));
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok(()), Err)
    }
}
