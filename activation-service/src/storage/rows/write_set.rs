//! The rows that some changes make, written together.

use super::{HEAD_KEY, SEQUENCE_KEY, lookup_key, numbered};
use crate::domain::event::{Body, Event};
use crate::ports::Change;
use crate::storage::codec::{encode_count, encode_event, encode_head, seal};
use crate::storage::journal::Location;
use crate::storage::memory::new_lookups;
use crate::storage::store::{Row, Tree};

/// The rows of some changes, written in one transaction.
#[derive(Default)]
pub(in crate::storage) struct WriteSet {
    rows: Vec<Row>,
    bytes: usize,
}

impl WriteSet {
    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(in crate::storage) fn operations(&self) -> usize {
        self.rows.len()
    }

    pub(in crate::storage) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn put(&mut self, tree: Tree, key: Vec<u8>, value: Vec<u8>) {
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
                set.put(Tree::Counts, key, value);
            }
        }
        for lookup in new_lookups(&change.events) {
            let key = lookup_key(&lookup);
            let value = seal(&key, key_id.0.to_vec());
            set.put(Tree::Lookups, key, value);
        }
        let key = key_id.0.to_vec();
        let value = seal(&key, encode_head(&account.head));
        set.put(Tree::Keys, key, value);
        set
    }

    pub(in crate::storage) fn append(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.rows.extend(other.rows);
    }

    /// Makes the whole set end with the position it brings the ledger to.
    pub(in crate::storage) fn close(&mut self, sequence: u64) {
        let value = seal(SEQUENCE_KEY, sequence.to_be_bytes().to_vec());
        self.put(Tree::Meta, SEQUENCE_KEY.to_vec(), value);
    }

    /// Notes where the frame lies that holds the events of a change.
    pub(in crate::storage) fn place(&mut self, change: &Change, location: Location) {
        for event in &change.events {
            let key = numbered(event.key_id, event.version);
            let segment = location.segment.to_be_bytes();
            let value = [&segment[..], &location.offset.to_be_bytes()[..]].concat();
            let value = seal(&key, value);
            self.put(Tree::Places, key, value);
        }
    }

    /// Makes the whole set end with the position, and the hash of the last head that is wholly
    /// applied there.
    pub(in crate::storage) fn close_at(&mut self, sequence: u64, head: &[u8; 32]) {
        self.close(sequence);
        let value = seal(HEAD_KEY, head.to_vec());
        self.put(Tree::Meta, HEAD_KEY.to_vec(), value);
    }

    fn put_event(&mut self, event: &Event, sequence: u64) {
        let key = numbered(event.key_id, event.version);
        let mut payload = sequence.to_be_bytes().to_vec();
        payload.extend(encode_event(event));
        let value = seal(&key, payload);
        self.put(Tree::Events, key, value);
        if let Some(request) = event.request {
            let key = [event.key_id.0, request.id.0].concat();
            let value = seal(&key, event.version.to_be_bytes().to_vec());
            self.put(Tree::Requests, key, value);
        }
    }
}
