//! The durable engine: an append-only, signed journal is the commit point, and sled the ledger
//! that is applied from it and answers every question.
//!
//! An answer leaves after the journal's sync and never waits for sled. Until an event is applied
//! its account is pinned in memory, where readers look first. A journal that fails is final: the
//! engine stops and says so; sled can be thrown away and is made again from the journal.

mod applier;
mod batch;
mod books;
mod leaf;
mod open;
mod overlay;
pub mod upkeep;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;

use async_trait::async_trait;

use crate::domain::account::Head;
use crate::domain::event::Event;
use crate::domain::ids::{ActivationId, KeyId, RequestId};
use crate::ports::{
    Change, Committed, KeyRef, Ledger, LedgerError, Loaded, Proofs, Randomness, Recorded, Span,
};
use crate::storage::journal::Reader;
use crate::storage::sled::rows::{RowError, Sightings};
use applier::Work;
pub use batch::Unreadable;
use books::Books;
pub use open::{JournaledError, JournaledOptions, Report};
use overlay::Overlay;
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
    /// Taken away when the ledger is dropped.
    applier: Option<(SyncSender<Work>, JoinHandle<()>)>,
}

struct Shared {
    /// One writer at a time; none once the journal is closed.
    writer: Mutex<Option<Writer>>,
    overlay: RwLock<Overlay>,
    books: Books,
    /// Position of the last durable event.
    durable: AtomicU64,
    /// The newest durable head in bytes.
    newest: RwLock<Option<Arc<[u8]>>>,
    /// Reads what is durable in the journal.
    reader: Reader,
    /// Why the engine stopped; once set it stays.
    stopped: OnceLock<String>,
    /// Sightings that are not written yet; they may be lost.
    sightings: Mutex<Sightings>,
}

impl JournaledLedger {
    /// Opens the ledger in a folder, which is made if it does not exist. Blocks.
    pub fn open(
        folder: &Path,
        options: JournaledOptions,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Self, JournaledError> {
        let opened = open::open(folder, &options)?;
        tracing::info!(recovered = ?opened.recovered, report = ?opened.report, "ledger opened");
        let durable = AtomicU64::new(opened.tip.last_sequence);
        let reader = opened.journal.reader();
        let writer = Writer { journal: opened.journal, tip: opened.tip, key: options.signing_key };
        let shared = Arc::new(Shared {
            writer: Mutex::new(Some(writer)),
            overlay: RwLock::default(),
            books: opened.books,
            durable,
            newest: RwLock::new(opened.head.map(|head| head.encode().into())),
            reader,
            stopped: OnceLock::new(),
            sightings: Mutex::default(),
        });
        let applier = applier::start(Arc::clone(&shared))
            .map_err(|error| JournaledError::Apply(error.to_string()))?;
        let report = opened.report;
        Ok(Self { shared, randomness, report, applier: Some(applier) })
    }

    /// What opening did.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || work(&shared)).await;
        done.unwrap_or_else(|error| {
            self.shared.stop(format!("the engine panicked: {error}"));
            Err(self.shared.unavailable())
        })
    }
}

impl Shared {
    fn stop(&self, why: String) {
        tracing::error!(why, "the ledger stopped: nothing more is answered until a restart");
        // The first reason is the one that counts.
        let _ = self.stopped.set(why);
    }

    fn unavailable(&self) -> LedgerError {
        LedgerError::Unavailable(self.stopped.get().cloned().unwrap_or_default())
    }

    fn alive(&self) -> Result<(), LedgerError> {
        if self.stopped.get().is_some() { Err(self.unavailable()) } else { Ok(()) }
    }

    fn overlay<T>(&self, look: impl FnOnce(&Overlay) -> T) -> T {
        look(&self.overlay.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn row<T>(&self, read: Result<T, RowError>) -> Result<T, LedgerError> {
        read.map_err(|error| match error {
            RowError::Engine(error) => {
                self.stop(format!("reading the books failed: {error}"));
                self.unavailable()
            }
            RowError::Malformed { .. } | RowError::Inconsistent(_) => {
                tracing::error!(%error, "the books are damaged");
                LedgerError::Corrupt(error.to_string())
            }
        })
    }

    fn writer(&self) -> Result<MutexGuard<'_, Option<Writer>>, LedgerError> {
        self.writer.lock().map_err(|_| {
            // A panic may have left frames behind that are appended and not synced.
            self.stop("a writer panicked".to_owned());
            self.unavailable()
        })
    }

    /// The head of a key with everything durable; the overlay first, for what it lets go of is in
    /// the books by then.
    fn head(&self, key_id: KeyId) -> Result<Option<Head>, LedgerError> {
        match self.overlay(|overlay| overlay.account(key_id)) {
            Some(account) => Ok(Some(account.head.clone())),
            None => self.row(self.books.head(key_id)),
        }
    }

    fn load(&self, key: KeyRef, request: Option<RequestId>) -> Result<Option<Loaded>, LedgerError> {
        self.alive()?;
        let as_of_sequence = self.durable.load(Ordering::Acquire);
        let by_id = matches!(key, KeyRef::Id(_));
        let key_id = match key {
            KeyRef::Id(id) => Some(id),
            KeyRef::Lookup(digests) => {
                let mut found = None;
                for digest in &digests {
                    let waiting = || self.overlay(|overlay| overlay.owner_of(digest));
                    found = match found.or_else(waiting) {
                        Some(found) => Some(found),
                        None => self.row(self.books.owner_of(digest))?,
                    };
                }
                found
            }
        };
        let Some(key_id) = key_id else { return Ok(None) };
        let account = match self.overlay(|overlay| overlay.account(key_id)) {
            Some(account) => Some(account),
            None => self.row(self.books.account(key_id))?,
        };
        let Some(account) = account else {
            return if by_id { Ok(None) } else { self.row(Err(RowError::dangling(key_id))) };
        };
        let recorded = match request {
            Some(request) => self.recorded(key_id, request)?,
            None => None,
        };
        Ok(Some(Loaded { account, recorded, as_of_sequence }))
    }

    fn recorded(
        &self,
        key_id: KeyId,
        request: RequestId,
    ) -> Result<Option<Arc<Event>>, LedgerError> {
        self.alive()?;
        match self.overlay(|overlay| overlay.recorded(key_id, request)) {
            Some(event) => Ok(Some(event)),
            None => self.row(self.books.recorded(key_id, request)),
        }
    }

    fn history(&self, key_id: KeyId, span: Span) -> Result<(Vec<Recorded>, u64), LedgerError> {
        self.alive()?;
        let as_of = self.durable.load(Ordering::Acquire);
        // The overlay before the books: an event that is applied in between is then seen twice,
        // and never missed.
        let waiting = self.overlay(|overlay| overlay.history(key_id));
        let mut events = self.row(self.books.history(key_id, span))?;
        let after = |recorded: &Recorded| match (span.after, span.descending) {
            (None, _) => true,
            (Some(version), false) => recorded.event.version > version,
            (Some(version), true) => recorded.event.version < version,
        };
        events.extend(waiting.into_iter().filter(after));
        events.sort_by_key(|recorded| recorded.event.version);
        events.dedup_by_key(|recorded| recorded.event.version);
        if span.descending {
            events.reverse();
        }
        events.truncate(span.most);
        Ok((events, as_of))
    }

    /// Keeps a sighting; gives back those kept once there are enough to write.
    fn note_seen(
        &self,
        key: (KeyId, ActivationId),
        time_ms: i64,
    ) -> Result<Option<Sightings>, LedgerError> {
        let noted = self.last_seen(key)?;
        if noted.is_some_and(|noted| noted.abs_diff(time_ms) < SEEN_PERIOD_MS) {
            return Ok(None);
        }
        let mut kept = self.sightings.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(key, time_ms);
        Ok((kept.len() >= SEEN_BATCH).then(|| std::mem::take(&mut *kept)))
    }

    fn last_seen(&self, key: (KeyId, ActivationId)) -> Result<Option<i64>, LedgerError> {
        let kept = self.sightings.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        match kept {
            Some(time_ms) => Ok(Some(time_ms)),
            None => self.row(self.books.last_seen(key.0, key.1)),
        }
    }

    fn kept_sightings(&self) -> Sightings {
        std::mem::take(&mut *self.sightings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn receipt(&self, key: KeyId, version: u64) -> Result<Option<Arc<[u8]>>, LedgerError> {
        self.alive()?;
        let place = match self.overlay(|overlay| overlay.place_of(key, version)) {
            Some(place) => Some(place),
            None => self.row(self.books.place_of(key, version))?,
        };
        let Some(place) = place else { return Ok(None) };
        let corrupt = |error: &dyn std::fmt::Display| LedgerError::Corrupt(error.to_string());
        let frame = self.reader.read(place).map_err(|error| corrupt(&error))?;
        batch::receipt(&frame.body, key, version).map(Some).map_err(|error| corrupt(&error))
    }
}

#[async_trait]
impl Proofs for JournaledLedger {
    async fn receipt(&self, key: KeyId, version: u64) -> Result<Option<Arc<[u8]>>, LedgerError> {
        self.blocking(move |shared| shared.receipt(key, version)).await
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
        self.blocking(move |shared| shared.load(key, request)).await
    }

    async fn recorded(
        &self,
        key: KeyId,
        request: RequestId,
    ) -> Result<Option<Arc<Event>>, LedgerError> {
        self.blocking(move |shared| shared.recorded(key, request)).await
    }

    async fn heads(&self, keys: Vec<KeyId>) -> Result<(Vec<Option<Head>>, u64), LedgerError> {
        let read = move |shared: &Shared| {
            shared.alive()?;
            let as_of = shared.durable.load(Ordering::Acquire);
            let heads: Result<_, _> = keys.iter().map(|key| shared.head(*key)).collect();
            Ok((heads?, as_of))
        };
        self.blocking(read).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, LedgerError> {
        let queue = self.applier.as_ref().map(|(queue, _)| queue.clone());
        let queue = queue.ok_or_else(|| self.shared.unavailable())?;
        let randomness = Arc::clone(&self.randomness);
        self.blocking(move |shared| shared.commit(&changes, &queue, randomness.as_ref())).await
    }

    async fn events(&self, key: KeyId, span: Span) -> Result<(Vec<Recorded>, u64), LedgerError> {
        self.blocking(move |shared| shared.history(key, span)).await
    }

    async fn note_seen(&self, key: KeyId, activation: ActivationId, time_ms: i64) {
        let noted = self.blocking(move |shared| shared.note_seen((key, activation), time_ms)).await;
        match (noted, &self.applier) {
            (Ok(Some(full)), Some((queue, _))) => {
                // Approximate by contract: dropped while the applier is behind.
                let _ = queue.try_send(Work::Seen(full));
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
        self.blocking(read).await
    }

    async fn ready(&self) -> Result<(), LedgerError> {
        self.shared.alive()
    }
}

impl Drop for JournaledLedger {
    /// Applies what waits, then closes the journal in good order.
    fn drop(&mut self) {
        if let Some((queue, thread)) = self.applier.take() {
            drop(queue);
            if thread.join().is_err() {
                self.shared.stop("the applier panicked".to_owned());
            }
        }
        let writer = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer
            && self.shared.alive().is_ok()
            && let Err(error) = writer.journal.close()
        {
            tracing::error!(%error, "the journal was not closed in good order");
        }
    }
}
