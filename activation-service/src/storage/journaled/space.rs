//! Watching the space of the ledger: what the journal needs next is taken ahead, and while there is
//! too little nothing new is recorded.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Shared;
use crate::storage::journal::Space;

/// How often it is looked; space that has come back is found after it.
const LOOK_PERIOD: Duration = Duration::from_millis(500);

/// Who looks, until this is dropped.
pub(super) struct SpaceWatch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SpaceWatch {
    pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("ledger-space".to_owned());
        let watch = move || {
            loop {
                shared.look_at_space();
                match stopped.recv_timeout(LOOK_PERIOD) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        Ok(Self { stop: Some(stop), thread: Some(thread.spawn(watch)?) })
    }
}

impl Drop for SpaceWatch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the watch over the space panicked");
        }
    }
}

impl Shared {
    /// Looks once, and takes what is wanted. The writer goes on meanwhile.
    pub(super) fn look_at_space(&self) {
        if self.has_stopped() {
            return;
        }
        let wanted =
            self.writer().ok().and_then(|mut writer| Some(writer.as_mut()?.journal.wanted()));
        let Some(wanted) = wanted else { return };
        // Books that are mended may need every byte. The journal makes its next segment itself
        // then.
        let is_ailing = self.books.is_ailing();
        let taken = if is_ailing { wanted.look() } else { wanted.take() };
        let kept =
            self.writer().ok().and_then(|mut writer| Some(writer.as_mut()?.journal.keep(taken)));
        match kept {
            Some(Ok(space)) if is_ailing => self.show_space(space, space.is_low_but_for_next()),
            Some(Ok(space)) => self.show_space(space, space.is_low()),
            Some(Err(error)) => self.stop(format!("the journal failed: {error}")),
            None => {}
        }
    }

    /// Nothing new is recorded until space is found again.
    pub(super) fn note_full(&self) {
        if !self.is_low.swap(true, Ordering::Relaxed) {
            tracing::error!("there is too little space: nothing new is recorded");
        }
        metrics::gauge!("activation_ledger_space_is_low").set(1.0);
    }

    #[expect(clippy::cast_precision_loss, reason = "figures are approximate")]
    fn show_space(&self, space: Space, is_low: bool) {
        if let Some(free) = space.free_bytes {
            metrics::gauge!("activation_ledger_free_bytes").set(free as f64);
        }
        if is_low {
            if !self.is_low.load(Ordering::Relaxed) {
                tracing::error!(?space, "the disk is nearly full");
            }
            self.note_full();
            return;
        }
        if self.is_low.swap(false, Ordering::Relaxed) {
            tracing::info!(?space, "there is space again: events are recorded");
        }
        metrics::gauge!("activation_ledger_space_is_low").set(0.0);
    }
}
