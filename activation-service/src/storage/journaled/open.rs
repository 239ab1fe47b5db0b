//! Opening: the journal first, then the books that were applied from it; at any doubt the books
//! are set aside and made again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use receipt::{SignedHead, SigningKey, Tip};
use thiserror::Error;

use super::ailment::Ailment;
use super::batch::{self, Unreadable};
use super::books::Books;
use super::restore::{Trouble, UpToDate, bring_up};
use crate::domain::error::Inconsistency;
use crate::storage::disk::{Disk, RealDisk};
use crate::storage::journal::{self, ChainId, Expected, Journal, Reader, Recovered};
use crate::storage::sled::{OpenError, SledOptions, SledShelf};
use crate::storage::store::Shelf;

/// Longest wait for a lock.
const LOCK_WAIT: std::time::Duration = std::time::Duration::from_secs(2);

/// How a journaled ledger is opened.
pub struct JournaledOptions {
    /// The journal's own.
    pub journal: journal::Options,
    /// Those of the books.
    pub sled: SledOptions,
    /// Signs heads.
    pub signing_key: SigningKey,
    /// The chain that a new journal gets.
    pub new_chain: ChainId,
    /// What it may keep in memory beside the pages of sled.
    pub memory: MemoryBounds,
}

/// Most bytes that a ledger keeps in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryBounds {
    /// Of accounts that are kept because they may be needed again.
    pub account_cache_bytes: usize,
    /// Of accounts and events that sled has not yet; at that point new changes are refused. A
    /// change that is larger by itself is taken when nothing else waits.
    pub pinned_bytes: usize,
}

impl Default for MemoryBounds {
    fn default() -> Self {
        Self { account_cache_bytes: 128 << 20, pinned_bytes: 256 << 20 }
    }
}

/// What a ledger stands on; the same engine runs on a real disk and on a simulated one.
#[derive(Clone)]
pub struct Ground {
    /// The disk of the journal.
    pub disk: Arc<dyn Disk>,
    /// The folder of the journal.
    pub journal: PathBuf,
    /// Where the books are.
    pub shelf: Arc<dyn Shelf>,
}

impl Ground {
    /// A folder of this machine with the journal and, as sled's files, the books.
    #[must_use]
    pub fn folder(folder: &Path, options: SledOptions) -> Self {
        let shelf = SledShelf { folder: folder.join("sled"), options };
        Self { disk: Arc::new(RealDisk), journal: folder.join("journal"), shelf: Arc::new(shelf) }
    }
}

/// Why a folder cannot be opened.
#[derive(Debug, Error)]
pub enum JournaledError {
    /// The journal cannot be opened.
    #[error("journal: {0}")]
    Journal(#[from] journal::Error),
    /// The books cannot be opened, even after the old ones were set aside.
    #[error("books: {0}")]
    Books(#[from] OpenError),
    /// The books hold events that the journal lacks: it lost its end, or is an older copy.
    #[error(
        "the books hold {applied} events, the journal only {durable}: it was cut or is an older \
         copy; restore the newest journal, or set the books aside yourself to go on without them"
    )]
    JournalBehind {
        /// Events in the books.
        applied: u64,
        /// Events in the journal.
        durable: u64,
    },
    /// The folder holds something else.
    #[error("{0} is not empty and holds no journal: it is no ledger of this version")]
    Foreign(PathBuf),
    /// The folder cannot be made or read.
    #[error("{folder}: {cause}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The old books cannot be set aside.
    #[error("the old books cannot be set aside: {0}")]
    SetAside(io::Error),
    /// A frame of the journal cannot be understood.
    #[error("journal, event {sequence}: {cause}")]
    Frame {
        /// Sequence of its first event.
        sequence: u64,
        /// Why.
        cause: Unreadable,
    },
    /// An event does not fit the events before it.
    #[error("journal: {0}")]
    Inconsistent(#[from] Inconsistency),
    /// There is no space for what the books lack, even without the reserve.
    #[error("books: no space left to apply what the journal holds: make room and start again")]
    NoSpace,
    /// New books cannot be read or written either.
    #[error("books: {0}")]
    Unfit(String),
    /// The system gives no thread.
    #[error("a thread cannot be started: {0}")]
    Thread(io::Error),
}

/// What opening found.
pub(super) struct Opened {
    pub(super) journal: Journal,
    pub(super) books: Books,
    pub(super) shelf: Arc<dyn Shelf>,
    pub(super) tip: Tip,
    pub(super) head: Option<SignedHead>,
    pub(super) recovered: Recovered,
    pub(super) report: Report,
}

/// What opening did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Events that were durable and not yet applied.
    pub replayed: u64,
    /// Where the old books went, if they were doubted.
    pub set_aside: Option<PathBuf>,
}

/// Opens a folder of this machine.
pub(super) fn open_folder(
    folder: &Path,
    options: &JournaledOptions,
) -> Result<Opened, JournaledError> {
    make_folder(folder)?;
    let ground = Ground::folder(folder, options.sled);
    match open(&ground, options) {
        Err(JournaledError::Journal(journal::Error::InUse(_)))
            if is_free_soon(&ground.journal.join("lock")) =>
        {
            open(&ground, options)
        }
        opened => opened,
    }
}

pub(super) fn open(ground: &Ground, options: &JournaledOptions) -> Result<Opened, JournaledError> {
    let journal::Opened { mut journal, recovered } = find_journal(ground, options)?;
    let reader = journal.reader();
    let (up, set_aside) = books(&ground.shelf, &mut journal, &reader)?;
    let head = up.newest(&reader)?;
    let chain = journal.chain();
    let tip = head.map_or_else(|| Tip::genesis(chain.0), |head| head.tip());
    let report = Report { replayed: up.replayed, set_aside };
    let (books, shelf) = (up.books, Arc::clone(&ground.shelf));
    Ok(Opened { journal, books, shelf, tip, head, recovered, report })
}

/// The books with all that is durable, made anew at any doubt, and where the old ones went. On a
/// full disk the reserve is given away for them.
fn books(
    shelf: &Arc<dyn Shelf>,
    journal: &mut Journal,
    reader: &Reader,
) -> Result<(UpToDate, Option<PathBuf>), JournaledError> {
    let (never, mut set_aside) = (AtomicBool::new(false), None);
    loop {
        let ailment = match bring_up(shelf, reader, &never) {
            Ok(up) => return Ok((up, set_aside)),
            Err(Trouble::Final(error)) => return Err(error),
            Err(Trouble::Books(ailment)) => ailment,
        };
        tracing::error!(what = %ailment, "the books cannot be used as they are");
        match ailment {
            // There is a reserve to give away once at most.
            Ailment::Full if journal.release_reserve()? => {}
            Ailment::Full => return Err(JournaledError::NoSpace),
            ailment if set_aside.is_some() => {
                return Err(JournaledError::Unfit(ailment.to_string()));
            }
            Ailment::Failed(_) | Ailment::Damaged(_) => match shelf.set_aside() {
                Ok(place) => set_aside = Some(place),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(JournaledError::Unfit(ailment.to_string()));
                }
                Err(error) => return Err(JournaledError::SetAside(error)),
            },
        }
    }
}

/// The journal that is there, or a new one.
fn find_journal(
    ground: &Ground,
    options: &JournaledOptions,
) -> Result<journal::Opened, JournaledError> {
    let open = |expected| {
        let (disk, head_of) = (Arc::clone(&ground.disk), batch::head_of);
        Journal::open(disk, &ground.journal, expected, head_of, &options.journal)
    };
    match open(Expected::Any) {
        Err(journal::Error::Missing(_)) => Ok(open(Expected::NewOr(options.new_chain))?),
        opened => Ok(opened?),
    }
}

/// Waits a moment for the lock of a process that is ending, as when a service is restarted. False
/// if it is held on.
fn is_free_soon(lock: &Path) -> bool {
    let Ok(file) = std::fs::File::open(lock) else { return false };
    let (free, told) = std::sync::mpsc::channel();
    // The thread waits for the lock itself; if it comes too late, nobody listens any more.
    let wait = move || {
        if file.lock().and_then(|()| file.unlock()).is_ok() {
            let _ = free.send(());
        }
    };
    let thread = std::thread::Builder::new().name("ledger-lock".to_owned()).spawn(wait);
    thread.is_ok() && told.recv_timeout(LOCK_WAIT).is_ok()
}

/// Makes the folder, or checks that what is in it is ours.
fn make_folder(folder: &Path) -> Result<(), JournaledError> {
    let failed = |cause| JournaledError::Folder { folder: folder.to_owned(), cause };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let is_empty = std::fs::read_dir(folder).map_err(failed)?.next().is_none();
    if is_empty || folder.join("journal").is_dir() {
        return Ok(());
    }
    Err(JournaledError::Foreign(folder.to_owned()))
}
