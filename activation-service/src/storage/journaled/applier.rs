//! Applies durable batches to the books, in their order, and mends the books when they need it, on
//! a thread of its own.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Shared;
use super::books::Batch;
use super::mend::{Attempt, Mender};
use super::overlay::Overlay;
use crate::storage::rows::{RowError, Sightings};

/// How long it waits for work before it looks whether a reader found something wrong.
const LOOK_PERIOD: Duration = Duration::from_millis(100);

/// Events after which no more batches are applied together: some groups of sled's, so that readers
/// wait for one of them at most and what is applied is let go of soon.
const TOGETHER_EVENTS: usize = 256;
/// Events that are worth a sync of sled: about a group of it.
const GATHERED_EVENTS: usize = 64;

/// How long the first of few events waits for others. Nobody waits for sled, and each sync of it
/// keeps the disk from the journal's next one.
const GATHER_MAX: Duration = Duration::from_millis(100);

/// How often an end in good order looks whether the applier is done.
const FINISH_PERIOD: Duration = Duration::from_millis(2);
/// How long an end in good order waits for an applier that gets nowhere. The journal has what it
/// did not apply, so nothing is lost without it.
const STUCK_MAX: Duration = Duration::from_secs(30);

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
    /// Whoever says so; a lock only so that the ledger may be referred to by many.
    ByHand(Mutex<Hand>),
}

pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<(Sender<Work>, Applier)> {
    let (queue, work) = channel();
    let thread = std::thread::Builder::new().name("ledger-applier".to_owned());
    let mut hand = Hand::new(work);
    Ok((queue, Applier::Thread(thread.spawn(move || hand.run(&shared))?)))
}

pub(super) fn by_hand() -> (Sender<Work>, Applier) {
    let (queue, work) = channel();
    (queue, Applier::ByHand(Mutex::new(Hand::new(work))))
}

impl Applier {
    /// Does one piece of work that waits for a hand, or tries once to mend the books; false if
    /// nothing waits, or the attempt was in vain.
    pub(super) fn apply_one(&self, shared: &Shared) -> bool {
        let Self::ByHand(hand) = self else { return false };
        hand.lock().unwrap_or_else(PoisonError::into_inner).do_one(shared)
    }

    /// Does all that waits, once every sender is gone; false after a panic, and if the books let
    /// nobody get on.
    pub(super) fn finish(self, shared: &Shared) -> bool {
        match self {
            Self::Thread(thread) => {
                let mut progress = (shared.overlay(|overlay| overlay.applied()), Instant::now());
                while !thread.is_finished() {
                    // It unparks nobody when it ends; an end in good order can wait for a moment.
                    std::thread::park_timeout(FINISH_PERIOD);
                    let applied = shared.overlay(|overlay| overlay.applied());
                    if applied != progress.0 {
                        progress = (applied, Instant::now());
                    }
                    if progress.1.elapsed() > STUCK_MAX {
                        tracing::error!(applied, "the books do not end: they are left as they are");
                        return false;
                    }
                }
                thread.join().is_ok()
            }
            Self::ByHand(hand) => {
                let hand = hand.into_inner().unwrap_or_else(PoisonError::into_inner);
                hand.finish(shared);
                true
            }
        }
    }
}

/// Who applies.
pub(super) struct Hand {
    queue: Receiver<Work>,
    /// What was taken from the queue and is not done.
    kept: VecDeque<Work>,
    mender: Mender,
}

impl Hand {
    fn new(queue: Receiver<Work>) -> Self {
        Self { queue, kept: VecDeque::new(), mender: Mender::default() }
    }

    fn do_one(&mut self, shared: &Shared) -> bool {
        if shared.books.is_ailing() {
            return self.mender.attempt(shared) == Attempt::Mended;
        }
        let Some(work) = self.next() else { return false };
        self.apply(shared, work);
        true
    }

    /// What waits and comes first.
    fn next(&mut self) -> Option<Work> {
        self.kept.pop_front().or_else(|| self.queue.try_recv().ok())
    }

    /// Until every sender is gone and all is done, or the engine stopped.
    fn run(&mut self, shared: &Shared) {
        loop {
            if shared.books.is_ailing() {
                match self.mender.attempt(shared) {
                    Attempt::Mended => {}
                    Attempt::Later(pause) if self.pause(pause) => {}
                    Attempt::Later(_) | Attempt::Stopped => return,
                }
            } else if let Some(work) = self.next() {
                self.gather(shared, &work);
                self.apply(shared, work);
            } else {
                match self.queue.recv_timeout(LOOK_PERIOD) {
                    Ok(work) => self.kept.push_back(work),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
        }
        self.write_last_sightings(shared);
    }

    /// Waits a moment for batches that can be applied together with the first one. Who waits for
    /// room, or for the end, does not wait for this.
    fn gather(&mut self, shared: &Shared, first: &Work) {
        let Work::Apply(batch) = first else { return };
        let waiting = |work: &Work| if let Work::Apply(batch) = work { batch.events() } else { 0 };
        let mut events = batch.events() + self.kept.iter().map(waiting).sum::<usize>();
        let end = Instant::now() + GATHER_MAX;
        let is_roomy = || shared.overlay(Overlay::pinned_bytes) < shared.pinned_bytes_max / 2;
        while events < GATHERED_EVENTS && is_roomy() {
            match self.queue.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(work) => {
                    events += waiting(&work);
                    self.kept.push_back(work);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Keeps what comes meanwhile; false once every sender is gone.
    fn pause(&mut self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        loop {
            match self.queue.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(work) => self.kept.push_back(work),
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// Does all that waits, as far as the books let it.
    fn finish(mut self, shared: &Shared) {
        while self.do_one(shared) {}
        self.write_last_sightings(shared);
    }

    fn write_last_sightings(&self, shared: &Shared) {
        let kept = shared.kept_sightings();
        if kept.is_empty() || shared.books.is_ailing() {
            return;
        }
        if let Err(error) = shared.books.write_seen(&kept) {
            tracing::warn!(%error, "the last sightings were not written");
        }
    }

    /// What fails is kept until the books are mended; sightings may be lost.
    fn apply(&mut self, shared: &Shared, work: Work) {
        match work {
            Work::Apply(batch) => {
                let batches = self.with_followers(batch);
                if apply(shared, &batches).is_err() {
                    for batch in batches.into_iter().rev() {
                        self.kept.push_front(Work::Apply(batch));
                    }
                }
            }
            Work::Seen(sightings) => {
                shared.sightings_wait.store(false, Ordering::Relaxed);
                if let Err(error) = shared.books.write_seen(&sightings) {
                    tracing::warn!(%error, "sightings were not written");
                }
            }
        }
    }

    /// A batch with those that wait behind it, until they are worth a sync. None is waited for.
    fn with_followers(&mut self, first: Batch) -> Vec<Batch> {
        let mut events = first.events();
        let mut batches = vec![first];
        while events < TOGETHER_EVENTS {
            match self.next() {
                Some(Work::Apply(batch)) => {
                    events += batch.events();
                    batches.push(batch);
                }
                Some(other) => {
                    self.kept.push_front(other);
                    break;
                }
                None => break,
            }
        }
        batches
    }
}

fn apply(shared: &Shared, batches: &[Batch]) -> Result<(), RowError> {
    // Books that were mended may hold some already.
    let applied = shared.overlay(|overlay| overlay.applied());
    shared.books.apply(batches.iter().filter(|batch| batch.last_sequence() > applied))?;
    let mut overlay = shared.overlay_mut();
    for batch in batches {
        let mut last = batch.first_sequence.saturating_sub(1);
        for posting in &batch.postings {
            last += posting.events.len() as u64;
            overlay.remove(posting, last);
        }
    }
    overlay.show();
    Ok(())
}
