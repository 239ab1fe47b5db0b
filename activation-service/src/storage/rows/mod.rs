//! The rows of the ledger: which tree holds what under which key, read and written as whole
//! accounts.

mod census;
mod entry;
mod write_set;

use std::collections::HashMap;
use std::ops::ControlFlow;

use thiserror::Error;

use crate::domain::account::{Account, Head};
use crate::domain::ids::{ActivationId, ID_BYTES, KeyId, RequestId};
use crate::domain::product_key::LookupDigest;
use crate::mutants::{self, Mutant};
use crate::ports::Span;
use crate::storage::codec::{Malformed, decode_count, decode_head, unseal};
use crate::storage::store::{Row, Store, StoreError, Tree};
pub(in crate::storage) use census::Census;
pub(in crate::storage) use entry::Entry;
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
        let key = lookup_key(lookup);
        let Some(row) = self.store.get(Tree::Lookups, &key)? else { return Ok(None) };
        let id = unseal(&key, &row).map(KeyId::from_slice).map_err(malformed("lookups"))?;
        id.map(Some).ok_or_else(|| malformed("lookups")(Malformed("no key id")))
    }

    pub(in crate::storage) fn head(&self, key_id: KeyId) -> Result<Option<Head>, RowError> {
        let Some(row) = self.store.get(Tree::Keys, &key_id.0)? else { return Ok(None) };
        let head = unseal(&key_id.0, &row).and_then(decode_head).map_err(malformed("keys"))?;
        if head.key_id == key_id {
            return Ok(Some(head));
        }
        Err(RowError::Inconsistent(format!("the head of {key_id} is that of {}", head.key_id)))
    }

    pub(in crate::storage) fn account(&self, key_id: KeyId) -> Result<Option<Account>, RowError> {
        let Some(head) = self.head(key_id)? else { return Ok(None) };
        let mut counts = Vec::new();
        let (from, to) = (numbered(key_id, 0), numbered(key_id, u64::MAX));
        self.each(Tree::Counts, (&from, Some(&to)), false, |key, row| {
            let count = unseal(key, row).and_then(decode_count).map_err(malformed("counts"))?;
            if numbered(key_id, count.number) != key
                || count.number > head.version
                || counts.len() == COUNTS_MAX
            {
                let number = count.number;
                return Err(RowError::Inconsistent(format!("{key_id} has a count {number}")));
            }
            counts.push(count);
            Ok(ControlFlow::Continue(()))
        })?;
        let account = Account { head, counts: counts.into_iter().collect() };
        if !mutants::is_on(Mutant::SkipVerification) {
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
        let key = numbered(key_id, version);
        let row = self.store.get(Tree::Events, &key)?;
        row.map(|row| entry(key_id, &key, &row)).transpose()
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

    /// Shows what is noted of all events of a key that recorded a request.
    pub(in crate::storage) fn requests(
        &self,
        key_id: KeyId,
        mut show: impl FnMut(RequestId, u64),
    ) -> Result<(), RowError> {
        self.entries_of(key_id, (0, u64::MAX), false, |entry| {
            if let Some(request) = entry.request {
                show(request, entry.version);
            }
            ControlFlow::Continue(())
        })
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
        let (from, to) = (numbered(key_id, from), numbered(key_id, to));
        self.each(Tree::Events, (&from, Some(&to)), descending, |key, row| {
            Ok(show(entry(key_id, key, row)?))
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
        (from, to): (&[u8], Option<&[u8]>),
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

fn numbered(key_id: KeyId, number: u64) -> Vec<u8> {
    [&key_id.0[..], &number.to_be_bytes()[..]].concat()
}

fn lookup_key(lookup: &LookupDigest) -> Vec<u8> {
    [&lookup.pepper.0.to_be_bytes()[..], &lookup.digest[..]].concat()
}

fn entry(key_id: KeyId, key: &[u8], row: &[u8]) -> Result<Entry, RowError> {
    let payload = unseal(key, row).map_err(malformed("events"))?;
    let version =
        key.get(ID_BYTES..).ok_or_else(|| malformed("events")(Malformed("no version")))?;
    let version = number("events", version)?;
    Entry::decode(key_id, version, payload).map_err(malformed("events"))
}
