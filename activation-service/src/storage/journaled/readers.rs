//! Threads that read the books for callers who must not block: a few at once, and one wakes up for
//! many reads when many are asked for.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Shared;

/// Most reads at once; sled reads from memory or from one disk, so more would only queue there.
const READERS_MAX: usize = 4;
/// Most reads that wait; more are refused.
const WAITING_MAX: usize = 8_192;

type Read = Box<dyn FnOnce(&Shared) + Send>;

/// The reads that wait.
#[derive(Default)]
pub(super) struct Readers {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Read>,
    running: usize,
}

/// Too many reads wait.
pub(super) struct Full;

impl Readers {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it is held.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a thread of the runtime read; must be called inside a runtime.
    pub(super) fn run(
        shared: &Arc<Shared>,
        read: impl FnOnce(&Shared) + Send + 'static,
    ) -> Result<(), Full> {
        let mut queue = shared.readers.queue();
        if queue.waiting.len() == WAITING_MAX {
            return Err(Full);
        }
        queue.waiting.push_back(Box::new(read));
        // As long as those that run keep up, waking up another costs more than it brings.
        let is_behind = queue.waiting.len() > queue.running;
        if is_behind && queue.running < READERS_MAX {
            queue.running += 1;
            let shared = Arc::clone(shared);
            drop(queue);
            tokio::task::spawn_blocking(move || drain(&shared));
        }
        Ok(())
    }
}

/// Reads until nothing waits.
fn drain(shared: &Shared) {
    loop {
        let mut queue = shared.readers.queue();
        let Some(read) = queue.waiting.pop_front() else {
            queue.running -= 1;
            return;
        };
        drop(queue);
        if catch_unwind(AssertUnwindSafe(|| read(shared))).is_err() {
            shared.stop("a reader panicked".to_owned());
            shared.dismiss();
        }
    }
}
