//! The writing side: changes become a signed frame, the frame durable, and only then visible.

use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::sync::{Arc, PoisonError};

use receipt::{SigningKey, Tip};

use super::applier::Work;
use super::books::Batch;
use super::{Shared, batch};
use crate::domain::event::Event;
use crate::mutants::{self, Mutant};
use crate::ports::{Change, Committed, LedgerError, Randomness};
use crate::storage::journal::{self, FrameParts, Journal, Location};
use crate::storage::memory::new_lookups;
use crate::storage::rows::Posting;

/// Most events of a frame; one signature and one sync serve them all. With the longest texts that
/// the wire lets in, a frame stays well within the smallest segment.
const FRAME_EVENTS_MAX: usize = 128;

/// What one thread at a time writes with.
pub(super) struct Writer {
    pub(super) journal: Journal,
    pub(super) tip: Tip,
    pub(super) key: SigningKey,
}

/// What one call of the writer comes to.
struct Outcome<'a> {
    answers: Vec<Committed>,
    /// Changes of the frame in hand and their places among the answers.
    frame: Vec<(usize, Change)>,
    /// Events of that frame.
    events: usize,
    /// By how much that frame lets the pinned bytes grow.
    growth: usize,
    queue: &'a Sender<Work>,
    randomness: &'a dyn Randomness,
}

impl Shared {
    /// True if a change does not fit what is durable, or those before it in its frame.
    fn conflicts(&self, frame: &[(usize, Change)], change: &Change) -> Result<bool, LedgerError> {
        let key_id = change.account.head.key_id;
        let lookups = new_lookups(&change.events);
        let clashes = |(_, other): &(usize, Change)| {
            other.account.head.key_id == key_id
                || (!lookups.is_empty()
                    && new_lookups(&other.events).iter().any(|lookup| lookups.contains(lookup)))
        };
        if frame.iter().any(clashes) || self.version(key_id)? != change.expected_version {
            return Ok(true);
        }
        for lookup in &lookups {
            if self.owner_of(lookup)?.is_some_and(|owner| owner != key_id) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn commit(
        &self,
        changes: Vec<Change>,
        queue: &Sender<Work>,
        randomness: &dyn Randomness,
    ) -> Result<Vec<Committed>, LedgerError> {
        let mut guard = self.writer()?;
        self.alive()?;
        let writer = guard.as_mut().ok_or_else(|| self.unavailable())?;
        let answers = vec![Committed::Conflict; changes.len()];
        let mut outcome =
            Outcome { answers, frame: Vec::new(), events: 0, growth: 0, queue, randomness };
        for (place, change) in changes.into_iter().enumerate() {
            // A key whose rows cannot be read conflicts: loading it again tells why.
            if self.conflicts(&outcome.frame, &change).unwrap_or(true) {
                continue;
            }
            if self.is_low.load(Ordering::Relaxed) {
                set(&mut outcome.answers, place, Committed::DiskFull);
                continue;
            }
            let (growth, pinned) = self.overlay(|o| (o.growth(&change), o.pinned_bytes()));
            let pinned = pinned + outcome.growth;
            if pinned > 0 && pinned + growth > self.pinned_bytes_max {
                set(&mut outcome.answers, place, Committed::Overloaded);
                continue;
            }
            if outcome.events + change.events.len() > FRAME_EVENTS_MAX && outcome.events > 0 {
                self.write(writer, &mut outcome)?;
            }
            outcome.events += change.events.len();
            outcome.growth += growth;
            outcome.frame.push((place, change));
        }
        if outcome.events > 0 {
            self.write(writer, &mut outcome)?;
        }
        Ok(outcome.answers)
    }

    /// Makes the changes in hand durable as one frame, and only then visible and answered.
    fn write(&self, writer: &mut Writer, outcome: &mut Outcome<'_>) -> Result<(), LedgerError> {
        let frame = std::mem::take(&mut outcome.frame);
        (outcome.events, outcome.growth) = (0, 0);
        let events: Vec<&Event> = frame.iter().flat_map(|(_, change)| &change.events).collect();
        let salt = || outcome.randomness.id_bytes();
        let mut tip = writer.tip;
        if mutants::is_on(Mutant::ReceiptWithoutChain) && tip.batch > 0 {
            tip.head_hash = [0xff; 32];
        }
        let sealed = batch::seal(&writer.key, &tip, &events, salt).map_err(|error| {
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
            // All is as it was before the frame.
            Err(journal::Error::DiskFull { .. }) => {
                self.note_full();
                for (place, _) in &frame {
                    set(&mut outcome.answers, *place, Committed::DiskFull);
                }
                return Ok(());
            }
            Err(error) => {
                // It is not known whether the frame is durable, and asking the disk again would not
                // tell.
                self.stop(format!("the journal failed: {error}"));
                return Err(LedgerError::Unavailable(error.to_string()));
            }
        };
        writer.tip = sealed.batch.head().tip();
        let mut index = 0;
        for (place, change) in &frame {
            let next = index + change.events.len();
            let proofs = (index..next).filter_map(|leaf| sealed.batch.receipt(leaf));
            let committed = Committed::Committed {
                chain_id: writer.tip.chain_id,
                sequence: first_sequence + next as u64 - 1,
                account_version: change.account.head.version,
                proofs: proofs.map(|receipt| receipt.encode().into()).collect(),
            };
            set(&mut outcome.answers, *place, committed);
            index = next;
        }
        let head = sealed.batch.head().encode().into();
        let postings = self.publish(frame, first_sequence, location, head);
        let head = writer.tip.head_hash;
        let work = Work::Apply(Batch { postings, first_sequence, location, previous, head });
        if outcome.queue.send(work).is_err() {
            self.stop("the applier is gone".to_owned());
        }
        Ok(())
    }

    /// Lets readers see a frame that is durable; gives what is to be applied of it.
    fn publish(
        &self,
        frame: Vec<(usize, Change)>,
        first_sequence: u64,
        location: Location,
        head: Arc<[u8]>,
    ) -> Vec<Posting> {
        let mut overlay = self.overlay_mut();
        let mut first = first_sequence;
        let add = |(_, change): (usize, Change)| {
            let events = change.events.len() as u64;
            let posting = overlay.add(change, first, location);
            first += events;
            posting
        };
        let postings = frame.into_iter().map(add).collect();
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Some(head);
        overlay.show();
        postings
    }
}

fn set(answers: &mut [Committed], place: usize, committed: Committed) {
    if let Some(answer) = answers.get_mut(place) {
        *answer = committed;
    }
}
