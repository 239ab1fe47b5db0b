//! The books: durable events are applied in groups small enough to be whole after a power cut,
//! and read back as accounts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::accounts::{Fetched, Requests};
use super::ailment::Ailment;
use crate::domain::account::{Account, Head};
use crate::domain::ids::{ActivationId, KeyId, RequestId};
use crate::domain::product_key::LookupDigest;
use crate::mutants::{self, Mutant};
use crate::ports::Span;
use crate::storage::journal::{Hash, Location};
use crate::storage::rows::{Census, Entry, Posting, RowError, Rows, Sightings, WriteSet};
use crate::storage::sled::{GROUP_BYTES_MAX, GROUP_OPERATIONS_MAX, OpenError};
use crate::storage::store::Shelf;

/// Events between two syncs of the deliberate bug that syncs too seldom.
const WIDE_WINDOW_EVENTS: u64 = 2_000;

/// Sled as the ledger that answers questions. It can be closed, and other rows put in its place.
pub(super) struct Books {
    shelf: Arc<dyn Shelf>,
    /// Held for writing while a transaction is written, so that a reader sees whole accounts. None
    /// while they are mended.
    rows: RwLock<Option<Rows>>,
    /// What is wrong with these rows; the worst of what was seen.
    ailment: Mutex<Option<Ailment>>,
    is_ailing: AtomicBool,
}

/// How far the books are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    /// Position of the last event.
    pub(super) sequence: u64,
    /// Hash of the last head that is wholly applied.
    pub(super) head: Hash,
}

/// A batch that the journal made durable.
pub(super) struct Batch {
    /// What it leaves in the rows; the events follow each other.
    pub(super) postings: Vec<Posting>,
    /// Position of the first event.
    pub(super) first_sequence: u64,
    /// Where its frame lies.
    pub(super) location: Location,
    /// Hash of the head before it.
    pub(super) previous: Hash,
    /// Hash of its own head.
    pub(super) head: Hash,
}

impl Batch {
    /// How many events it has.
    pub(super) fn events(&self) -> usize {
        self.postings.iter().map(|posting| posting.events.len()).sum()
    }

    /// Position of the last event.
    pub(super) fn last_sequence(&self) -> u64 {
        self.first_sequence.saturating_sub(1) + self.events() as u64
    }
}

impl Books {
    /// Opens what is on the shelf, and says how far it is applied if that can be read.
    pub(super) fn open(
        shelf: &Arc<dyn Shelf>,
    ) -> Result<(Self, Result<Applied, RowError>), OpenError> {
        let books = Self {
            shelf: Arc::clone(shelf),
            rows: RwLock::new(Some(Rows::new(shelf.open()?))),
            ailment: Mutex::default(),
            is_ailing: AtomicBool::new(false),
        };
        let applied = books.read(applied);
        Ok((books, applied))
    }

    /// What is wrong with them, if anything is.
    pub(super) fn ailment(&self) -> Option<Ailment> {
        if !self.is_ailing.load(Ordering::Acquire) {
            return None;
        }
        self.ailment.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// True from the first fault until other rows are in their place.
    pub(super) fn is_ailing(&self) -> bool {
        self.is_ailing.load(Ordering::Acquire)
    }

    /// Lets go of the engine, once nobody reads.
    pub(super) fn close(&self) {
        let rows = self.rows.write().unwrap_or_else(PoisonError::into_inner).take();
        // An engine that cannot even end is not used any more either.
        if catch_unwind(AssertUnwindSafe(|| drop(rows))).is_err() {
            tracing::warn!("the engine of the books panicked while it was closed");
        }
    }

    /// Puts the rows of other books in the place of those that were closed.
    pub(super) fn replace(&self, other: Self) {
        let rows = other.rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut place = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        *self.ailment.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *place = rows;
        self.is_ailing.store(false, Ordering::Release);
    }

    /// Applies batches that follow each other; whole postings go together, and every group says
    /// how far it brings the books. What many batches change alike is written once a group.
    pub(super) fn apply<'a>(
        &self,
        batches: impl IntoIterator<Item = &'a Batch>,
    ) -> Result<(), RowError> {
        let (mut group, mut reached) = (WriteSet::default(), None);
        for batch in batches {
            let mut sequence = batch.first_sequence.saturating_sub(1);
            for posting in &batch.postings {
                let next = sequence + posting.events.len() as u64;
                let set = WriteSet::of(posting, next, batch.location);
                if is_full(&group, &set) {
                    self.write(std::mem::take(&mut group), sequence, &batch.previous)?;
                }
                group.append(set);
                sequence = next;
            }
            reached = Some((sequence, &batch.head));
        }
        match reached {
            Some((sequence, head)) => self.write(group, sequence, head),
            None => Ok(()),
        }
    }

    /// Lays rows down in new books, in groups as large as those of [`Self::apply`]. How far the
    /// books are applied is said once all is there, by [`Self::complete`].
    pub(super) fn lay(&self, sets: impl IntoIterator<Item = WriteSet>) -> Result<(), RowError> {
        let mut group = WriteSet::default();
        for set in sets {
            if is_full(&group, &set) {
                self.write_rows(&std::mem::take(&mut group))?;
                self.read(|rows| Ok(rows.sync()?))?;
            }
            group.append(set);
        }
        self.write_rows(&group)?;
        self.read(|rows| Ok(rows.sync()?))
    }

    /// Says that new books hold all that there is.
    pub(super) fn complete(&self, applied: Applied) -> Result<(), RowError> {
        self.write(WriteSet::default(), applied.sequence, &applied.head)
    }

    fn write_rows(&self, group: &WriteSet) -> Result<(), RowError> {
        let rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let rows = rows.as_ref().ok_or(RowError::Closed)?;
        self.noted(rows.write(group).map_err(RowError::from))
    }

    fn write(&self, mut group: WriteSet, sequence: u64, head: &Hash) -> Result<(), RowError> {
        group.close_at(sequence, head);
        self.write_rows(&group)?;
        if mutants::is_on(Mutant::WideSyncWindow) && !sequence.is_multiple_of(WIDE_WINDOW_EVENTS) {
            return Ok(());
        }
        self.read(|rows| Ok(rows.sync()?))
    }

    /// Writes sightings; they may be lost, so nobody waits for them.
    pub(super) fn write_seen(&self, sightings: &Sightings) -> Result<(), RowError> {
        self.read(|rows| {
            rows.write_seen(sightings)?;
            if mutants::is_on(Mutant::WideSyncWindow) {
                return Ok(());
            }
            Ok(rows.sync()?)
        })
    }

    /// A look-up digest names this key; that it is not there is damage.
    pub(super) fn owned(&self, key_id: KeyId) -> Result<(), RowError> {
        self.read(|rows| rows.owned(key_id))
    }

    pub(super) fn account(&self, key_id: KeyId) -> Result<Option<Arc<Account>>, RowError> {
        Ok(self.read(|rows| rows.account(key_id))?.map(Arc::new))
    }

    /// An account with the requests that it recorded.
    pub(super) fn fetch(&self, key_id: KeyId) -> Result<Option<Fetched>, RowError> {
        self.read(|rows| {
            let mut requests = Requests::default();
            let account = rows.fetch(key_id, |entry| {
                if let Some(request) = entry.request {
                    requests.insert(request, entry.version);
                }
            })?;
            Ok(account.map(|account| Fetched { account: Arc::new(account), requests }))
        })
    }

    pub(super) fn head(&self, key_id: KeyId) -> Result<Option<Head>, RowError> {
        self.read(|rows| rows.head(key_id))
    }

    pub(super) fn owner_of(&self, lookup: &LookupDigest) -> Result<Option<KeyId>, RowError> {
        self.read(|rows| rows.owner_of(lookup))
    }

    /// What is noted of the event that recorded a request; it looks at all events of the key.
    pub(super) fn request(
        &self,
        key_id: KeyId,
        request: RequestId,
    ) -> Result<Option<Entry>, RowError> {
        self.read(|rows| rows.request(key_id, request))
    }

    /// What is noted of an event.
    pub(super) fn entry(&self, key_id: KeyId, version: u64) -> Result<Option<Entry>, RowError> {
        self.read(|rows| rows.entry(key_id, version))
    }

    /// What is noted of a part of the history of a key.
    pub(super) fn entries(&self, key_id: KeyId, span: Span) -> Result<Vec<Entry>, RowError> {
        self.read(|rows| rows.entries(key_id, span))
    }

    /// Something read from them is not what the journal has: they are damaged.
    pub(super) fn doubt(&self, what: String) {
        // The error is noted, which is all that is wanted of it.
        let _ = self.read(|_| Err::<(), _>(RowError::Inconsistent(what)));
    }

    pub(super) fn last_seen(
        &self,
        key_id: KeyId,
        activation: ActivationId,
    ) -> Result<Option<i64>, RowError> {
        self.read(|rows| rows.last_seen(key_id, activation))
    }

    /// Counts all rows; it reads them all.
    pub(super) fn census(&self) -> Result<Census, RowError> {
        self.read(Rows::census)
    }

    pub(super) fn keys_within(&self, first: u16, last: u16) -> Result<Vec<KeyId>, RowError> {
        self.read(|rows| rows.keys_within(first, last))
    }

    fn read<T>(&self, read: impl FnOnce(&Rows) -> Result<T, RowError>) -> Result<T, RowError> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        // What is noted here concerns these rows: they are not replaced before this is over.
        self.noted(read(rows.as_ref().ok_or(RowError::Closed)?))
    }

    /// Keeps the worst that was seen, and marks books that are damaged, so that a restart knows.
    fn noted<T>(&self, done: Result<T, RowError>) -> Result<T, RowError> {
        let Some(seen) = done.as_ref().err().and_then(Ailment::of_read) else { return done };
        let mut ailment = self.ailment.lock().unwrap_or_else(PoisonError::into_inner);
        if ailment.as_ref().is_some_and(|worst| worst.is_as_bad_as(&seen)) {
            return done;
        }
        tracing::error!(what = %seen, "the books need mending");
        if let Ailment::Damaged(why) = &seen
            && let Err(error) = self.shelf.doubt(why)
        {
            tracing::error!(%error, "damaged books could not be marked as such");
        }
        *ailment = Some(seen);
        self.is_ailing.store(true, Ordering::Release);
        done
    }
}

/// True if a group takes no more of these rows; two operations are for what closes it.
fn is_full(group: &WriteSet, more: &WriteSet) -> bool {
    let operations = group.operations() + more.operations() + 2;
    let bytes = group.bytes() + more.bytes();
    let is_full = operations > GROUP_OPERATIONS_MAX || bytes > GROUP_BYTES_MAX;
    is_full && group.operations() > 0
}

fn applied(rows: &Rows) -> Result<Applied, RowError> {
    let sequence = rows.sequence()?;
    let head = rows.applied_head()?.unwrap_or(crate::storage::journal::NO_HEAD);
    Ok(Applied { sequence, head })
}
