//! The durable engine: an append-only, signed journal is the commit point, and sled the ledger
//! that is applied from it and answers every question.
//!
//! An answer leaves after the journal's sync and never waits for sled. Until an event is applied
//! its account is pinned in memory, where readers look first. A journal that fails is final: the
//! engine stops and says so; sled can be thrown away and is made again from the journal, while the
//! engine waits for it.

mod accounts;
mod ailment;
pub mod anchor;
mod applier;
mod batch;
mod books;
mod engine;
mod leaf;
mod load;
mod loads;
mod mend;
mod open;
mod overlay;
mod readers;
mod receipts;
mod restore;
mod scrub;
mod space;
pub mod upkeep;
mod weight;
mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::oneshot;

use crate::domain::account::Head;
use crate::domain::event::Event;
use crate::domain::ids::{ActivationId, KeyId, RequestId};
use crate::ports::{
    Change, Committed, KeyRef, Ledger, LedgerError, Loaded, Proofs, Randomness, Recorded, Span,
};
use applier::{Applier, Work};
pub use batch::Unreadable;
use engine::Shared;
pub use open::{Ground, JournaledError, JournaledOptions, MemoryBounds, Report};
use overlay::{AtHand, Overlay};
use readers::Readers;
pub use scrub::Scrubbed;
use scrub::{Scrub, ScrubWatch};
use space::SpaceWatch;
use writer::Writer;

/// A computer's sighting is noted at most this often.
const SEEN_PERIOD_MS: u64 = 3_600_000;
/// Sightings that are written together.
const SEEN_BATCH: usize = 100;

/// A ledger in a folder that this process owns alone.
pub struct JournaledLedger {
    shared: Arc<Shared>,
    randomness: Arc<dyn Randomness>,
    /// What opening did.
    report: Report,
    pace: Pace,
    /// Taken away when the ledger is dropped.
    applier: Option<(Sender<Work>, Applier)>,
    /// The same; nobody watches a ledger that is opened by hand.
    space: Option<SpaceWatch>,
    /// The same; none unless it was asked for.
    scrub: Option<ScrubWatch>,
    /// Where a scrub by hand stands.
    scrubbed: Mutex<Scrub>,
}

/// Who does what takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// Threads of their own.
    Threads,
    /// The caller's thread, when it says so.
    ByHand,
}

impl JournaledLedger {
    /// Opens the ledger in a folder, which is made if it does not exist. Blocks.
    pub fn open(
        folder: &Path,
        options: JournaledOptions,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Self, JournaledError> {
        let opened = open::open_folder(folder, &options)?;
        Self::start(opened, options, randomness, Pace::Threads)
    }

    /// Opens the ledger on any ground, for a simulation: nothing happens but in the calls of its
    /// methods, on the threads of their callers, so the same calls do the same.
    pub fn open_by_hand(
        ground: &Ground,
        options: JournaledOptions,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Self, JournaledError> {
        let opened = open::open(ground, &options)?;
        Self::start(opened, options, randomness, Pace::ByHand)
    }

    fn start(
        opened: open::Opened,
        options: JournaledOptions,
        randomness: Arc<dyn Randomness>,
        pace: Pace,
    ) -> Result<Self, JournaledError> {
        tracing::info!(recovered = ?opened.recovered, report = ?opened.report, "ledger opened");
        let JournaledOptions { signing_key: key, memory, .. } = options;
        let overlay = Overlay::new(memory.account_cache_bytes, opened.tip.last_sequence);
        let reader = opened.journal.reader();
        // What is taken ahead is not there yet, and lacks only if it is not to be had.
        let space = opened.journal.space();
        let is_low = space.is_low_but_for_next();
        if is_low {
            tracing::error!(?space, "there is too little space: nothing new is recorded");
        }
        let writer = Writer { journal: opened.journal, tip: opened.tip, key };
        let shared = Arc::new(Shared {
            writer: Mutex::new(Some(writer)),
            overlay: RwLock::new(overlay),
            books: opened.books,
            shelf: opened.shelf,
            readers: Readers::default(),
            pinned_bytes_max: memory.pinned_bytes,
            newest: RwLock::new(opened.head.map(|head| head.encode().into())),
            reader,
            stopped: OnceLock::new(),
            is_ending: AtomicBool::new(false),
            is_low: AtomicBool::new(is_low),
            sightings: Mutex::default(),
            sightings_wait: AtomicBool::new(false),
            receipts: receipts::Receipts::default(),
        });
        let (queue, applier) = match pace {
            Pace::Threads => applier::start(Arc::clone(&shared)).map_err(JournaledError::Thread)?,
            Pace::ByHand => applier::by_hand(),
        };
        let space = match pace {
            Pace::Threads => Some(SpaceWatch::start(Arc::clone(&shared))),
            Pace::ByHand => None,
        };
        let space = space.transpose().map_err(JournaledError::Thread)?;
        let report = opened.report;
        let (applier, scrub, scrubbed) = (Some((queue, applier)), None, Mutex::default());
        Ok(Self { shared, randomness, report, pace, applier, space, scrub, scrubbed })
    }

    /// Has a thread look at the whole ledger again and again, at so many bytes of the journal a
    /// second; at 0 nobody looks.
    pub fn scrubbing(mut self, bytes_per_s: u64) -> Result<Self, JournaledError> {
        if bytes_per_s > 0 && self.pace == Pace::Threads {
            let watch = ScrubWatch::start(Arc::clone(&self.shared), bytes_per_s);
            self.scrub = Some(watch.map_err(JournaledError::Thread)?);
        }
        Ok(self)
    }

    /// Looks at so many bytes of the journal, and at what the books have of them; the next call
    /// goes on from there.
    pub fn scrub_some(&self, bytes: u64) -> Scrubbed {
        let mut scrub = self.scrubbed.lock().unwrap_or_else(PoisonError::into_inner);
        scrub.step(&self.shared, bytes)
    }

    /// What opening did.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// Applies one waiting batch of a ledger that is opened by hand, or tries once to mend its
    /// books; false if nothing waits, or the attempt was in vain.
    pub fn apply_one(&self) -> bool {
        self.applier.as_ref().is_some_and(|(_, applier)| applier.apply_one(&self.shared))
    }

    /// Looks at the space of a ledger that is opened by hand, and takes what it needs next; asking
    /// whether it is ready does so too.
    pub fn look_at_space(&self) {
        if self.pace == Pace::ByHand {
            self.shared.look_at_space();
        }
    }

    /// Lets go of everything as a process does that is killed: nothing more is applied, written or
    /// closed.
    pub fn abandon(mut self) {
        drop(self.space.take());
        drop(self.applier.take());
        let mut writer = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        drop(writer.take());
    }

    /// Has one of the readers read.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        if self.pace == Pace::ByHand {
            return work(&self.shared);
        }
        let (reply, answer) = oneshot::channel();
        let read = move |shared: &Shared| {
            // Who asked may be gone.
            let _ = reply.send(work(shared));
        };
        Readers::run(&self.shared, read).map_err(|_full| LedgerError::Overloaded)?;
        answer.await.unwrap_or_else(|_| Err(self.shared.unavailable()))
    }

    /// Has an account loaded that is not in memory, or waits for a load that is under way.
    async fn load_away(
        &self,
        key: KeyRef,
        request: Option<RequestId>,
    ) -> Result<Option<Loaded>, LedgerError> {
        let (reply, answer) = oneshot::channel();
        if self.shared.join(&key, request, reply) {
            if self.pace == Pace::ByHand {
                self.shared.load(&key);
            } else {
                let asked = key.clone();
                let begun = Readers::run(&self.shared, move |shared| shared.load(&asked));
                if begun.is_err() {
                    self.shared.refuse(&key);
                }
            }
        }
        answer.await.unwrap_or_else(|_| Err(self.shared.unavailable()))
    }
}

#[async_trait]
impl Proofs for JournaledLedger {
    async fn receipt(&self, key: KeyId, version: u64) -> Result<Option<Arc<[u8]>>, LedgerError> {
        self.shared.alive()?;
        match self.shared.receipts.get(key, version) {
            Some(receipt) => Ok(Some(receipt)),
            None => self.read(move |shared| shared.receipt(key, version)).await,
        }
    }

    async fn head(&self) -> Result<Option<Arc<[u8]>>, LedgerError> {
        self.shared.alive()?;
        Ok(self.shared.newest.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

#[async_trait]
impl Ledger for JournaledLedger {
    async fn load(
        &self,
        key: KeyRef,
        request: Option<RequestId>,
    ) -> Result<Option<Loaded>, LedgerError> {
        match self.shared.at_hand(&key, request)? {
            AtHand::Whole(loaded) => Ok(Some(loaded)),
            AtHand::Account(loaded, request) => {
                self.read(move |shared| shared.complete(loaded, request)).await
            }
            AtHand::Nothing => self.load_away(key, request).await,
        }
    }

    async fn recorded(
        &self,
        key: KeyId,
        request: RequestId,
        after: u64,
    ) -> Result<Option<Arc<Event>>, LedgerError> {
        self.shared.alive()?;
        // A key that many ask for moves on while each of them looks. What came since then is in
        // memory nearly always; else it would be looked for again and again.
        let since = self.shared.overlay(|overlay| overlay.recorded_since(key, request, after));
        if let Some(recorded) = since {
            return Ok(recorded);
        }
        match self.shared.at_hand(&KeyRef::Id(key), Some(request))? {
            AtHand::Whole(loaded) => Ok(loaded.recorded),
            AtHand::Account(..) | AtHand::Nothing => {
                self.read(move |shared| shared.recorded(key, request)).await
            }
        }
    }

    async fn heads(&self, keys: Vec<KeyId>) -> Result<(Vec<Option<Head>>, u64), LedgerError> {
        self.shared.alive()?;
        let at_hand = |overlay: &Overlay| {
            let head = |key: &KeyId| Some(overlay.accounts.get(*key)?.account().head.clone());
            (keys.iter().map(head).collect::<Vec<_>>(), overlay.durable())
        };
        let (heads, as_of) = self.shared.overlay(at_hand);
        if heads.iter().all(Option::is_some) {
            return Ok((heads, as_of));
        }
        let complete = move |shared: &Shared| {
            let known = keys.into_iter().zip(heads);
            let heads: Result<_, _> = known
                .map(|(key, head)| head.map_or_else(|| shared.head(key), |head| Ok(Some(head))))
                .collect();
            Ok((heads?, as_of))
        };
        self.read(complete).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, LedgerError> {
        let queue = self.applier.as_ref().map(|(queue, _)| queue);
        let queue = queue.ok_or_else(|| self.shared.unavailable())?;
        let commit = || self.shared.commit(changes, queue, self.randomness.as_ref());
        catch_unwind(AssertUnwindSafe(commit)).unwrap_or_else(|_| {
            self.shared.stop("the writer panicked".to_owned());
            Err(self.shared.unavailable())
        })
    }

    async fn events(&self, key: KeyId, span: Span) -> Result<(Vec<Recorded>, u64), LedgerError> {
        self.read(move |shared| shared.history(key, span)).await
    }

    async fn note_seen(&self, key: KeyId, activation: ActivationId, time_ms: i64) {
        if self.shared.is_low.load(Ordering::Relaxed) || self.shared.alive().is_err() {
            // Approximate by contract: what is not worth the last space is dropped.
            return;
        }
        let noted = self.read(move |shared| shared.note_seen((key, activation), time_ms)).await;
        match (noted, &self.applier) {
            (Ok(Some(full)), Some((queue, _))) => {
                // Approximate by contract: while others wait to be written, these are dropped.
                if !self.shared.sightings_wait.swap(true, Ordering::Relaxed) {
                    // Without an applier nothing is written any more.
                    let _ = queue.send(Work::Seen(full));
                }
            }
            (Ok(_), _) => {}
            (Err(error), _) => tracing::warn!(%error, "a sighting was not noted"),
        }
    }

    async fn last_seen(
        &self,
        key: KeyId,
        activations: Vec<ActivationId>,
    ) -> Result<Vec<Option<i64>>, LedgerError> {
        let read = move |shared: &Shared| {
            activations.into_iter().map(|id| shared.last_seen((key, id))).collect()
        };
        self.read(read).await
    }

    async fn ready(&self) -> Result<(), LedgerError> {
        self.look_at_space();
        self.shared.alive()
    }
}

impl Drop for JournaledLedger {
    /// Applies what waits, then closes the journal in good order.
    fn drop(&mut self) {
        self.shared.is_ending.store(true, Ordering::Relaxed);
        drop(self.space.take());
        drop(self.scrub.take());
        if let Some((queue, applier)) = self.applier.take() {
            drop(queue);
            if !applier.finish(&self.shared) {
                self.shared.stop("the applier did not end".to_owned());
            }
        }
        let writer = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer
            && !self.shared.has_stopped()
            && let Err(error) = writer.journal.close()
        {
            tracing::error!(%error, "the journal was not closed in good order");
        }
    }
}
