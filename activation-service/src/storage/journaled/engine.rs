//! What the threads of the engine and its callers look at: the overlay first, then the books.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockWriteGuard};

use super::accounts::Tracked;
use super::batch;
use super::books::Books;
use super::overlay::Overlay;
use super::readers::Readers;
use super::receipts::Receipts;
use super::writer::Writer;
use super::{SEEN_BATCH, SEEN_PERIOD_MS};
use crate::domain::account::Head;
use crate::domain::event::Event;
use crate::domain::ids::{ActivationId, KeyId, RequestId};
use crate::domain::product_key::LookupDigest;
use crate::mutants::{self, Mutant};
use crate::ports::{LedgerError, Recorded, Span};
use crate::storage::journal::{self, Frame, Reader};
use crate::storage::rows::{Entry, RowError, Sightings};
use crate::storage::store::Shelf;

/// Everything that the threads of the engine and its callers share.
pub(super) struct Shared {
    /// One writer at a time; none once the journal is closed.
    pub(super) writer: Mutex<Option<Writer>>,
    pub(super) overlay: RwLock<Overlay>,
    pub(super) books: Books,
    /// Where the books are.
    pub(super) shelf: Arc<dyn Shelf>,
    pub(super) readers: Readers,
    /// Bytes of events and accounts that wait for sled, at which new changes are refused.
    pub(super) pinned_bytes_max: usize,
    /// The newest durable head in bytes.
    pub(super) newest: RwLock<Option<Arc<[u8]>>>,
    /// Reads what is durable in the journal.
    pub(super) reader: Reader,
    /// Why the engine stopped; once set it stays.
    pub(super) stopped: OnceLock<String>,
    /// Set when the ledger is being closed: long work ends early.
    pub(super) is_ending: AtomicBool,
    /// True while there is too little space to record anything new.
    pub(super) is_low: AtomicBool,
    /// Sightings that are not written yet; they may be lost.
    pub(super) sightings: Mutex<Sightings>,
    /// True while sightings wait for the applier.
    pub(super) sightings_wait: AtomicBool,
    /// Receipts that were asked for lately.
    pub(super) receipts: Receipts,
}

impl Shared {
    pub(super) fn stop(&self, why: String) {
        tracing::error!(why, "the ledger stopped: nothing more is answered until a restart");
        // The first reason is the one that counts.
        let _ = self.stopped.set(why);
    }

    pub(super) fn has_stopped(&self) -> bool {
        self.stopped.get().is_some()
    }

    pub(super) fn unavailable(&self) -> LedgerError {
        let why = self.stopped.get().cloned();
        let why = why.or_else(|| self.books.ailment().map(|ailment| ailment.to_string()));
        LedgerError::Unavailable(why.unwrap_or_else(|| "it is being closed".to_owned()))
    }

    /// Nothing is answered once the engine stopped, or while the books are mended: what they lack
    /// meanwhile may be what is asked for.
    pub(super) fn alive(&self) -> Result<(), LedgerError> {
        if self.has_stopped() || self.books.is_ailing() { Err(self.unavailable()) } else { Ok(()) }
    }

    pub(super) fn overlay<T>(&self, look: impl FnOnce(&Overlay) -> T) -> T {
        look(&self.overlay.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the books say; they keep for themselves what is wrong with them, and are mended.
    pub(super) fn row<T>(&self, read: Result<T, RowError>) -> Result<T, LedgerError> {
        read.map_err(|error| LedgerError::Unavailable(error.to_string()))
    }

    pub(super) fn writer(&self) -> Result<MutexGuard<'_, Option<Writer>>, LedgerError> {
        self.writer.lock().map_err(|_| {
            // A panic may have left frames behind that are appended and not synced.
            self.stop("a writer panicked".to_owned());
            self.unavailable()
        })
    }

    pub(super) fn overlay_mut(&self) -> RwLockWriteGuard<'_, Overlay> {
        self.overlay.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends everybody away who waits for an account.
    pub(super) fn dismiss(&self) {
        self.overlay_mut().loads.clear();
    }

    /// The head of a key with everything durable; the overlay first, for what it lets go of is in
    /// the books by then.
    pub(super) fn head(&self, key_id: KeyId) -> Result<Option<Head>, LedgerError> {
        let at_hand = |overlay: &Overlay| {
            overlay.accounts.get(key_id).map(|resident| resident.account().head.clone())
        };
        match self.overlay(at_hand) {
            Some(head) => Ok(Some(head)),
            None => self.row(self.books.head(key_id)),
        }
    }

    /// Version of a key with everything durable; 0 if it is unknown.
    pub(super) fn version(&self, key_id: KeyId) -> Result<u64, LedgerError> {
        let at_hand = |overlay: &Overlay| {
            overlay.accounts.get(key_id).map(|resident| resident.account().head.version)
        };
        match self.overlay(at_hand) {
            Some(version) => Ok(version),
            None => Ok(self.row(self.books.head(key_id))?.map_or(0, |head| head.version)),
        }
    }

    pub(super) fn owner_of(&self, lookup: &LookupDigest) -> Result<Option<KeyId>, LedgerError> {
        match self.overlay(|overlay| overlay.accounts.owner_of(lookup)) {
            Some(owner) => Ok(Some(owner)),
            None => self.row(self.books.owner_of(lookup)),
        }
    }

    pub(super) fn recorded(
        &self,
        key_id: KeyId,
        request: RequestId,
    ) -> Result<Option<Arc<Event>>, LedgerError> {
        self.alive()?;
        if mutants::is_on(Mutant::NoRequestId) {
            return Ok(None);
        }
        let at_hand = |overlay: &Overlay| {
            let resident = overlay.accounts.get(key_id);
            let tracked = resident.map_or(Tracked::Unknown, |found| found.tracked(request));
            (overlay.recorded(key_id, request), tracked)
        };
        let entry = match self.overlay(at_hand) {
            (Some(event), _) => return Ok(Some(event)),
            (None, Tracked::Unrecorded) => return Ok(None),
            (None, Tracked::At(version)) => self.row(self.books.entry(key_id, version))?,
            (None, Tracked::Unknown) => self.row(self.books.request(key_id, request))?,
        };
        let Some(entry) = entry else { return Ok(None) };
        let recorded = self.in_journal(&[entry])?.pop();
        Ok(recorded.map(|recorded| recorded.event))
    }

    pub(super) fn history(
        &self,
        key_id: KeyId,
        span: Span,
    ) -> Result<(Vec<Recorded>, u64), LedgerError> {
        self.alive()?;
        // The overlay before the books: an event that is applied in between is then seen twice,
        // and never missed.
        let (waiting, as_of) = self.overlay(|overlay| (overlay.history(key_id), overlay.durable()));
        let entries = self.row(self.books.entries(key_id, span))?;
        let mut events = self.in_journal(&entries)?;
        let after = |recorded: &Recorded| match (span.after, span.descending) {
            (None, _) => true,
            (Some(version), false) => recorded.event.version > version,
            (Some(version), true) => recorded.event.version < version,
        };
        events.extend(waiting.into_iter().filter(after));
        events.sort_by_key(|recorded| recorded.event.version);
        events.dedup_by_key(|recorded| recorded.event.version);
        if span.descending {
            events.reverse();
        }
        events.truncate(span.most);
        Ok((events, as_of))
    }

    /// Keeps a sighting; gives back those kept once there are enough to write.
    pub(super) fn note_seen(
        &self,
        key: (KeyId, ActivationId),
        time_ms: i64,
    ) -> Result<Option<Sightings>, LedgerError> {
        let noted = self.last_seen(key)?;
        if noted.is_some_and(|noted| noted.abs_diff(time_ms) < SEEN_PERIOD_MS) {
            return Ok(None);
        }
        let mut kept = self.sightings.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(key, time_ms);
        Ok((kept.len() >= SEEN_BATCH).then(|| std::mem::take(&mut *kept)))
    }

    pub(super) fn last_seen(&self, key: (KeyId, ActivationId)) -> Result<Option<i64>, LedgerError> {
        let kept = self.sightings.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        match kept {
            Some(time_ms) => Ok(Some(time_ms)),
            None => self.row(self.books.last_seen(key.0, key.1)),
        }
    }

    pub(super) fn kept_sightings(&self) -> Sightings {
        std::mem::take(&mut *self.sightings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The events that the books noted, in that order, from the journal.
    pub(super) fn in_journal(&self, entries: &[Entry]) -> Result<Vec<Recorded>, LedgerError> {
        let mut events = Vec::with_capacity(entries.len());
        let mut held: Option<Frame> = None;
        for entry in entries {
            // Events of a key that follow each other lie in one frame often.
            let frame = match held.take().filter(|frame| frame.location == entry.location) {
                Some(frame) => frame,
                None => self.frame(entry)?,
            };
            let event = batch::event(&frame.body, &frame.erasable, entry.sequence);
            let event = event.map_err(|error| self.misplaced(entry, &error))?;
            if !entry.is_of(&event) {
                return Err(self.misplaced(entry, &"another event is there"));
            }
            events.push(Recorded { sequence: entry.sequence, event: Arc::new(event) });
            held = Some(frame);
        }
        Ok(events)
    }

    /// The frame that the books say an event lies in.
    fn frame(&self, entry: &Entry) -> Result<Frame, LedgerError> {
        self.reader.read(entry.location).map_err(|error| match error {
            journal::Error::NoFrame(_) => self.misplaced(entry, &error),
            // A read that failed may succeed later.
            journal::Error::Disk(_) => LedgerError::Unavailable(error.to_string()),
            error => {
                self.stop(format!("the journal is damaged: {error}"));
                LedgerError::Corrupt(error.to_string())
            }
        })
    }

    /// The books are wrong about an event.
    fn misplaced(&self, entry: &Entry, why: &dyn std::fmt::Display) -> LedgerError {
        let Entry { key_id, version, location, .. } = entry;
        self.books.doubt(format!("event {version} of {key_id} is not at {location}: {why}"));
        self.unavailable()
    }

    pub(super) fn receipt(
        &self,
        key: KeyId,
        version: u64,
    ) -> Result<Option<Arc<[u8]>>, LedgerError> {
        self.alive()?;
        let entry = match self.overlay(|overlay| overlay.entry(key, version)) {
            Some(entry) => Some(entry),
            None => self.row(self.books.entry(key, version))?,
        };
        let Some(entry) = entry else { return Ok(None) };
        let frame = self.frame(&entry)?;
        let receipt = batch::receipt(&frame.body, (key, version), entry.sequence);
        let receipt = receipt.map_err(|error| self.misplaced(&entry, &error))?;
        self.receipts.add(key, version, Arc::clone(&receipt));
        Ok(Some(receipt))
    }
}
