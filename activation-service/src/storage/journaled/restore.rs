//! Bringing the books up to the journal: as they are, or made anew, and given what they lack.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use receipt::SignedHead;

use super::ailment::Ailment;
use super::batch;
use super::books::{Applied, Batch, Books};
use super::open::JournaledError;
use crate::domain::account::Account;
use crate::domain::ids::KeyId;
use crate::ports::Change;
use crate::storage::journal::{Checkpoint, Frame, NO_HEAD, Reader};
use crate::storage::rows::{Posting, RowError};
use crate::storage::sled::OpenError;
use crate::storage::store::Shelf;

/// Events between two lines of the log while the books are brought up.
const TOLD_EVENTS: u64 = 50_000;
/// Events that are applied together while the books are brought up.
const REPLAY_EVENTS: usize = 1_024;
/// Accounts that are kept from one application to the next at most.
const KEPT_ACCOUNTS_MAX: usize = 4_096;
/// Counts of those: some hundreds of megabytes.
const KEPT_COUNTS_MAX: usize = 200_000;

/// Books that hold every durable event.
pub(super) struct UpToDate {
    pub(super) books: Books,
    /// Events that they lacked.
    pub(super) replayed: u64,
    /// Position of the last event that they hold.
    pub(super) applied: u64,
    /// The last frame, if it was among what they lacked.
    last: Option<Frame>,
}

/// Why books are not brought up to the journal.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It is the books': they can be opened again later, or made anew.
    Books(Ailment),
    /// Nothing that is done to the books helps.
    Final(JournaledError),
}

impl From<JournaledError> for Trouble {
    fn from(error: JournaledError) -> Self {
        Self::Final(error)
    }
}

impl From<Trouble> for JournaledError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Books(ailment) => Self::Unfit(ailment.to_string()),
            Trouble::Final(error) => error,
        }
    }
}

fn doubtful(why: impl ToString) -> Trouble {
    Trouble::Books(Ailment::Damaged(why.to_string()))
}

/// Opens the books on the shelf and applies what they lack. It ends early, as a failure, once
/// `ending` is set.
pub(super) fn bring_up(
    shelf: &Arc<dyn Shelf>,
    reader: &Reader,
    ending: &AtomicBool,
) -> Result<UpToDate, Trouble> {
    let failed = |error: std::io::Error| Trouble::Books(Ailment::Failed(error.to_string()));
    if shelf.is_doubted().map_err(failed)? {
        return Err(doubtful("they bear the mark of a doubt"));
    }
    let opened = Books::open(shelf);
    let (books, applied) = opened.map_err(|error| match error {
        OpenError::InUse(_) => Trouble::Final(error.into()),
        error => Trouble::Books(Ailment::of_opening(&error)),
    })?;
    let applied = applied.map_err(read_failed)?;
    let durable = reader.end().sequence - 1;
    if applied.sequence > durable {
        // Only what the journal made durable is ever applied, so events were lost.
        let applied = applied.sequence;
        return Err(Trouble::Final(JournaledError::JournalBehind { applied, durable }));
    }
    let place = if applied == NOTHING { Some(reader.start()) } else { find(reader, applied)? };
    let place = place.ok_or_else(|| {
        let sequence = applied.sequence;
        doubtful(format!("what they were applied from, up to event {sequence}, is not the journal"))
    })?;
    let (replayed, last) = replay(&books, reader, (applied, place), ending)?;
    let applied = last.as_ref().map_or(applied.sequence, |frame| frame.next_sequence() - 1);
    Ok(UpToDate { books, replayed, applied, last })
}

impl UpToDate {
    /// The newest head that is durable; none before the first event.
    pub(super) fn newest(&self, reader: &Reader) -> Result<Option<SignedHead>, JournaledError> {
        let head = |frame: &Frame| {
            let sequence = frame.first_sequence;
            batch::head(&frame.body).map_err(|cause| JournaledError::Frame { sequence, cause })
        };
        if self.last.is_some() || reader.end() == reader.start() {
            return self.last.as_ref().map(head).transpose();
        }
        // Nothing lacked: the tip is in the last frame, which the last segment begins before.
        let mut walk = reader.walk(reader.before(reader.end().sequence.saturating_sub(1)));
        let mut last = None;
        while let Some(frame) = walk.advance()? {
            last = Some(frame);
        }
        last.as_ref().map(head).transpose()
    }
}

/// What new books hold.
const NOTHING: Applied = Applied { sequence: 0, head: NO_HEAD };

fn read_failed(error: RowError) -> Trouble {
    let ailment = Ailment::of_read(&error);
    Trouble::Books(ailment.unwrap_or_else(|| Ailment::Failed(error.to_string())))
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

/// Applies what is durable and lacks; says how many events that were, and gives the last frame.
fn replay(
    books: &Books,
    reader: &Reader,
    (applied, place): (Applied, Checkpoint),
    ending: &AtomicBool,
) -> Result<(u64, Option<Frame>), Trouble> {
    let mut walk = reader.walk(place);
    let (mut replay, mut told, mut last) = (Replay::new(books, applied.sequence), 0, None);
    while let Some(frame) = walk.advance().map_err(JournaledError::from)? {
        if ending.load(Ordering::Relaxed) {
            return Err(Trouble::Books(Ailment::Failed("the ledger is being closed".to_owned())));
        }
        match replay.take(&frame) {
            // Events that fit each other and not these books: the books are wrong.
            Err(Trouble::Final(JournaledError::Inconsistent(error))) if applied != NOTHING => {
                return Err(doubtful(error));
            }
            taken => taken?,
        }
        if replay.replayed >= told + TOLD_EVENTS {
            told = replay.replayed;
            let (done, total) = (frame.next_sequence() - 1, reader.end().sequence - 1);
            tracing::info!(done, total, "events are applied to the books");
        }
        last = Some(frame);
    }
    replay.apply()?;
    Ok((replay.replayed, last))
}

/// Frames of the journal on their way to the books, many at once.
pub(super) struct Replay<'a> {
    books: &'a Books,
    /// Position of the last event that the books held at first.
    applied: u64,
    /// Events that they lacked and that were taken.
    replayed: u64,
    waiting: Vec<Batch>,
    /// Events of those.
    waiting_events: usize,
    /// Accounts as they are after what waits.
    latest: HashMap<KeyId, Account>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(books: &'a Books, applied: u64) -> Self {
        let (waiting, latest) = (Vec::new(), HashMap::new());
        Self { books, applied, replayed: 0, waiting, waiting_events: 0, latest }
    }

    /// Takes the next frame, and applies what waits once it is enough.
    pub(super) fn take(&mut self, frame: &Frame) -> Result<(), Trouble> {
        let batch = self.batch_of(frame)?;
        let events = batch.events();
        if events == 0 {
            return Ok(());
        }
        self.replayed += events as u64;
        self.waiting_events += events;
        self.waiting.push(batch);
        if self.waiting_events >= REPLAY_EVENTS { self.apply() } else { Ok(()) }
    }

    /// Applies what waits.
    pub(super) fn apply(&mut self) -> Result<(), Trouble> {
        // A few accounts stay, so that a key with very many computers is not read again and again.
        let counts = || self.latest.values().map(|account| account.counts.len()).sum::<usize>();
        if self.latest.len() > KEPT_ACCOUNTS_MAX || counts() > KEPT_COUNTS_MAX {
            self.latest.clear();
        }
        self.waiting_events = 0;
        self.books.apply(&std::mem::take(&mut self.waiting)).map_err(read_failed)
    }

    /// The changes that a frame makes of the books, without the events that they hold already.
    fn batch_of(&mut self, frame: &Frame) -> Result<Batch, Trouble> {
        let sequence = frame.first_sequence;
        let unreadable = |cause| JournaledError::Frame { sequence, cause };
        let head = batch::head(&frame.body).map_err(unreadable)?.hash();
        let events = batch::open(&frame.body, &frame.erasable).map_err(unreadable)?.events;
        let mut changes: Vec<Change> = Vec::new();
        for (_, event) in events.into_iter().filter(|(sequence, _)| *sequence > self.applied) {
            let key_id = event.key_id;
            let mut account = match self.latest.remove(&key_id) {
                Some(account) => Some(account),
                None => self.books.account(key_id).map_err(read_failed)?.map(Arc::unwrap_or_clone),
            };
            let expected_version = account.as_ref().map_or(0, |account| account.head.version);
            match &mut account {
                Some(account) => account.apply(&event).map_err(JournaledError::from)?,
                None => account = Some(Account::open(&event).map_err(JournaledError::from)?),
            }
            let Some(account) = account else { continue };
            let after = Arc::new(account.clone());
            self.latest.insert(key_id, account);
            // Events of one key that follow each other are one change, as they were committed.
            match changes.last_mut().filter(|change| change.account.head.key_id == key_id) {
                Some(change) => {
                    change.events.push(event);
                    change.account = after;
                }
                None => {
                    changes.push(Change { expected_version, events: vec![event], account: after });
                }
            }
        }
        let first_sequence = sequence.max(self.applied + 1);
        let (location, previous) = (frame.location, frame.previous_head);
        let postings = changes.into_iter().map(Posting::from).collect();
        Ok(Batch { postings, first_sequence, location, previous, head })
    }
}
