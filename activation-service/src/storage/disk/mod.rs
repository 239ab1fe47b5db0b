//! What the journal and the export need of a disk, so that both run on a real and a simulated one.
//!
//! Nothing here hides when data becomes durable: bytes are safe after [`DiskFile::sync_data`], and
//! names after [`Disk::sync_dir`] of their folder, and not before.

pub mod real;
pub mod sim;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

pub use real::RealDisk;
pub use sim::SimDisk;

/// Most files that a folder may hold before listing it is refused.
pub const LISTED_FILES_MAX: usize = 1_000_000;

/// Names of files: made, found, exchanged and made durable.
pub trait Disk: Send + Sync {
    /// Makes an empty file and opens it for reading and writing; one of that name is replaced.
    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, DiskError>;
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, DiskError>;
    /// Makes a folder in an existing one; no error if it is there.
    fn create_folder(&self, folder: &Path) -> Result<(), DiskError>;
    /// The names of the files in a folder, sorted.
    fn list(&self, folder: &Path) -> Result<Vec<String>, DiskError>;
    /// Gives a file another name in the same folder; a file of that name is replaced at once.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> Result<(), DiskError>;
    /// Makes the names in a folder durable.
    fn sync_dir(&self, folder: &Path) -> Result<(), DiskError>;
    /// How many more bytes the file system of a folder takes from this process.
    fn free_bytes(&self, folder: &Path) -> Result<u64, DiskError>;
}

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Its length in bytes.
    fn length(&self) -> Result<u64, DiskError>;
    /// Fills the slice from this offset; less is [`DiskErrorKind::PastEnd`].
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<(), DiskError>;
    /// Writes all bytes at this offset. After an error any part of them may be written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;
    /// Gives an empty file this many zero bytes whose space is taken once the file is synced.
    fn allocate(&self, bytes: u64) -> Result<(), DiskError>;
    /// Makes all written bytes and the length durable.
    fn sync_data(&self) -> Result<(), DiskError>;
    /// Makes bytes and all that is known about the file durable.
    fn sync_all(&self) -> Result<(), DiskError>;
    /// Takes the file's lock until it is dropped; [`DiskErrorKind::InUse`] if another has it.
    fn try_lock(&self) -> Result<(), DiskError>;
}

/// What was asked of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// [`Disk::create`].
    Create,
    /// [`Disk::open`].
    Open,
    /// [`Disk::create_folder`].
    CreateFolder,
    /// [`Disk::list`].
    List,
    /// [`Disk::rename`].
    Rename,
    /// [`Disk::remove`].
    Remove,
    /// [`Disk::sync_dir`].
    SyncDir,
    /// [`Disk::free_bytes`].
    FreeBytes,
    /// [`DiskFile::length`].
    Length,
    /// [`DiskFile::read_at`].
    Read,
    /// [`DiskFile::write_at`].
    Write,
    /// [`DiskFile::allocate`].
    Allocate,
    /// [`DiskFile::sync_data`].
    SyncData,
    /// [`DiskFile::sync_all`].
    SyncAll,
    /// [`DiskFile::try_lock`].
    TryLock,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Open => "open",
            Self::CreateFolder => "create folder",
            Self::List => "list",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::SyncDir => "sync folder",
            Self::FreeBytes => "free bytes of",
            Self::Length => "length of",
            Self::Read => "read",
            Self::Write => "write",
            Self::Allocate => "allocate",
            Self::SyncData => "sync data of",
            Self::SyncAll => "sync",
            Self::TryLock => "lock",
        })
    }
}

/// A call that failed.
#[derive(Debug, Error)]
#[error("{call} {path}: {kind}")]
pub struct DiskError {
    /// What was asked.
    pub call: Call,
    /// Of which file or folder.
    pub path: PathBuf,
    /// Why it failed.
    pub kind: DiskErrorKind,
}

/// Why a call failed, as far as callers tell cases apart.
#[derive(Debug, Error)]
pub enum DiskErrorKind {
    /// There is no such file or folder.
    #[error("not found")]
    NotFound,
    /// Another holds the lock.
    #[error("in use by another")]
    InUse,
    /// The disk or the quota is full.
    #[error("no space left")]
    NoSpace,
    /// Fewer bytes than asked for.
    #[error("the file ends earlier")]
    PastEnd,
    /// Anything else: the state of what was written is not known.
    #[error("{0}")]
    Io(io::Error),
}

impl DiskError {
    pub(super) fn new(call: Call, path: &Path, kind: DiskErrorKind) -> Self {
        Self { call, path: path.to_owned(), kind }
    }

    /// True if there is no such file or folder.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self.kind, DiskErrorKind::NotFound)
    }

    /// True if only space is missing.
    #[must_use]
    pub const fn is_no_space(&self) -> bool {
        matches!(self.kind, DiskErrorKind::NoSpace)
    }
}

impl From<io::Error> for DiskErrorKind {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            io::ErrorKind::UnexpectedEof => Self::PastEnd,
            _ => Self::Io(error),
        }
    }
}
