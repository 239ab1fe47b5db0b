//! Applies durable batches to the books, in their order, on a thread of its own.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

use super::Shared;
use super::books::Batch;
use crate::storage::sled::rows::Sightings;

/// Most batches that wait; then the writer waits too, which bounds what is pinned.
const QUEUE_MAX: usize = 256;

pub(super) enum Work {
    Apply(Batch),
    Seen(Sightings),
}

/// The thread; it ends when every sender is gone and all batches are applied.
pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<(SyncSender<Work>, JoinHandle<()>)> {
    let (queue, work) = sync_channel(QUEUE_MAX);
    let thread = std::thread::Builder::new().name("ledger-applier".to_owned());
    Ok((queue, thread.spawn(move || run(&shared, &work))?))
}

fn run(shared: &Shared, work: &Receiver<Work>) {
    while let Ok(work) = work.recv() {
        let done = match work {
            Work::Apply(batch) => apply(shared, &batch),
            Work::Seen(sightings) => shared.books.write_seen(&sightings),
        };
        if let Err(error) = done {
            return shared.stop(format!("applying to the books failed: {error}"));
        }
    }
    let kept = shared.kept_sightings();
    if !kept.is_empty()
        && let Err(error) = shared.books.write_seen(&kept)
    {
        tracing::warn!(error, "the last sightings were not written");
    }
}

fn apply(shared: &Shared, batch: &Batch) -> Result<(), String> {
    shared.books.apply(batch)?;
    let mut overlay = shared.overlay.write().unwrap_or_else(PoisonError::into_inner);
    let mut last = batch.first_sequence.saturating_sub(1);
    for change in &batch.changes {
        last += change.events.len() as u64;
        overlay.remove(change, last);
    }
    Ok(())
}
