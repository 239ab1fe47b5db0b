//! The embedded engine on sled 0.34.7: one transaction, `flush` and an own `sync_data` a batch.
//!
//! Caveats of sled that this module answers: `flush` calls no fsync on Linux, so the file is synced
//! through a descriptor of our own; atomicity over power cuts holds only while little is unsynced,
//! so batches are cut into small groups; opening can panic, so it is guarded; a failed flush or
//! sync is final, so the engine stops and answers nothing more.

pub(in crate::storage) mod open;
pub(in crate::storage) mod rows;

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use async_trait::async_trait;

use crate::domain::account::Head;
use crate::domain::event::Event;
use crate::domain::ids::{ActivationId, KeyId, RequestId};
use crate::ports::{Change, Committed, KeyRef, Ledger, LedgerError, Loaded, Recorded, Span};
use crate::storage::memory::{CHAIN_ID, new_lookups};
pub use open::{OpenError, SledOptions};
use rows::{RowError, Sightings, Trees, WriteSet};

/// Most writes between two syncs; measured as safe over torn images (docs/ledger-format.md).
pub(in crate::storage) const GROUP_OPERATIONS_MAX: usize = 200;
/// Most bytes between two syncs.
pub(in crate::storage) const GROUP_BYTES_MAX: usize = 64 * 1024;
/// A computer's sighting is noted at most this often.
const SEEN_PERIOD_MS: u64 = 3_600_000;
/// Sightings that are written together, with a sync of their own.
const SEEN_BATCH: usize = 100;

/// A ledger in a folder that this process owns alone.
pub struct SledLedger {
    engine: Arc<Engine>,
}

struct Engine {
    /// Held for writing from the first write of a group until its sync: nobody reads what is not
    /// durable.
    books: RwLock<Books>,
    /// Why the engine stopped; once set it stays.
    stopped: OnceLock<String>,
    /// Sightings that are not written yet; they may be lost.
    sightings: Mutex<Sightings>,
}

struct Books {
    db: sled::Db,
    trees: Trees,
    file: std::fs::File,
    sequence: u64,
}

impl SledLedger {
    /// Opens the ledger in a folder, which is made if it does not exist. Blocks.
    pub fn open(folder: &Path, options: &SledOptions) -> Result<Self, OpenError> {
        let opened = open::open(folder, options, open::FORMAT)?;
        let books = Books {
            db: opened.db,
            trees: opened.trees,
            file: opened.file,
            sequence: opened.sequence,
        };
        let engine = Engine {
            books: RwLock::new(books),
            stopped: OnceLock::new(),
            sightings: Mutex::default(),
        };
        Ok(Self { engine: Arc::new(engine) })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let engine = Arc::clone(&self.engine);
        let done = tokio::task::spawn_blocking(move || work(&engine)).await;
        done.unwrap_or_else(|error| {
            self.engine.stop(format!("the engine panicked: {error}"));
            Err(self.engine.unavailable())
        })
    }
}

impl Engine {
    fn stop(&self, why: String) {
        tracing::error!(why, "the ledger stopped: nothing more is answered until a restart");
        // The first reason is the one that counts.
        let _ = self.stopped.set(why);
    }

    fn unavailable(&self) -> LedgerError {
        LedgerError::Unavailable(self.stopped.get().cloned().unwrap_or_default())
    }

    /// A panic between a write and its sync leaves rows behind that nobody may read.
    fn writer_panicked(&self) -> LedgerError {
        self.stop("a writer panicked".to_owned());
        self.unavailable()
    }

    fn alive(&self) -> Result<(), LedgerError> {
        if self.stopped.get().is_some() { Err(self.unavailable()) } else { Ok(()) }
    }

    /// Reads at a moment at which all that is stored is durable.
    fn read<T>(&self, read: impl FnOnce(&Books) -> Result<T, RowError>) -> Result<T, LedgerError> {
        let books = self.books.read().map_err(|_| self.writer_panicked())?;
        // Asked under the lock: a writer that failed has left unsynced rows behind.
        self.alive()?;
        read(&books).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &RowError) -> LedgerError {
        match error {
            RowError::Engine(error) => {
                self.stop(format!("reading failed: {error}"));
                self.unavailable()
            }
            RowError::Malformed { .. } | RowError::Inconsistent(_) => {
                tracing::error!(%error, "the ledger is damaged");
                LedgerError::Corrupt(error.to_string())
            }
        }
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Committed>, LedgerError> {
        let mut books = self.books.write().map_err(|_| self.writer_panicked())?;
        self.alive()?;
        let mut answers = Vec::with_capacity(changes.len());
        let mut group = Group::default();
        for change in changes {
            if self.conflicts(&books, &group, change) {
                answers.push(Committed::Conflict);
                continue;
            }
            let mut set = group.next(&books, change);
            if group.is_full_with(&set) {
                self.sync(&mut books, &mut group, &mut answers);
                set = group.next(&books, change);
            }
            group.add(change, set, answers.len());
            answers.push(Committed::Unknown);
        }
        self.sync(&mut books, &mut group, &mut answers);
        Ok(answers)
    }

    /// True if a change does not fit what is stored. A key whose rows cannot be read conflicts too:
    /// loading it again tells why, and the other changes of the batch do not suffer.
    fn conflicts(&self, books: &Books, group: &Group, change: &Change) -> bool {
        let key_id = change.account.head.key_id;
        let lookups = new_lookups(&change.events);
        let pending = |(id, pending): &(KeyId, Vec<_>)| {
            *id == key_id || lookups.iter().any(|lookup| pending.contains(lookup))
        };
        if group.pending.iter().any(pending) {
            return true;
        }
        let fits = || -> Result<bool, RowError> {
            let head = books.trees.head(key_id)?;
            if head.map_or(0, |head| head.version) != change.expected_version {
                return Ok(false);
            }
            for lookup in &lookups {
                let owner = books.trees.owner_of(lookup)?;
                if owner.is_some_and(|owner| owner != key_id) {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        !fits().unwrap_or_else(|error| {
            self.failed(&error);
            false
        })
    }

    /// Makes the group durable and settles its answers; a failure leaves them unknown and stops
    /// the engine.
    fn sync(&self, books: &mut Books, group: &mut Group, answers: &mut [Committed]) {
        let group = std::mem::take(group);
        if group.settled.is_empty() || self.alive().is_err() {
            return;
        }
        let mut set = group.set;
        set.close(books.sequence + group.events);
        let written = books.trees.write(&set);
        if let Err(error) = books.durable(written) {
            return self.stop(format!("writing failed: {error}"));
        }
        for (index, events, account_version) in group.settled {
            books.sequence += events;
            if let Some(answer) = answers.get_mut(index) {
                let (chain_id, sequence) = (CHAIN_ID, books.sequence);
                *answer = Committed::Committed {
                    chain_id,
                    sequence,
                    account_version,
                    proofs: Vec::new(),
                };
            }
        }
    }

    /// Keeps a sighting, and writes those kept once there are enough of them.
    fn note_seen(&self, key: (KeyId, ActivationId), time_ms: i64) -> Result<(), LedgerError> {
        let noted = self.last_seen(key)?;
        if noted.is_some_and(|noted| noted.abs_diff(time_ms) < SEEN_PERIOD_MS) {
            return Ok(());
        }
        let mut kept = self.sightings.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(key, time_ms);
        if kept.len() < SEEN_BATCH {
            return Ok(());
        }
        let full = std::mem::take(&mut *kept);
        drop(kept);
        self.write_seen(&full)
    }

    fn write_seen(&self, sightings: &Sightings) -> Result<(), LedgerError> {
        let books = self.books.write().map_err(|_| self.writer_panicked())?;
        self.alive()?;
        let written = books.trees.write_seen(sightings);
        books.durable(written).map_err(|error| {
            self.stop(format!("writing failed: {error}"));
            self.unavailable()
        })
    }

    fn last_seen(&self, key: (KeyId, ActivationId)) -> Result<Option<i64>, LedgerError> {
        let kept = self.sightings.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        match kept {
            Some(time_ms) => Ok(Some(time_ms)),
            None => self.read(|books| books.trees.last_seen(key.0, key.1)),
        }
    }
}

impl Books {
    /// Flushes and syncs what was written: sled's own flush leaves it in the page cache.
    fn durable(&self, written: Result<(), sled::Error>) -> Result<(), String> {
        let flushed = written.and_then(|()| self.db.flush()).map_err(|error| error.to_string());
        flushed.and_then(|_| self.file.sync_data().map_err(|error| error.to_string()))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let kept = self.sightings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !kept.is_empty() && self.alive().is_ok() {
            // Sightings may be lost; an error was logged where it happened.
            let _ = self.write_seen(&kept);
        }
    }
}

/// Changes that are written and synced together.
#[derive(Default)]
struct Group {
    set: WriteSet,
    pending: Vec<(KeyId, Vec<crate::domain::product_key::LookupDigest>)>,
    /// Index of the answer, number of events and account version of each change.
    settled: Vec<(usize, u64, u64)>,
    /// Events of all of them.
    events: u64,
}

impl Group {
    /// The rows of a change that follows those of the group.
    fn next(&self, books: &Books, change: &Change) -> WriteSet {
        WriteSet::of(change, books.sequence + self.events + change.events.len() as u64)
    }

    fn is_full_with(&self, set: &WriteSet) -> bool {
        // One more operation for the position that closes the group.
        self.set.operations() + set.operations() + 1 > GROUP_OPERATIONS_MAX
            || self.set.bytes() + set.bytes() > GROUP_BYTES_MAX
    }

    fn add(&mut self, change: &Change, set: WriteSet, index: usize) {
        let events = change.events.len() as u64;
        self.set.append(set);
        self.pending.push((change.account.head.key_id, new_lookups(&change.events)));
        self.settled.push((index, events, change.account.head.version));
        self.events += events;
    }
}

#[async_trait]
impl Ledger for SledLedger {
    async fn load(
        &self,
        key: KeyRef,
        request: Option<RequestId>,
    ) -> Result<Option<Loaded>, LedgerError> {
        let read = move |books: &Books| {
            let by_id = matches!(key, KeyRef::Id(_));
            let key_id = match key {
                KeyRef::Id(id) => Some(id),
                KeyRef::Lookup(digests) => {
                    let mut found = None;
                    for digest in &digests {
                        found = found.or(books.trees.owner_of(digest)?);
                    }
                    found
                }
            };
            let Some(key_id) = key_id else { return Ok(None) };
            let Some(account) = books.trees.account(key_id)? else {
                return if by_id { Ok(None) } else { Err(RowError::dangling(key_id)) };
            };
            let recorded = match request {
                Some(request) => books.trees.request(key_id, request)?,
                None => None,
            };
            let account = Arc::new(account);
            Ok(Some(Loaded { account, recorded, as_of_sequence: books.sequence }))
        };
        self.blocking(move |engine| engine.read(read)).await
    }

    async fn recorded(
        &self,
        key: KeyId,
        request: RequestId,
    ) -> Result<Option<Arc<Event>>, LedgerError> {
        let read = move |books: &Books| books.trees.request(key, request);
        self.blocking(move |engine| engine.read(read)).await
    }

    async fn heads(&self, keys: Vec<KeyId>) -> Result<(Vec<Option<Head>>, u64), LedgerError> {
        let read = move |books: &Books| {
            let heads: Result<_, _> = keys.iter().map(|key| books.trees.head(*key)).collect();
            Ok((heads?, books.sequence))
        };
        self.blocking(move |engine| engine.read(read)).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, LedgerError> {
        self.blocking(move |engine| engine.commit(&changes)).await
    }

    async fn events(&self, key: KeyId, span: Span) -> Result<(Vec<Recorded>, u64), LedgerError> {
        let read = move |books: &Books| Ok((books.trees.history(key, span)?, books.sequence));
        self.blocking(move |engine| engine.read(read)).await
    }

    async fn note_seen(&self, key: KeyId, activation: ActivationId, time_ms: i64) {
        let noted = self.blocking(move |engine| engine.note_seen((key, activation), time_ms)).await;
        if let Err(error) = noted {
            tracing::warn!(%error, "a sighting was not noted");
        }
    }

    async fn last_seen(
        &self,
        key: KeyId,
        activations: Vec<ActivationId>,
    ) -> Result<Vec<Option<i64>>, LedgerError> {
        let read = move |engine: &Engine| {
            activations.into_iter().map(|id| engine.last_seen((key, id))).collect()
        };
        self.blocking(read).await
    }

    async fn ready(&self) -> Result<(), LedgerError> {
        self.engine.alive()
    }
}
