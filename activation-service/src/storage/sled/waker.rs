//! Wakes those who wait for sled in vain.
//!
//! A write of sled 0.34.7 that fails in its own pool of threads sets an error for everybody and
//! wakes nobody, so who waits for that write waits for ever; any flush after it wakes all of them,
//! and they see the error. sled's own timer would do that, and it hides errors and writes whenever
//! it likes, so it is off here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a waiter waits in vain at most.
const PERIOD: Duration = Duration::from_millis(250);

/// A thread that looks for the error now and then, until it is dropped.
pub(super) struct Waker {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Waker {
    /// For a database that was opened with this configuration.
    pub(super) fn start(config: sled::Config, db: sled::Db) -> std::io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let watch = move || {
            while !over.load(Ordering::Acquire) {
                std::thread::park_timeout(PERIOD);
                if config.global_error().is_err() {
                    // It fails at once, and wakes all others on the way.
                    let _ = catch_unwind(AssertUnwindSafe(|| db.flush()));
                }
            }
        };
        let thread = std::thread::Builder::new().name("ledger-waker".to_owned()).spawn(watch)?;
        Ok(Self { is_over, thread: Some(thread) })
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It holds the database, whose files are free only after it.
            let _ = thread.join();
        }
    }
}
