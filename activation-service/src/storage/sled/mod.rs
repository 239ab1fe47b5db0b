//! The embedded engine on sled 0.34.7: one transaction, `flush` and an own `sync_data` a batch.
//!
//! Caveats of sled that this module answers: `flush` calls no fsync on Linux, so the file is synced
//! through a descriptor of our own; atomicity over power cuts holds only while little is unsynced,
//! so batches are cut into small groups; opening can panic, so it is guarded; a failed flush or
//! sync is final, so the engine stops and answers nothing more.

mod open;
mod rows;

use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use async_trait::async_trait;

use crate::domain::account::Head;
use crate::domain::ids::{ActivationId, KeyId, RequestId};
use crate::ports::{Change, Committed, KeyRef, Ledger, LedgerError, Loaded, Recorded, Span};
use crate::storage::memory::{CHAIN_ID, new_lookups};
pub use open::{OpenError, SledOptions};
use rows::{RowError, Trees, WriteSet};

/// Most writes between two syncs; measured as safe over torn images (docs/ledger-format.md).
const GROUP_OPERATIONS_MAX: usize = 200;
/// Most bytes between two syncs.
const GROUP_BYTES_MAX: usize = 64 * 1024;
/// A computer's sighting is noted at most this often.
const SEEN_PERIOD_MS: u64 = 3_600_000;

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
        let opened = open::open(folder, options)?;
        let books = Books {
            db: opened.db,
            trees: opened.trees,
            file: opened.file,
            sequence: opened.sequence,
        };
        let engine = Engine { books: RwLock::new(books), stopped: OnceLock::new() };
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

    fn alive(&self) -> Result<(), LedgerError> {
        if self.stopped.get().is_some() { Err(self.unavailable()) } else { Ok(()) }
    }

    /// Reads at a moment at which all that is stored is durable.
    fn read<T>(&self, read: impl FnOnce(&Books) -> Result<T, RowError>) -> Result<T, LedgerError> {
        let books = self.books.read().unwrap_or_else(PoisonError::into_inner);
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
        let mut books = self.books.write().unwrap_or_else(PoisonError::into_inner);
        self.alive()?;
        let mut answers = Vec::with_capacity(changes.len());
        let mut group = Group::default();
        for change in changes {
            if self.conflicts(&books, &group, change)? {
                answers.push(Committed::Conflict);
                continue;
            }
            let sequence = books.sequence + change.events.len() as u64;
            let set = WriteSet::of(change, sequence);
            if group.is_full_with(&set) {
                self.sync(&books, &mut group, &mut answers);
            }
            books.sequence = sequence;
            group.add(change, set, sequence, answers.len());
            answers.push(Committed::Unknown);
        }
        self.sync(&books, &mut group, &mut answers);
        Ok(answers)
    }

    fn conflicts(
        &self,
        books: &Books,
        group: &Group,
        change: &Change,
    ) -> Result<bool, LedgerError> {
        let key_id = change.account.head.key_id;
        let lookups = new_lookups(&change.events);
        let pending = |(id, pending): &(KeyId, Vec<_>)| {
            *id == key_id || lookups.iter().any(|lookup| pending.contains(lookup))
        };
        if group.pending.iter().any(pending) {
            return Ok(true);
        }
        let head = books.trees.head(key_id).map_err(|error| self.failed(&error))?;
        if head.map_or(0, |head| head.version) != change.expected_version {
            return Ok(true);
        }
        for lookup in &lookups {
            let owner = books.trees.owner_of(lookup).map_err(|error| self.failed(&error))?;
            if owner.is_some_and(|owner| owner != key_id) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes the group durable and settles its answers; a failure leaves them unknown and stops the
    /// engine.
    fn sync(&self, books: &Books, group: &mut Group, answers: &mut [Committed]) {
        let group = std::mem::take(group);
        let Some((_, sequence, _)) = group.settled.last().copied() else { return };
        if self.alive().is_err() {
            return;
        }
        let mut set = group.set;
        set.close(sequence);
        let written = books.trees.write(&set).and_then(|()| books.db.flush());
        let synced = written.map_err(|e| e.to_string()).and_then(|_| {
            // sled's own flush leaves the data in the page cache.
            books.file.sync_data().map_err(|error| error.to_string())
        });
        if let Err(error) = synced {
            return self.stop(format!("writing failed: {error}"));
        }
        for (index, sequence, account_version) in group.settled {
            if let Some(answer) = answers.get_mut(index) {
                let chain_id = CHAIN_ID;
                *answer = Committed::Committed { chain_id, sequence, account_version, proof: None };
            }
        }
    }
}

/// Changes that are written and synced together.
#[derive(Default)]
struct Group {
    set: WriteSet,
    pending: Vec<(KeyId, Vec<crate::domain::product_key::LookupDigest>)>,
    /// Index of the answer, sequence and account version of each change.
    settled: Vec<(usize, u64, u64)>,
}

impl Group {
    fn is_full_with(&self, set: &WriteSet) -> bool {
        // One more operation for the position that closes the group.
        self.set.operations() + set.operations() + 1 > GROUP_OPERATIONS_MAX
            || self.set.bytes() + set.bytes() > GROUP_BYTES_MAX
    }

    fn add(&mut self, change: &Change, set: WriteSet, sequence: u64, index: usize) {
        self.set.append(set);
        self.pending.push((change.account.head.key_id, new_lookups(&change.events)));
        self.settled.push((index, sequence, change.account.head.version));
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
            let Some(account) = books.trees.account(key_id)? else { return Ok(None) };
            let recorded = match request {
                Some(request) => books.trees.request(key_id, request)?,
                None => None,
            };
            let account = Arc::new(account);
            Ok(Some(Loaded { account, recorded, as_of_sequence: books.sequence }))
        };
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
        let note =
            move |books: &Books| books.trees.note_seen(key, activation, time_ms, SEEN_PERIOD_MS);
        if let Err(error) = self.blocking(move |engine| engine.read(note)).await {
            tracing::warn!(%error, "a sighting was not noted");
        }
    }

    async fn last_seen(
        &self,
        key: KeyId,
        activations: Vec<ActivationId>,
    ) -> Result<Vec<Option<i64>>, LedgerError> {
        let read = move |books: &Books| {
            activations.iter().map(|id| books.trees.last_seen(key, *id)).collect()
        };
        self.blocking(move |engine| engine.read(read)).await
    }

    async fn ready(&self) -> Result<(), LedgerError> {
        self.engine.alive()
    }
}
