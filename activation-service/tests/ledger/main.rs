//! One conformance suite, all engines, no exemptions: memory is the reference that sled must look
//! like.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where it finds a fault"
)]

mod anchors;
mod books;
mod cache;
mod conformance;
mod erasure;
mod filled;
mod filler;
mod full_disk;
mod hot_key;
mod journaled;
mod keys;
mod mending;
mod mounted;
mod mutants;
mod rows;
mod scrub;
mod sick;
mod space;
mod upkeep;

use std::sync::Arc;

use activation_service::ports::Ledger;
use activation_service::storage::memory::MemoryLedger;

/// An engine under test; the folder lives as long as it does.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) ledger: Arc<dyn Ledger>,
    _folder: Option<tempfile::TempDir>,
}

/// A fresh ledger of every engine.
pub(crate) fn engines() -> Vec<Engine> {
    let journal_folder = tempfile::tempdir().expect("a folder");
    let journaled = journaled::open(journal_folder.path());
    vec![
        Engine { name: "memory", ledger: Arc::new(MemoryLedger::default()), _folder: None },
        Engine { name: "journaled", ledger: Arc::new(journaled), _folder: Some(journal_folder) },
    ]
}
