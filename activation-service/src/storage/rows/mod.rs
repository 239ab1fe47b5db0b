//! The rows of the ledger: which tree holds what under which key, read and written as whole
//! accounts.

mod census;
mod entry;
mod event;
mod key;
mod write_set;

use std::collections::HashMap;
use std::ops::ControlFlow;

use thiserror::Error;

use crate::domain::account::{Account, Count, Head};
use crate::domain::ids::{ActivationId, KeyId, RequestId};
use crate::domain::product_key::LookupDigest;
use crate::mutants::{self, Mutant};
use crate::ports::Span;
use crate::storage::codec::{Malformed, decode_count, decode_head, unseal};
use crate::storage::store::{Row, Store, StoreError, Tree};
pub(in crate::storage) use census::Census;
pub(in crate::storage) use entry::Entry;
use event::EventRow;
use key::RowOf;
pub(in crate::storage) use write_set::{Posting, WriteSet};

const SEQUENCE_KEY: &[u8] = b"applied_sequence";
const HEAD_KEY: &[u8] = b"applied_head";
/// An account whose rows name more counts than this is damaged.
const COUNTS_MAX: usize = 4_000_000;

/// What reading rows can come to.
#[derive(Debug, Error)]
pub(in crate::storage) enum RowError {
    #[error("{0}")]
    Engine(#[from] StoreError),
    #[error("a row of tree {tree} is malformed: {cause}")]
    Malformed { tree: &'static str, cause: Malformed },
    #[error("{0}")]
    Inconsistent(String),
    /// Nothing is wrong with the rows; they are being mended.
    #[error("the books are closed while they are mended")]
    Closed,
}

impl RowError {
    /// A look-up row names a key that is not there.
    pub(in crate::storage) fn dangling(key_id: KeyId) -> Self {
        Self::Inconsistent(format!("a look-up digest names {key_id}, which has no head"))
    }
}

/// When computers were last seen.
pub(in crate::storage) type Sightings = HashMap<(KeyId, ActivationId), i64>;

/// The rows of an open engine.
pub(in crate::storage) struct Rows {
    store: Box<dyn Store>,
}

impl Rows {
    pub(in crate::storage) const fn new(store: Box<dyn Store>) -> Self {
        Self { store }
    }

    /// Writes a set together.
    pub(in crate::storage) fn write(&self, set: &WriteSet) -> Result<(), StoreError> {
        self.store.write(set.rows())
    }

    /// Makes what was written durable.
    pub(in crate::storage) fn sync(&self) -> Result<(), StoreError> {
        self.store.sync()
    }

    /// A look-up row names this key: it must have a head.
    pub(in crate::storage) fn owned(&self, key_id: KeyId) -> Result<(), RowError> {
        match self.head(key_id)? {
            Some(_) => Ok(()),
            None => Err(RowError::dangling(key_id)),
        }
    }

    /// The position that the ledger contains.
    pub(in crate::storage) fn sequence(&self) -> Result<u64, RowError> {
        match self.store.get(Tree::Meta, SEQUENCE_KEY)? {
            Some(row) => sealed_number("meta", SEQUENCE_KEY, &row),
            None => Ok(0),
        }
    }

    /// The hash of the last head that is wholly applied; none before the first.
    pub(in crate::storage) fn applied_head(&self) -> Result<Option<[u8; 32]>, RowError> {
        let Some(row) = self.store.get(Tree::Meta, HEAD_KEY)? else { return Ok(None) };
        let hash = unseal(HEAD_KEY, &row).map_err(malformed("meta"))?;
        let hash = hash.try_into().map_err(|_| malformed("meta")(Malformed("no hash")))?;
        Ok(Some(hash))
    }

    pub(in crate::storage) fn owner_of(
        &self,
        lookup: &LookupDigest,
    ) -> Result<Option<KeyId>, RowError> {
        let key = key::lookup(lookup);
        let Some(row) = self.store.get(Tree::Lookups, &key)? else { return Ok(None) };
        let id = unseal(&key, &row).map(KeyId::from_slice).map_err(malformed("lookups"))?;
        id.map(Some).ok_or_else(|| malformed("lookups")(Malformed("no key id")))
    }

    pub(in crate::storage) fn head(&self, key_id: KeyId) -> Result<Option<Head>, RowError> {
        let key = key::head(key_id);
        let Some(row) = self.store.get(Tree::Accounts, &key)? else { return Ok(None) };
        let mut head = head(key_id, &key, &row)?;
        let (from, to) = (key::event(key_id, 0), key::event(key_id, u64::MAX));
        self.each(Tree::Accounts, &from, Some(&to), true, |key, row| {
            if let RowOf::Event(version) = key::read(key).map_err(malformed("accounts"))?.1 {
                overtake(&mut head, &event_row((key_id, version), key, row)?);
            }
            // The last one says all.
            Ok(ControlFlow::Break(()))
        })?;
        Ok(Some(head))
    }

    pub(in crate::storage) fn account(&self, key_id: KeyId) -> Result<Option<Account>, RowError> {
        self.fetch(key_id, |_| ())
    }

    /// An account, and what is noted of its events.
    pub(in crate::storage) fn fetch(
        &self,
        key_id: KeyId,
        mut show: impl FnMut(Entry),
    ) -> Result<Option<Account>, RowError> {
        let (mut held, mut counts, mut last) = (None, Vec::new(), 0);
        let mut changed = HashMap::new();
        let all = key::all(key_id);
        self.each(Tree::Accounts, &all.start, Some(&all.end), false, |key, row| {
            match key::read(key).map_err(malformed("accounts"))?.1 {
                RowOf::Head => held = Some(head(key_id, key, row)?),
                RowOf::Count(number) => {
                    let count = unseal(key, row).map_err(malformed("accounts"))?;
                    changed.insert(number, numbered(key_id, number, count)?);
                    bounded(key_id, changed.len())?;
                }
                RowOf::Event(version) => {
                    let row = event_row((key_id, version), key, row)?;
                    if let Some(made) = row.count {
                        let count = match changed.remove(&version) {
                            Some(changed) => changed,
                            None => numbered(key_id, version, made)?,
                        };
                        counts.push(count);
                        bounded(key_id, counts.len())?;
                    }
                    if let Some(head) = &mut held {
                        overtake(head, &row);
                    }
                    last = version;
                    show(row.entry);
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let Some(head) = held else { return Ok(None) };
        if let Some(number) = changed.keys().next() {
            let told = format!("{key_id} has a count {number} that no event made");
            return Err(RowError::Inconsistent(told));
        }
        let account = Account { head, counts: counts.into_iter().collect() };
        if !mutants::is_on(Mutant::SkipVerification) {
            if account.head.version != last {
                let told = format!("{key_id} has {last} events, and its head says otherwise");
                return Err(RowError::Inconsistent(told));
            }
            account.verify().map_err(|error| RowError::Inconsistent(error.to_string()))?;
        }
        Ok(Some(account))
    }

    /// What is noted of an event.
    pub(in crate::storage) fn entry(
        &self,
        key_id: KeyId,
        version: u64,
    ) -> Result<Option<Entry>, RowError> {
        let key = key::event(key_id, version);
        let row = self.store.get(Tree::Accounts, &key)?;
        row.map(|row| Ok(event_row((key_id, version), &key, &row)?.entry)).transpose()
    }

    /// What is noted of the event that recorded a request; it looks at all events of the key.
    pub(in crate::storage) fn request(
        &self,
        key_id: KeyId,
        request: RequestId,
    ) -> Result<Option<Entry>, RowError> {
        let mut found = None;
        self.entries_of(key_id, (0, u64::MAX), false, |entry| {
            if entry.request != Some(request) {
                return ControlFlow::Continue(());
            }
            found = Some(entry);
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// What is noted of a part of the history of a key.
    pub(in crate::storage) fn entries(
        &self,
        key_id: KeyId,
        span: Span,
    ) -> Result<Vec<Entry>, RowError> {
        // Versions begin at 1, so 0 and the largest number lie outside on both sides.
        let range = match (span.after, span.descending) {
            (None, _) => (0, u64::MAX),
            (Some(version), false) => (version.saturating_add(1), u64::MAX),
            (Some(version), true) => (0, version),
        };
        let mut entries = Vec::new();
        if span.most == 0 {
            return Ok(entries);
        }
        self.entries_of(key_id, range, span.descending, |entry| {
            entries.push(entry);
            let is_enough = entries.len() == span.most;
            if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(entries)
    }

    /// Shows entries from one version on, up to another and without it, until there were enough.
    fn entries_of(
        &self,
        key_id: KeyId,
        (from, to): (u64, u64),
        descending: bool,
        mut show: impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), RowError> {
        let (from, to) = (key::event(key_id, from), key::event(key_id, to));
        self.each(Tree::Accounts, &from, Some(&to), descending, |key, row| {
            match key::read(key).map_err(malformed("accounts"))?.1 {
                RowOf::Event(version) => Ok(show(event_row((key_id, version), key, row)?.entry)),
                RowOf::Head | RowOf::Count(_) => Ok(ControlFlow::Continue(())),
            }
        })
    }

    /// Writes sightings together.
    pub(in crate::storage) fn write_seen(&self, sightings: &Sightings) -> Result<(), StoreError> {
        let row = |((key_id, activation), time_ms): (&(KeyId, ActivationId), &i64)| Row {
            tree: Tree::Seen,
            key: [key_id.0, activation.0].concat(),
            value: time_ms.to_be_bytes().to_vec(),
        };
        self.store.write(&sightings.iter().map(row).collect::<Vec<_>>())
    }

    pub(in crate::storage) fn last_seen(
        &self,
        key_id: KeyId,
        activation: ActivationId,
    ) -> Result<Option<i64>, RowError> {
        let row = self.store.get(Tree::Seen, &[key_id.0, activation.0].concat())?;
        row.map(|row| number("seen", &row).map(u64::cast_signed)).transpose()
    }

    /// Reads rows until one is malformed or there were enough.
    fn each(
        &self,
        tree: Tree,
        from: &[u8],
        to: Option<&[u8]>,
        descending: bool,
        mut read: impl FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>, RowError>,
    ) -> Result<(), RowError> {
        let mut failed = None;
        self.store.scan(tree, from, to, descending, &mut |key, row| match read(key, row) {
            Ok(flow) => flow,
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok(()), Err)
    }
}

fn malformed(tree: &'static str) -> impl FnOnce(Malformed) -> RowError {
    move |cause| RowError::Malformed { tree, cause }
}

fn number(tree: &'static str, row: &[u8]) -> Result<u64, RowError> {
    let bytes = row.try_into().map_err(|_| malformed(tree)(Malformed("no number")))?;
    Ok(u64::from_be_bytes(bytes))
}

fn sealed_number(tree: &'static str, key: &[u8], row: &[u8]) -> Result<u64, RowError> {
    number(tree, unseal(key, row).map_err(malformed(tree))?)
}

fn head(key_id: KeyId, key: &[u8], row: &[u8]) -> Result<Head, RowError> {
    let head = unseal(key, row).and_then(decode_head).map_err(malformed("accounts"))?;
    if head.key_id == key_id {
        return Ok(head);
    }
    Err(RowError::Inconsistent(format!("the head of {key_id} is that of {}", head.key_id)))
}

fn event_row<'a>(
    (key_id, version): (KeyId, u64),
    key: &[u8],
    row: &'a [u8],
) -> Result<EventRow<'a>, RowError> {
    let row = unseal(key, row).and_then(|payload| event::decode(key_id, version, payload));
    row.map_err(malformed("accounts"))
}

/// A head that was written before the event is that after it.
const fn overtake(head: &mut Head, row: &EventRow<'_>) {
    if let Some(standing) = row.standing
        && row.entry.version > head.version
    {
        standing.overtake(head, row.entry.version);
    }
}

fn bounded(key_id: KeyId, counts: usize) -> Result<(), RowError> {
    if counts <= COUNTS_MAX {
        return Ok(());
    }
    Err(RowError::Inconsistent(format!("{key_id} has too many counts")))
}

fn numbered(key_id: KeyId, number: u64, count: &[u8]) -> Result<Count, RowError> {
    let count = decode_count(count).map_err(malformed("accounts"))?;
    if count.number == number {
        return Ok(count);
    }
    Err(RowError::Inconsistent(format!("{key_id} has a count {} for {number}", count.number)))
}
