//! The writing side: changes become a signed frame, the frame durable, and only then visible.

use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, PoisonError};

use receipt::{SigningKey, Tip};

use super::applier::Work;
use super::books::Batch;
use super::{Shared, batch};
use crate::domain::event::Event;
use crate::ports::{Change, Committed, LedgerError, Randomness};
use crate::storage::journal::{self, FrameParts, Journal, Location};
use crate::storage::memory::new_lookups;

/// Most events of a frame; one signature and one sync serve them all. With the longest texts that
/// the wire lets in, a frame stays well within the smallest segment.
const FRAME_EVENTS_MAX: usize = 128;

/// What one thread at a time writes with.
pub(super) struct Writer {
    pub(super) journal: Journal,
    pub(super) tip: Tip,
    pub(super) key: SigningKey,
}

impl Shared {
    /// True if a change does not fit what is durable; `batch` are the changes before it.
    fn conflicts(&self, batch: &[&Change], change: &Change) -> Result<bool, LedgerError> {
        let key_id = change.account.head.key_id;
        let lookups = new_lookups(&change.events);
        let clashes = |other: &&Change| {
            other.account.head.key_id == key_id
                || new_lookups(&other.events).iter().any(|lookup| lookups.contains(lookup))
        };
        if batch.iter().any(clashes) {
            return Ok(true);
        }
        if self.head(key_id)?.map_or(0, |head| head.version) != change.expected_version {
            return Ok(true);
        }
        for lookup in &lookups {
            let owner = match self.overlay(|overlay| overlay.owner_of(lookup)) {
                Some(owner) => Some(owner),
                None => self.row(self.books.owner_of(lookup))?,
            };
            if owner.is_some_and(|owner| owner != key_id) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn commit(
        &self,
        changes: &[Change],
        queue: &SyncSender<Work>,
        randomness: &dyn Randomness,
    ) -> Result<Vec<Committed>, LedgerError> {
        let mut guard = self.writer()?;
        self.alive()?;
        let writer = guard.as_mut().ok_or_else(|| self.unavailable())?;
        let mut answers = vec![Committed::Conflict; changes.len()];
        let (mut frame, mut places, mut events) = (Vec::new(), Vec::new(), 0);
        for (place, change) in changes.iter().enumerate() {
            // A key whose rows cannot be read conflicts: loading it again tells why.
            if self.conflicts(&frame, change).unwrap_or(true) {
                continue;
            }
            if events + change.events.len() > FRAME_EVENTS_MAX && !frame.is_empty() {
                self.write(writer, &frame, &places, &mut answers, queue, randomness)?;
                (frame, places, events) = (Vec::new(), Vec::new(), 0);
            }
            frame.push(change);
            places.push(place);
            events += change.events.len();
        }
        if !frame.is_empty() {
            self.write(writer, &frame, &places, &mut answers, queue, randomness)?;
        }
        Ok(answers)
    }

    /// Makes changes durable as one frame, and only then visible and answered.
    fn write(
        &self,
        writer: &mut Writer,
        frame: &[&Change],
        places: &[usize],
        answers: &mut [Committed],
        queue: &SyncSender<Work>,
        randomness: &dyn Randomness,
    ) -> Result<(), LedgerError> {
        let events: Vec<&Event> = frame.iter().flat_map(|change| &change.events).collect();
        let sealed = batch::seal(&writer.key, &writer.tip, &events, || randomness.id_bytes());
        let sealed = sealed.map_err(|error| {
            tracing::error!(%error, "events cannot be recorded");
            LedgerError::Unavailable(error.to_string())
        })?;
        let first_sequence = writer.tip.last_sequence + 1;
        let previous = writer.tip.head_hash;
        let parts = FrameParts {
            first_sequence,
            event_count: u32::try_from(events.len()).unwrap_or(u32::MAX),
            previous_head: previous,
            body: &sealed.body,
            erasable: &sealed.erasable,
        };
        let appended = writer.journal.append(&parts);
        let synced = appended.and_then(|location| writer.journal.sync().map(|_| location));
        let location = match synced {
            Ok(location) => location,
            Err(error) => return Err(self.failed(&error, places, answers)),
        };
        writer.tip = sealed.batch.head().tip();
        self.publish(frame, first_sequence, location, sealed.batch.head().encode().into());
        let mut index = 0;
        for (change, place) in frame.iter().zip(places) {
            let next = index + change.events.len();
            let proofs = (index..next).filter_map(|leaf| sealed.batch.receipt(leaf));
            let committed = Committed::Committed {
                chain_id: writer.tip.chain_id,
                sequence: first_sequence + next as u64 - 1,
                account_version: change.account.head.version,
                proofs: proofs.map(|receipt| receipt.encode().into()).collect(),
            };
            set(answers, *place, committed);
            index = next;
        }
        let changes = frame.iter().map(|change| (*change).clone()).collect();
        let head = writer.tip.head_hash;
        let work = Work::Apply(Batch { changes, first_sequence, location, previous, head });
        if queue.send(work).is_err() {
            self.stop("the applier is gone".to_owned());
        }
        Ok(())
    }

    /// What a journal that failed leaves: a full disk leaves all as it was; of anything else it is
    /// not known whether the frame is durable, and asking the disk again would not tell.
    fn failed(
        &self,
        error: &journal::Error,
        places: &[usize],
        answers: &mut [Committed],
    ) -> LedgerError {
        if !matches!(error, journal::Error::DiskFull { .. }) {
            for place in places {
                set(answers, *place, Committed::Unknown);
            }
            self.stop(format!("the journal failed: {error}"));
        }
        LedgerError::Unavailable(error.to_string())
    }

    fn publish(&self, frame: &[&Change], first_sequence: u64, location: Location, head: Arc<[u8]>) {
        let mut overlay = self.overlay.write().unwrap_or_else(PoisonError::into_inner);
        let mut first = first_sequence;
        for change in frame {
            overlay.add(change, first, location);
            first += change.events.len() as u64;
        }
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Some(head);
        self.durable.store(first - 1, Ordering::Release);
    }
}

fn set(answers: &mut [Committed], place: usize, committed: Committed) {
    if let Some(answer) = answers.get_mut(place) {
        *answer = committed;
    }
}
