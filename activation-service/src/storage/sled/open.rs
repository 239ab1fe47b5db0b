//! Opening the folder: guarded, because sled can panic on damaged files, and refused by name where
//! it is not ours.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::rows::{RowError, Trees};

/// What the folder says it is.
const FORMAT_KEY: &[u8] = b"format";
/// The tree that says so.
const META: &str = "meta";
/// The format of books that are applied from a journal; 1 was its own commit point.
const FORMAT: &[u8] = b"benefits-ledger/2";

/// How sled is opened.
#[derive(Clone, Copy, Debug)]
pub struct SledOptions {
    /// Most bytes of pages that sled keeps in memory.
    pub cache_bytes: u64,
}

impl Default for SledOptions {
    fn default() -> Self {
        Self { cache_bytes: 128 * 1024 * 1024 }
    }
}

/// Why the folder cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The folder or its file cannot be made or synced.
    #[error("{folder}: {cause}")]
    Io {
        /// The folder.
        folder: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Another process holds it.
    #[error("{0} is open in another process")]
    InUse(PathBuf),
    /// It holds something else, or a later format.
    #[error("{folder} is no ledger of this version: its format is {found:?}")]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// The format found.
        found: String,
    },
    /// sled refuses its files, or panicked over them.
    #[error("{folder} is damaged: {cause}")]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// What sled said.
        cause: String,
    },
}

/// An open folder.
pub(in crate::storage) struct Opened {
    pub(in crate::storage) db: sled::Db,
    pub(in crate::storage) trees: Trees,
    pub(in crate::storage) file: File,
    pub(in crate::storage) sequence: u64,
}

/// Opens or makes the ledger in a folder.
pub(in crate::storage) fn open(folder: &Path, options: &SledOptions) -> Result<Opened, OpenError> {
    let io = |cause| OpenError::Io { folder: folder.to_owned(), cause };
    let damaged = |cause| OpenError::Damaged { folder: folder.to_owned(), cause };
    fs::create_dir_all(folder).map_err(io)?;

    // The descriptor is opened before sled's first write, so that it also sees errors of earlier
    // write-backs.
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(folder.join("db"))
        .map_err(io)?;
    let config = sled::Config::new()
        .path(folder)
        .cache_capacity(options.cache_bytes)
        // Every batch is flushed and synced by its writer; the timer would only hide errors.
        .flush_every_ms(None);
    let opened = catch_unwind(AssertUnwindSafe(|| config.open()))
        .map_err(|_| damaged("sled panicked while opening it".to_owned()))?;
    let db = opened.map_err(|error| match error {
        // sled wraps the lock's error, so only its words tell.
        sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => {
            OpenError::InUse(folder.to_owned())
        }
        sled::Error::Io(cause) => io(cause),
        error => damaged(error.to_string()),
    })?;

    let read = catch_unwind(AssertUnwindSafe(|| read(&db)))
        .map_err(|_| damaged("sled panicked while reading it".to_owned()))?;
    let (trees, sequence) = match read.map_err(|error| damaged(error.to_string()))? {
        Contents::Ledger { trees, sequence } => (trees, sequence),
        Contents::Foreign(found) => {
            return Err(OpenError::Foreign { folder: folder.to_owned(), found });
        }
    };
    sync_folder(folder, &file).map_err(io)?;
    Ok(Opened { db, trees, file, sequence })
}

/// What a database turned out to be.
enum Contents {
    Ledger { trees: Trees, sequence: u64 },
    Foreign(String),
}

/// Reads the format before anything is written, so that a stranger's database stays as it is.
fn read(db: &sled::Db) -> Result<Contents, RowError> {
    // A database that was there before and holds no format is not ours, or lost what it held: an
    // empty ledger in its place would give every computer its count anew.
    let fresh = !db.was_recovered();
    if !fresh {
        let named = db.tree_names().iter().any(|name| name.as_ref() == META.as_bytes());
        let format = if named { db.open_tree(META)?.get(FORMAT_KEY)? } else { None };
        if format.as_deref() != Some(FORMAT) {
            let found = String::from_utf8_lossy(&format.unwrap_or_default()).into_owned();
            return Ok(Contents::Foreign(found));
        }
    }
    let trees = Trees::open(db)?;
    if fresh {
        trees.meta.insert(FORMAT_KEY, FORMAT)?;
        db.flush()?;
    }
    let sequence = trees.sequence()?;
    Ok(Contents::Ledger { trees, sequence })
}

/// Makes the files and their names durable before anything is served.
fn sync_folder(folder: &Path, file: &File) -> io::Result<()> {
    file.sync_all()?;
    for name in ["conf", "db"] {
        let path = folder.join(name);
        if path.exists() {
            File::open(path)?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()?;
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}
