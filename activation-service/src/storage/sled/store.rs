//! sled behind the trait of the books: one transaction a write, and a sync that reaches the disk.
//!
//! sled panics over some damage that it meets; a panic is caught here and is damage like any other.

use std::fs::File;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sled::transaction::{ConflictableTransactionError, TransactionError, Transactional as _};

use super::waker::Waker;
use crate::storage::store::{Row, Store, StoreError, Tree, Visit};

/// An open database.
pub(in crate::storage) struct SledStore {
    /// Before the database, which it holds: fields are dropped in their order.
    _waker: Waker,
    db: sled::Db,
    /// In the order of [`Tree::ALL`].
    trees: Vec<sled::Tree>,
    /// The file `db` of the database, opened before sled's first write.
    file: File,
}

impl SledStore {
    pub(super) fn new(db: sled::Db, file: File, waker: Waker) -> Result<Self, sled::Error> {
        let trees = Tree::ALL.iter().map(|tree| db.open_tree(tree.name()));
        Ok(Self { _waker: waker, trees: trees.collect::<Result<_, _>>()?, db, file })
    }

    fn tree(&self, tree: Tree) -> Result<&sled::Tree, StoreError> {
        let place = Tree::ALL.iter().position(|other| *other == tree);
        let found = place.and_then(|place| self.trees.get(place));
        found.ok_or_else(|| StoreError::Failed(format!("tree {} is not open", tree.name())))
    }
}

impl Store for SledStore {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let tree = self.tree(tree)?;
        guarded(|| Ok(tree.get(key).map_err(told)?.map(|value| value.to_vec())))
    }

    fn scan(
        &self,
        tree: Tree,
        from: &[u8],
        to: Option<&[u8]>,
        descending: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        let tree = self.tree(tree)?;
        guarded(|| {
            let rows = match to {
                Some(to) => tree.range(from..to),
                None => tree.range(from..),
            };
            let mut rows: Box<dyn Iterator<Item = _>> =
                if descending { Box::new(rows.rev()) } else { Box::new(rows) };
            rows.try_for_each(|row| match row {
                Ok((key, value)) => match visit(&key, &value) {
                    ControlFlow::Continue(()) => ControlFlow::Continue(()),
                    ControlFlow::Break(()) => ControlFlow::Break(Ok(())),
                },
                Err(error) => ControlFlow::Break(Err(told(error))),
            })
            .break_value()
            .unwrap_or(Ok(()))
        })
    }

    fn write(&self, rows: &[Row]) -> Result<(), StoreError> {
        let done = guarded(|| {
            Ok(self.trees.as_slice().transaction(|trees| {
                for row in rows {
                    let place = Tree::ALL.iter().position(|tree| *tree == row.tree);
                    if let Some(tree) = place.and_then(|place| trees.get(place)) {
                        tree.insert(row.key.as_slice(), row.value.as_slice())?;
                    }
                }
                Ok::<(), ConflictableTransactionError<sled::Error>>(())
            }))
        });
        match done? {
            Ok(()) => Ok(()),
            Err(TransactionError::Abort(error) | TransactionError::Storage(error)) => {
                Err(told(error))
            }
        }
    }

    fn sync(&self) -> Result<(), StoreError> {
        guarded(|| self.db.flush().map(drop).map_err(told))?;
        // sled's own flush leaves the data in the page cache.
        self.file.sync_data().map_err(|error| told(sled::Error::Io(error)))
    }
}

/// What sled panicked over is damaged; what it left half done is never used again.
fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(StoreError::Damaged("sled panicked".to_owned())))
}

fn told(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(error) if is_no_space(&error) => StoreError::NoSpace,
        sled::Error::Corruption { .. } => StoreError::Damaged(error.to_string()),
        error => StoreError::Failed(error.to_string()),
    }
}

/// True if the disk or the quota is full.
pub(super) fn is_no_space(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}
