//! Applies durable batches to the books, in their order, on a thread of its own.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::Shared;
use super::books::Batch;
use crate::storage::rows::Sightings;

/// What waits to be applied. The queue is bounded by the bytes that are pinned: beyond these the
/// writer takes no change.
pub(super) enum Work {
    Apply(Batch),
    Seen(Sightings),
}

/// What applies.
pub(super) enum Applier {
    /// A thread; it ends when every sender is gone and all batches are applied.
    Thread(JoinHandle<()>),
    /// Whoever says so; its queue is a lock only so that the ledger may be referred to by many.
    ByHand(Mutex<Receiver<Work>>),
}

pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<(Sender<Work>, Applier)> {
    let (queue, work) = channel();
    let thread = std::thread::Builder::new().name("ledger-applier".to_owned());
    Ok((queue, Applier::Thread(thread.spawn(move || run(&shared, &work))?)))
}

pub(super) fn by_hand() -> (Sender<Work>, Applier) {
    let (queue, work) = channel();
    (queue, Applier::ByHand(Mutex::new(work)))
}

impl Applier {
    /// Does one piece of work that waits for a hand; false if none does.
    pub(super) fn apply_one(&self, shared: &Shared) -> bool {
        let Self::ByHand(work) = self else { return false };
        let work = work.lock().unwrap_or_else(PoisonError::into_inner).try_recv();
        let Ok(work) = work else { return false };
        done(shared, work)
    }

    /// Does all that waits, once every sender is gone; false after a panic.
    pub(super) fn finish(self, shared: &Shared) -> bool {
        match self {
            Self::Thread(thread) => thread.join().is_ok(),
            Self::ByHand(work) => {
                run(shared, &work.into_inner().unwrap_or_else(PoisonError::into_inner));
                true
            }
        }
    }
}

fn run(shared: &Shared, work: &Receiver<Work>) {
    while let Ok(work) = work.recv() {
        if !done(shared, work) {
            return;
        }
    }
    let kept = shared.kept_sightings();
    if !kept.is_empty()
        && let Err(error) = shared.books.write_seen(&kept)
    {
        tracing::warn!(error, "the last sightings were not written");
    }
}

fn done(shared: &Shared, work: Work) -> bool {
    let done = match work {
        Work::Apply(batch) => apply(shared, &batch),
        Work::Seen(sightings) => {
            shared.sightings_wait.store(false, Ordering::Relaxed);
            shared.books.write_seen(&sightings)
        }
    };
    if let Err(error) = done {
        shared.stop(format!("applying to the books failed: {error}"));
        return false;
    }
    true
}

fn apply(shared: &Shared, batch: &Batch) -> Result<(), String> {
    shared.books.apply(batch)?;
    let mut overlay = shared.overlay_mut();
    let mut last = batch.first_sequence.saturating_sub(1);
    for posting in &batch.postings {
        last += posting.events.len() as u64;
        overlay.remove(posting, last);
    }
    overlay.show();
    Ok(())
}
