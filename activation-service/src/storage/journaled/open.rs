//! Opening: the journal first, then the books that were applied from it; at any doubt the books
//! are set aside and made again.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use receipt::{SignedHead, SigningKey, Tip};
use thiserror::Error;

use super::batch::{self, Unreadable};
use super::books::{Applied, Batch, Books};
use crate::domain::account::Account;
use crate::domain::error::Inconsistency;
use crate::domain::ids::KeyId;
use crate::ports::Change;
use crate::storage::disk::{Disk, RealDisk};
use crate::storage::journal::{
    self, ChainId, Checkpoint, Expected, Frame, Journal, NO_HEAD, Reader, Recovered,
};
use crate::storage::rows::{Posting, RowError};
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
    /// The books cannot be read while events are applied.
    #[error("books: {0}")]
    Rows(String),
    /// The books cannot be written.
    #[error("books: {0}")]
    Apply(String),
}

/// What opening found.
pub(super) struct Opened {
    pub(super) journal: Journal,
    pub(super) books: Books,
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
    let opened = journal(ground, options)?;
    let reader = opened.journal.reader();
    let mut report = Report::default();
    let (books, applied) = books(ground.shelf.as_ref(), &reader, &mut report)?;
    let head = replay(&books, &reader, applied, &mut report)?;
    let chain = opened.journal.chain();
    let tip = head.map_or_else(|| Tip::genesis(chain.0), |head| head.tip());
    let journal::Opened { journal, recovered } = opened;
    Ok(Opened { journal, books, tip, head, recovered, report })
}

/// The journal that is there, or a new one.
fn journal(ground: &Ground, options: &JournaledOptions) -> Result<journal::Opened, JournaledError> {
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

/// The books and the place in the chain from which they lack events.
fn books(
    shelf: &dyn Shelf,
    reader: &Reader,
    report: &mut Report,
) -> Result<(Books, (Applied, Checkpoint)), JournaledError> {
    match Books::open(shelf) {
        Ok((_, Ok(applied))) if applied.sequence >= reader.end().sequence => {
            // Only what the journal made durable is ever applied, so events were lost.
            let (applied, durable) = (applied.sequence, reader.end().sequence - 1);
            return Err(JournaledError::JournalBehind { applied, durable });
        }
        Ok((books, Ok(applied))) => match find(reader, applied)? {
            Some(place) => return Ok((books, (applied, place))),
            None => tracing::error!(
                sequence = applied.sequence,
                "what the books were applied from is not in the journal"
            ),
        },
        Ok((_, Err(error))) => tracing::error!(%error, "the books cannot be read"),
        Err(OpenError::InUse(folder)) => return Err(OpenError::InUse(folder).into()),
        Err(error) => tracing::error!(%error, "the books cannot be opened"),
    }
    report.set_aside = Some(shelf.set_aside().map_err(JournaledError::SetAside)?);
    let (books, _) = Books::open(shelf)?;
    Ok((books, (Applied { sequence: 0, head: NO_HEAD }, reader.start())))
}

/// The place in the chain behind the last head that the books hold whole.
fn find(reader: &Reader, applied: Applied) -> Result<Option<Checkpoint>, JournaledError> {
    let mut walk = reader.walk(reader.before(applied.sequence.max(1)));
    loop {
        let place = walk.checkpoint();
        if place.sequence > applied.sequence + 1 {
            return Ok(None);
        }
        if place.head == applied.head {
            return Ok(Some(place));
        }
        if walk.advance()?.is_none() {
            return Ok(None);
        }
    }
}

/// Applies what is durable and lacks; gives the newest head.
fn replay(
    books: &Books,
    reader: &Reader,
    (applied, place): (Applied, Checkpoint),
    report: &mut Report,
) -> Result<Option<SignedHead>, JournaledError> {
    let mut walk = reader.walk(place);
    let mut last = None;
    while let Some(frame) = walk.advance()? {
        let batch = batch_of(books, &frame, applied.sequence)?;
        if !batch.postings.is_empty() {
            report.replayed += batch.postings.iter().map(|p| p.events.len() as u64).sum::<u64>();
            books.apply(&batch).map_err(JournaledError::Apply)?;
        }
        last = Some(frame);
    }
    if last.is_none() && reader.end() != reader.start() {
        // Nothing lacked: the tip is in the last frame, which the last segment begins before.
        let mut walk = reader.walk(reader.before(reader.end().sequence.saturating_sub(1)));
        while let Some(frame) = walk.advance()? {
            last = Some(frame);
        }
    }
    let head = |frame: Frame| {
        let sequence = frame.first_sequence;
        batch::head(&frame.body).map_err(|cause| JournaledError::Frame { sequence, cause })
    };
    last.map(head).transpose()
}

/// The changes that a frame makes of the books, without the events that they hold already.
pub(super) fn batch_of(
    books: &Books,
    frame: &Frame,
    applied: u64,
) -> Result<Batch, JournaledError> {
    let sequence = frame.first_sequence;
    let unreadable = |cause| JournaledError::Frame { sequence, cause };
    let head = batch::head(&frame.body).map_err(unreadable)?.hash();
    let events = batch::open(&frame.body, &frame.erasable).map_err(unreadable)?.events;
    let mut changes: Vec<Change> = Vec::new();
    let mut latest: HashMap<KeyId, Account> = HashMap::new();
    for (_, event) in events.into_iter().filter(|(sequence, _)| *sequence > applied) {
        let key_id = event.key_id;
        let mut account = match latest.remove(&key_id) {
            Some(account) => Some(account),
            None => books
                .account(key_id)
                .map_err(|error: RowError| JournaledError::Rows(error.to_string()))?
                .map(Arc::unwrap_or_clone),
        };
        let expected_version = account.as_ref().map_or(0, |account| account.head.version);
        match &mut account {
            Some(account) => account.apply(&event)?,
            None => account = Some(Account::open(&event)?),
        }
        let Some(account) = account else { continue };
        let after = Arc::new(account.clone());
        latest.insert(key_id, account);
        // Events of one key that follow each other are one change, as they were committed.
        match changes.last_mut().filter(|change| change.account.head.key_id == key_id) {
            Some(change) => {
                change.events.push(event);
                change.account = after;
            }
            None => changes.push(Change { expected_version, events: vec![event], account: after }),
        }
    }
    let first_sequence = sequence.max(applied + 1);
    let (location, previous) = (frame.location, frame.previous_head);
    let postings = changes.into_iter().map(Posting::from).collect();
    Ok(Batch { postings, first_sequence, location, previous, head })
}
