//! Notes when computers are seen, beside the answer: bounded, and dropped rather than waited for.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::domain::ids::{ActivationId, KeyId};
use crate::ports::Ledger;

/// Most sightings that wait.
const QUEUE_MAX: usize = 1024;

struct Sighting {
    key: KeyId,
    activation: ActivationId,
    time_ms: i64,
}

pub(super) struct Sightings {
    queue: mpsc::Sender<Sighting>,
}

impl Sightings {
    pub(super) fn start(ledger: Arc<dyn Ledger>) -> (Self, JoinHandle<()>) {
        let (queue, mut sightings) = mpsc::channel::<Sighting>(QUEUE_MAX);
        let task = tokio::spawn(async move {
            while let Some(Sighting { key, activation, time_ms }) = sightings.recv().await {
                ledger.note_seen(key, activation, time_ms).await;
            }
        });
        (Self { queue }, task)
    }

    pub(super) fn note(&self, key: KeyId, activation: ActivationId, time_ms: i64) {
        // Approximate by contract: under load the newest sightings are dropped.
        let _ = self.queue.try_send(Sighting { key, activation, time_ms });
    }
}
