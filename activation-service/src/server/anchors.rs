//! Durable heads are told outside while the service runs, and what was told must be held when it
//! starts.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use receipt::{SignedHead, TrustedKeys};
use thiserror::Error;

use crate::config::Anchors;
use crate::ports::{Clock, Proofs};
use crate::storage::journal::Known;
use crate::storage::journaled::anchor::{self, Anchor, AnchorFault, AnchorFileError};

/// What the log calls these lines, so that they can be sent elsewhere by their target.
const TARGET: &str = "anchor";

/// Why an anchor cannot be used.
#[derive(Debug, Error)]
pub enum AnchorError {
    /// The line of the settings is none.
    #[error("anchors.known: {0}")]
    Known(AnchorFault),
    /// The file of the settings cannot be read, or holds a line that is none.
    #[error("anchors.file: {0}")]
    File(#[from] AnchorFileError),
}

/// The anchors that the settings name: none, one, or that of the file and another.
pub fn known(settings: &Anchors, trusted: &TrustedKeys) -> Result<[Option<Known>; 2], AnchorError> {
    let parse = |line: &String| Anchor::parse(line.trim(), trusted).map_err(AnchorError::Known);
    let known = settings.known.as_ref().map(parse).transpose()?;
    let newest = settings.file.as_deref().map(|file| anchor::newest(file, trusted)).transpose()?;
    Ok([known, newest.flatten()].map(|anchor| anchor.map(|anchor| anchor.known())))
}

/// Tells heads that were not told yet.
pub(super) struct Teller {
    proofs: Arc<dyn Proofs>,
    clock: Arc<dyn Clock>,
    file: Option<PathBuf>,
    period: Option<Duration>,
    told: Option<Arc<[u8]>>,
}

impl Teller {
    pub(super) fn new(proofs: Arc<dyn Proofs>, clock: Arc<dyn Clock>, settings: &Anchors) -> Self {
        let period = (settings.period_s > 0).then(|| Duration::from_secs(settings.period_s));
        Self { proofs, clock, file: settings.file.clone(), period, told: None }
    }

    /// Tells from time to time, for as long as it is polled; at once for the first time.
    pub(super) async fn run(&mut self) {
        self.tell().await;
        let Some(period) = self.period else { return std::future::pending().await };
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            self.tell().await;
        }
    }

    /// Tells the newest durable head, if it is another than the one told last.
    pub(super) async fn tell(&mut self) {
        let Ok(Some(bytes)) = self.proofs.head().await else { return };
        if self.told.as_ref().is_some_and(|told| *told == bytes) {
            return;
        }
        let Ok(head) = SignedHead::decode(&bytes) else { return };
        let anchor = Anchor { head, time_ms: self.clock.now_ms() };
        tracing::info!(target: TARGET, "{anchor}");
        self.told = Some(bytes);
        let Some(file) = self.file.clone() else { return };
        let append = move || anchor::append(&file, &anchor);
        match tokio::task::spawn_blocking(append).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                metrics::counter!("activation_anchor_failures_total").increment(1);
                tracing::error!(%error, "an anchor was not kept");
                // The next period tries again.
                self.told = None;
            }
            Err(error) => tracing::error!(%error, "keeping an anchor panicked"),
        }
    }
}
