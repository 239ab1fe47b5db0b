//! sled 0.34.7 as the engine of the books: its transactions, its sync, and opening it guarded.
//!
//! Caveats of sled that are answered here and by who writes: `flush` calls no fsync on Linux, so
//! the file is synced through a descriptor of our own; atomicity over power cuts holds only while
//! little is unsynced, so batches are cut into small groups; opening can panic, so it is guarded.

mod open;
mod shelf;
mod store;
mod waker;

pub use open::{OpenError, SledOptions};
pub(in crate::storage) use shelf::SledShelf;

/// Most writes between two syncs; measured as safe over torn images (docs/ledger-format.md).
pub(in crate::storage) const GROUP_OPERATIONS_MAX: usize = 200;
/// Most bytes between two syncs.
pub(in crate::storage) const GROUP_BYTES_MAX: usize = 64 * 1024;
