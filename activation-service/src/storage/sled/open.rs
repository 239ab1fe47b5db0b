//! Opening the folder: guarded, because sled can panic on damaged files, and refused by name where
//! it is not ours.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::store::{SledStore, is_no_space};
use super::waker::Waker;
use crate::storage::store::Tree;

/// What the folder says it is.
const FORMAT_KEY: &[u8] = b"format";
/// The format of books that are applied from a journal. 1 was its own commit point, 2 held the
/// events once more, and 3 a row for each count and a head for each event; books of another format
/// are made again.
const FORMAT: &[u8] = b"benefits-ledger/4";

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

impl OpenError {
    /// True if only space is missing.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        matches!(self, Self::Io { cause, .. } if is_no_space(cause))
    }
}

/// Opens or makes the ledger in a folder.
pub(super) fn open(folder: &Path, options: &SledOptions) -> Result<SledStore, OpenError> {
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

    let waker = Waker::start(config, db.clone()).map_err(io)?;
    let checked = catch_unwind(AssertUnwindSafe(|| check_format(&db)))
        .map_err(|_| damaged("sled panicked while reading it".to_owned()))?;
    if let Some(found) = checked.map_err(|error| damaged(error.to_string()))? {
        return Err(OpenError::Foreign { folder: folder.to_owned(), found });
    }
    sync_folder(folder, &file).map_err(io)?;
    let opened = catch_unwind(AssertUnwindSafe(|| SledStore::new(db, file, waker)))
        .map_err(|_| damaged("sled panicked while opening its trees".to_owned()))?;
    opened.map_err(|error| damaged(error.to_string()))
}

/// Reads the format before anything is written, so that a stranger's database stays as it is; gives
/// the format if it is not ours.
fn check_format(db: &sled::Db) -> Result<Option<String>, sled::Error> {
    // A database that was there before and holds no format is not ours, or lost what it held: an
    // empty ledger in its place would give every computer its count anew.
    let meta = Tree::Meta.name();
    if db.was_recovered() {
        let named = db.tree_names().iter().any(|name| name.as_ref() == meta.as_bytes());
        let format = if named { db.open_tree(meta)?.get(FORMAT_KEY)? } else { None };
        let is_ours = format.as_deref() == Some(FORMAT);
        let found = format.unwrap_or_default();
        return Ok((!is_ours).then(|| String::from_utf8_lossy(&found).into_owned()));
    }
    // All trees are made before the folder is synced and used.
    for tree in Tree::ALL {
        db.open_tree(tree.name())?;
    }
    db.open_tree(meta)?.insert(FORMAT_KEY, FORMAT)?;
    db.flush()?;
    Ok(None)
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
