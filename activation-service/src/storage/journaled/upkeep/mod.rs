//! Looking after a ledger that no service has open: figures, checks, new books from the journal,
//! and snapshots, which are the backup and the way from one engine to another.
//!
//! Everything here blocks, holds the journal's lock while it runs, and reads the journal from its
//! start to its end with bounded memory.

mod erase;
mod export;
mod import;
mod ranges;
mod rebuild;
mod recorded;
mod relay;
mod remake;
mod scratch;
mod snapshot;
mod stat;
mod verify;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use super::batch::{self, Unreadable};
use super::open::JournaledError;
use crate::domain::error::Inconsistency;
use crate::domain::ids::KeyId;
use crate::storage::disk::{DiskError, RealDisk};
use crate::storage::journal::{self, Location, View};
use crate::storage::sled::OpenError;
pub use erase::{Erased, Erasure, erase};
pub use export::{Exported, check_snapshot, export};
pub use import::{Imported, import};
pub use rebuild::{Rebuilt, rebuild, rebuild_within};
pub use recorded::Recorded;
pub use remake::ACCOUNTS_BYTES;
pub use snapshot::{SNAPSHOT_FORMAT, SnapshotFault};
pub use stat::{Bytes, Rows, Stat, stat};
pub use verify::{FAULTS_TOLD_MAX, Trust, Verified, verify, verify_within};

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub task: &'static str,
    /// Events that are done.
    pub done: u64,
    /// All of them.
    pub total: u64,
}

/// Is told how far a task is, often.
pub type Tell<'a> = dyn FnMut(Step) + 'a;

/// Why a task was not done.
#[derive(Debug, Error)]
pub enum UpkeepError {
    /// The journal cannot be read, or another process has it open.
    #[error("journal: {0}")]
    Journal(#[from] journal::Error),
    /// The new ledger cannot be made.
    #[error(transparent)]
    Ledger(#[from] JournaledError),
    /// The books cannot be opened.
    #[error("books: {0}")]
    Books(#[from] OpenError),
    /// The books cannot be read or written.
    #[error("books: {0}")]
    Rows(String),
    /// A frame cannot be understood.
    #[error("journal, {location}: {cause}")]
    Frame {
        /// Where it lies.
        location: Location,
        /// Why.
        cause: Unreadable,
    },
    /// An event does not fit the events before it.
    #[error("{0}")]
    Inconsistent(#[from] Inconsistency),
    /// An event cannot be recorded again.
    #[error("an event cannot be recorded: {0}")]
    Seal(Unreadable),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file or folder cannot be used.
    #[error("{path}: {cause}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file of that name is there, and it may be a backup.
    #[error("{0} exists already and is not replaced")]
    Exists(PathBuf),
    /// An import needs a folder that is empty or not there.
    #[error("{0} is not empty: a snapshot is imported into an empty folder only")]
    NotEmpty(PathBuf),
    /// An import was cut short here.
    #[error("{0} is left of an import that was cut short: remove it")]
    Leftover(PathBuf),
    /// The file is no snapshot, or not whole.
    #[error("{file}: {fault}")]
    Snapshot {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: SnapshotFault,
    },
    /// No event of this key is recorded.
    #[error("{0} is no key of this ledger: nothing was erased")]
    NoKey(KeyId),
    /// The key has no such event.
    #[error("{key} has no event {version}: nothing was erased")]
    NoEvent {
        /// The key.
        key: KeyId,
        /// The account version.
        version: u64,
    },
    /// The event is about no computer: terms and look-up digests are not erased.
    #[error(
        "event {version} of {key} holds nothing of a computer: nothing was erased; name \
         activations and releases"
    )]
    NothingToErase {
        /// The key.
        key: KeyId,
        /// The account version.
        version: u64,
    },
    /// What was made is not what it was made from.
    #[error("the new ledger is not good: {0}")]
    NotGood(String),
}

fn view(folder: &Path) -> Result<View, UpkeepError> {
    Ok(View::open(Arc::new(RealDisk), &journal_of(folder), batch::head_of)?)
}

fn journal_of(folder: &Path) -> PathBuf {
    folder.join("journal")
}

fn books_of(folder: &Path) -> PathBuf {
    folder.join("sled")
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> UpkeepError {
    let path = path.to_owned();
    move |cause| UpkeepError::Io { path, cause }
}

/// Waits until sled has let go of its files: its threads end a moment after it is dropped.
fn released(books: &Path) -> Result<(), UpkeepError> {
    let path = books.join("db");
    let file = std::fs::File::open(&path).map_err(io_at(&path))?;
    file.lock().and_then(|()| file.unlock()).map_err(io_at(&path))
}

fn sync_folder(path: &Path) -> Result<(), UpkeepError> {
    // The parent of a relative name is the empty path, which no system call takes.
    let named = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    std::fs::File::open(named).and_then(|folder| folder.sync_all()).map_err(io_at(named))
}
