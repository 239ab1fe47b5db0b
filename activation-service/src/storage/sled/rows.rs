//! The rows of the ledger: which tree holds what under which key, read and written as whole
//! accounts.

mod census;

use std::collections::HashMap;
use std::sync::Arc;

use sled::transaction::{ConflictableTransactionError, TransactionError, Transactional as _};
use sled::{Db, Tree};
use thiserror::Error;

use crate::domain::account::{Account, Head};
use crate::domain::event::{Body, Event};
use crate::domain::ids::{ActivationId, KeyId, RequestId};
use crate::domain::product_key::LookupDigest;
use crate::ports::{Change, Recorded, Span};
use crate::storage::codec::{
    Malformed, decode_count, decode_event, decode_head, encode_count, encode_event, encode_head,
    seal, unseal,
};
use crate::storage::journal::Location;
use crate::storage::memory::new_lookups;
pub(in crate::storage) use census::Census;

const SEQUENCE_KEY: &[u8] = b"applied_sequence";
const HEAD_KEY: &[u8] = b"applied_head";
const SEQUENCE_BYTES: usize = 8;
/// An account whose rows name more counts than this is damaged.
const COUNTS_MAX: usize = 4_000_000;

/// What reading rows can come to.
#[derive(Debug, Error)]
pub(in crate::storage) enum RowError {
    #[error("{0}")]
    Engine(#[from] sled::Error),
    #[error("a row of tree {tree} is malformed: {cause}")]
    Malformed { tree: &'static str, cause: Malformed },
    #[error("{0}")]
    Inconsistent(String),
}

impl RowError {
    /// A look-up row names a key that is not there.
    pub(in crate::storage) fn dangling(key_id: KeyId) -> Self {
        Self::Inconsistent(format!("a look-up digest names {key_id}, which has no head"))
    }
}

/// When computers were last seen.
pub(in crate::storage) type Sightings = HashMap<(KeyId, ActivationId), i64>;

/// The trees of the ledger.
pub(in crate::storage) struct Trees {
    keys: Tree,
    counts: Tree,
    events: Tree,
    requests: Tree,
    lookups: Tree,
    places: Tree,
    seen: Tree,
    pub(in crate::storage) meta: Tree,
}

/// One row to write.
struct Row {
    tree: TreeName,
    key: Vec<u8>,
    value: Vec<u8>,
}

#[derive(Clone, Copy)]
enum TreeName {
    Keys,
    Counts,
    Events,
    Requests,
    Lookups,
    Places,
    Meta,
}

/// The rows of some changes, written in one transaction.
#[derive(Default)]
pub(in crate::storage) struct WriteSet {
    rows: Vec<Row>,
    bytes: usize,
}

impl WriteSet {
    pub(in crate::storage) fn operations(&self) -> usize {
        self.rows.len()
    }

    pub(in crate::storage) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn put(&mut self, tree: TreeName, key: Vec<u8>, value: Vec<u8>) {
        self.bytes += key.len() + value.len();
        self.rows.push(Row { tree, key, value });
    }

    /// The rows of one change, whose last event gets the position `sequence`.
    pub(in crate::storage) fn of(change: &Change, sequence: u64) -> Self {
        let mut set = Self::default();
        let account = &change.account;
        let key_id = account.head.key_id;
        let first = sequence + 1 - change.events.len() as u64;
        for (event, sequence) in change.events.iter().zip(first..) {
            set.put_event(event, sequence);
            let number = match &event.body {
                Body::Activated(activated) => Some(activated.count),
                Body::Released(released) => Some(released.count),
                Body::Registered { .. } | Body::Updated { .. } | Body::Refused { .. } => None,
            };
            if let Some(count) = number.and_then(|number| account.count(number)) {
                let key = numbered(key_id, count.number);
                let value = seal(&key, encode_count(count));
                set.put(TreeName::Counts, key, value);
            }
        }
        for lookup in new_lookups(&change.events) {
            let key = lookup_key(&lookup);
            let value = seal(&key, key_id.0.to_vec());
            set.put(TreeName::Lookups, key, value);
        }
        let key = key_id.0.to_vec();
        let value = seal(&key, encode_head(&account.head));
        set.put(TreeName::Keys, key, value);
        set
    }

    pub(in crate::storage) fn append(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.rows.extend(other.rows);
    }

    /// Makes the whole set end with the position it brings the ledger to.
    pub(in crate::storage) fn close(&mut self, sequence: u64) {
        let value = seal(SEQUENCE_KEY, sequence.to_be_bytes().to_vec());
        self.put(TreeName::Meta, SEQUENCE_KEY.to_vec(), value);
    }

    /// Notes where the frame lies that holds the events of a change.
    pub(in crate::storage) fn place(&mut self, change: &Change, location: Location) {
        for event in &change.events {
            let key = numbered(event.key_id, event.version);
            let segment = location.segment.to_be_bytes();
            let value = [&segment[..], &location.offset.to_be_bytes()[..]].concat();
            let value = seal(&key, value);
            self.put(TreeName::Places, key, value);
        }
    }

    /// Makes the whole set end with the position, and the hash of the last head that is wholly
    /// applied there.
    pub(in crate::storage) fn close_at(&mut self, sequence: u64, head: &[u8; 32]) {
        self.close(sequence);
        let value = seal(HEAD_KEY, head.to_vec());
        self.put(TreeName::Meta, HEAD_KEY.to_vec(), value);
    }

    fn put_event(&mut self, event: &Event, sequence: u64) {
        let key = numbered(event.key_id, event.version);
        let mut payload = sequence.to_be_bytes().to_vec();
        payload.extend(encode_event(event));
        let value = seal(&key, payload);
        self.put(TreeName::Events, key, value);
        if let Some(request) = event.request {
            let key = [event.key_id.0, request.id.0].concat();
            let value = seal(&key, event.version.to_be_bytes().to_vec());
            self.put(TreeName::Requests, key, value);
        }
    }
}

impl Trees {
    pub(in crate::storage) fn open(db: &Db) -> Result<Self, sled::Error> {
        Ok(Self {
            keys: db.open_tree("keys")?,
            counts: db.open_tree("counts")?,
            events: db.open_tree("events")?,
            requests: db.open_tree("requests")?,
            lookups: db.open_tree("lookups")?,
            places: db.open_tree("places")?,
            seen: db.open_tree("seen")?,
            meta: db.open_tree("meta")?,
        })
    }

    /// Writes a set as one transaction over all trees.
    pub(in crate::storage) fn write(&self, set: &WriteSet) -> Result<(), sled::Error> {
        let trees = (
            &self.keys,
            &self.counts,
            &self.events,
            &self.requests,
            &self.lookups,
            &self.places,
            &self.meta,
        );
        let done = trees.transaction(|(keys, counts, events, requests, lookups, places, meta)| {
            for row in &set.rows {
                let tree = match row.tree {
                    TreeName::Keys => keys,
                    TreeName::Counts => counts,
                    TreeName::Events => events,
                    TreeName::Requests => requests,
                    TreeName::Lookups => lookups,
                    TreeName::Places => places,
                    TreeName::Meta => meta,
                };
                tree.insert(row.key.as_slice(), row.value.as_slice())?;
            }
            Ok::<(), ConflictableTransactionError<sled::Error>>(())
        });
        match done {
            Ok(()) => Ok(()),
            Err(TransactionError::Abort(error) | TransactionError::Storage(error)) => Err(error),
        }
    }

    /// The position that the ledger contains.
    pub(in crate::storage) fn sequence(&self) -> Result<u64, RowError> {
        match self.meta.get(SEQUENCE_KEY)? {
            Some(row) => sealed_number("meta", SEQUENCE_KEY, &row),
            None => Ok(0),
        }
    }

    /// The hash of the last head that is wholly applied; none before the first.
    pub(in crate::storage) fn applied_head(&self) -> Result<Option<[u8; 32]>, RowError> {
        let Some(row) = self.meta.get(HEAD_KEY)? else { return Ok(None) };
        let hash = unseal(HEAD_KEY, &row).map_err(malformed("meta"))?;
        let hash = hash.try_into().map_err(|_| malformed("meta")(Malformed("no hash")))?;
        Ok(Some(hash))
    }

    pub(in crate::storage) fn owner_of(
        &self,
        lookup: &LookupDigest,
    ) -> Result<Option<KeyId>, RowError> {
        let key = lookup_key(lookup);
        let Some(row) = self.lookups.get(&key)? else { return Ok(None) };
        let id = unseal(&key, &row).map(KeyId::from_slice).map_err(malformed("lookups"))?;
        id.map(Some).ok_or_else(|| malformed("lookups")(Malformed("no key id")))
    }

    pub(in crate::storage) fn head(&self, key_id: KeyId) -> Result<Option<Head>, RowError> {
        let Some(row) = self.keys.get(key_id.0)? else { return Ok(None) };
        let head = unseal(&key_id.0, &row).and_then(decode_head).map_err(malformed("keys"))?;
        if head.key_id == key_id {
            return Ok(Some(head));
        }
        Err(RowError::Inconsistent(format!("the head of {key_id} is that of {}", head.key_id)))
    }

    pub(in crate::storage) fn account(&self, key_id: KeyId) -> Result<Option<Account>, RowError> {
        let Some(head) = self.head(key_id)? else { return Ok(None) };
        let mut counts = Vec::new();
        for row in self.counts.scan_prefix(key_id.0) {
            let (key, row) = row?;
            let count = unseal(&key, &row).and_then(decode_count).map_err(malformed("counts"))?;
            if numbered(key_id, count.number) != *key
                || count.number > head.version
                || counts.len() == COUNTS_MAX
            {
                let number = count.number;
                return Err(RowError::Inconsistent(format!("{key_id} has a count {number}")));
            }
            counts.push(count);
        }
        let account = Account { head, counts };
        account.verify().map_err(|error| RowError::Inconsistent(error.to_string()))?;
        Ok(Some(account))
    }

    /// Where the frame lies that holds an event.
    pub(in crate::storage) fn place_of(
        &self,
        key_id: KeyId,
        version: u64,
    ) -> Result<Option<Location>, RowError> {
        let key = numbered(key_id, version);
        let Some(row) = self.places.get(&key)? else { return Ok(None) };
        let row = unseal(&key, &row).map_err(malformed("places"))?;
        let cut = || malformed("places")(Malformed("cut short"));
        let (segment, offset) = row.split_first_chunk().ok_or_else(cut)?;
        let segment = u32::from_be_bytes(*segment);
        Ok(Some(Location { segment, offset: number("places", offset)? }))
    }

    pub(in crate::storage) fn event(
        &self,
        key_id: KeyId,
        version: u64,
    ) -> Result<Recorded, RowError> {
        let key = numbered(key_id, version);
        let row = self.events.get(&key)?;
        let row =
            row.ok_or_else(|| RowError::Inconsistent(format!("{key_id} lacks event {version}")))?;
        recorded(&key, &row)
    }

    pub(in crate::storage) fn request(
        &self,
        key_id: KeyId,
        request: RequestId,
    ) -> Result<Option<Arc<Event>>, RowError> {
        let key = [key_id.0, request.0].concat();
        let Some(row) = self.requests.get(&key)? else { return Ok(None) };
        let version = sealed_number("requests", &key, &row)?;
        let event = self.event(key_id, version)?.event;
        if event.request.is_none_or(|stamp| stamp.id != request) {
            let told = format!("event {version} of {key_id} is of another request");
            return Err(RowError::Inconsistent(told));
        }
        Ok(Some(event))
    }

    pub(in crate::storage) fn history(
        &self,
        key_id: KeyId,
        span: Span,
    ) -> Result<Vec<Recorded>, RowError> {
        // Versions begin at 1, so 0 and the largest number lie outside on both sides.
        let (from, to) = match (span.after, span.descending) {
            (None, _) => (0, u64::MAX),
            (Some(version), false) => (version.saturating_add(1), u64::MAX),
            (Some(version), true) => (0, version),
        };
        let rows = self.events.range(numbered(key_id, from)..numbered(key_id, to));
        let read = |row: sled::Result<(sled::IVec, sled::IVec)>| {
            let (key, row) = row?;
            recorded(&key, &row)
        };
        match span.descending {
            false => rows.take(span.most).map(read).collect(),
            true => rows.rev().take(span.most).map(read).collect(),
        }
    }

    /// Writes sightings as one transaction.
    pub(in crate::storage) fn write_seen(&self, sightings: &Sightings) -> Result<(), sled::Error> {
        let mut batch = sled::Batch::default();
        for ((key_id, activation), time_ms) in sightings {
            batch.insert([key_id.0, activation.0].concat(), &time_ms.to_be_bytes());
        }
        self.seen.apply_batch(batch)
    }

    pub(in crate::storage) fn last_seen(
        &self,
        key_id: KeyId,
        activation: ActivationId,
    ) -> Result<Option<i64>, RowError> {
        let row = self.seen.get([key_id.0, activation.0].concat())?;
        row.map(|row| number("seen", &row).map(u64::cast_signed)).transpose()
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

fn recorded(key: &[u8], row: &[u8]) -> Result<Recorded, RowError> {
    let payload = unseal(key, row).map_err(malformed("events"))?;
    let cut = || malformed("events")(Malformed("cut short"));
    let (sequence, event) = payload.split_at_checked(SEQUENCE_BYTES).ok_or_else(cut)?;
    let event = decode_event(event).map_err(malformed("events"))?;
    if numbered(event.key_id, event.version) != key {
        return Err(RowError::Inconsistent("an event lies under another key".to_owned()));
    }
    Ok(Recorded { sequence: number("events", sequence)?, event: Arc::new(event) })
}
