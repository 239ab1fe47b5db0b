//! The rows that some changes make, written together.

use std::collections::HashMap;
use std::sync::Arc;

use super::key::{self, RowOf};
use super::{Entry, HEAD_KEY, SEQUENCE_KEY};
use crate::domain::account::{Count, Head};
use crate::domain::event::{Body, Event};
use crate::domain::ids::KeyId;
use crate::domain::product_key::LookupDigest;
use crate::ports::Change;
use crate::storage::codec::{encode_count, encode_head, seal};
use crate::storage::journal::Location;
use crate::storage::memory::new_lookups;
use crate::storage::store::{Row, Tree};

/// What a change leaves in the rows. It keeps no hold of the account, of which there are many
/// versions while changes wait to be written.
pub(in crate::storage) struct Posting {
    /// The key after the events.
    pub(in crate::storage) head: Head,
    /// The counts that the events made or changed, as they are after them.
    pub(in crate::storage) counts: Vec<Count>,
    /// The events, at least one.
    pub(in crate::storage) events: Vec<Arc<Event>>,
}

impl From<Change> for Posting {
    fn from(change: Change) -> Self {
        let Change { events, account, .. } = change;
        let number = |event: &Event| match &event.body {
            Body::Activated(activated) => Some(activated.count),
            Body::Released(released) => Some(released.count),
            Body::Registered { .. } | Body::Updated { .. } | Body::Refused { .. } => None,
        };
        let mut numbers: Vec<u64> = events.iter().filter_map(number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let counts = numbers.into_iter().filter_map(|number| account.counts.numbered(number));
        let counts = counts.cloned().collect();
        let events = events.into_iter().map(Arc::new).collect();
        Self { head: account.head.clone(), counts, events }
    }
}

/// The rows of some changes, written in one transaction.
#[derive(Default)]
pub(in crate::storage) struct WriteSet {
    rows: Vec<Row>,
    bytes: usize,
    /// Which row is the head of a key; a later one takes its place.
    heads: HashMap<KeyId, usize>,
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

    /// The rows of one change, whose events lie in the frame there, the last one with the position
    /// `sequence`.
    pub(in crate::storage) fn of(posting: &Posting, sequence: u64, at: Location) -> Self {
        let mut set = Self::default();
        let Posting { head, counts, events } = posting;
        let key_id = head.key_id;
        let first = sequence + 1 - events.len() as u64;
        for (event, sequence) in events.iter().zip(first..) {
            let (version, request) = (event.version, event.request.map(|request| request.id));
            set.put_entry(&Entry { key_id, version, sequence, location: at, request });
        }
        for count in counts {
            set.put_count(key_id, count);
        }
        set.put_lookups(key_id, new_lookups(events.iter().map(AsRef::as_ref)));
        let value = seal(&key::head(key_id), encode_head(head));
        set.put_head(key_id, value);
        set
    }

    /// The head of an account, and what it is found by.
    pub(in crate::storage) fn of_head(head: &Head) -> Self {
        let mut set = Self::default();
        set.put_lookups(head.key_id, head.lookups.iter().copied());
        set.put_head(head.key_id, seal(&key::head(head.key_id), encode_head(head)));
        set
    }

    /// A count of a key.
    pub(in crate::storage) fn of_count(key_id: KeyId, count: &Count) -> Self {
        let mut set = Self::default();
        set.put_count(key_id, count);
        set
    }

    /// What is noted of an event.
    pub(in crate::storage) fn of_entry(entry: &Entry) -> Self {
        let mut set = Self::default();
        set.put_entry(entry);
        set
    }

    fn put_entry(&mut self, entry: &Entry) {
        let key = key::event(entry.key_id, entry.version);
        let value = seal(&key, entry.encode());
        self.put(Tree::Accounts, key, value);
    }

    fn put_count(&mut self, key_id: KeyId, count: &Count) {
        let key = key::count(key_id, count.number);
        let value = seal(&key, encode_count(count));
        self.put(Tree::Accounts, key, value);
    }

    fn put_lookups(&mut self, key_id: KeyId, lookups: impl IntoIterator<Item = LookupDigest>) {
        for lookup in lookups {
            let key = key::lookup(&lookup);
            let value = seal(&key, key_id.0.to_vec());
            self.put(Tree::Lookups, key, value);
        }
    }

    /// Takes in later rows. Of the heads of a key the last one stays, so a key that many ask for
    /// costs one head a group.
    pub(in crate::storage) fn append(&mut self, other: Self) {
        for row in other.rows {
            match (row.tree, key::read(&row.key)) {
                (Tree::Accounts, Ok((key_id, RowOf::Head))) => self.put_head(key_id, row.value),
                _ => self.put(row.tree, row.key, row.value),
            }
        }
    }

    fn put_head(&mut self, key_id: KeyId, value: Vec<u8>) {
        let earlier = self.heads.get(&key_id).and_then(|place| self.rows.get_mut(*place));
        if let Some(row) = earlier {
            self.bytes = self.bytes + value.len() - row.value.len();
            row.value = value;
            return;
        }
        self.heads.insert(key_id, self.rows.len());
        self.put(Tree::Accounts, key::head(key_id), value);
    }

    /// Makes the whole set end with the position, and the hash of the last head that is wholly
    /// applied there.
    pub(in crate::storage) fn close_at(&mut self, sequence: u64, head: &[u8; 32]) {
        let value = seal(SEQUENCE_KEY, sequence.to_be_bytes().to_vec());
        self.put(Tree::Meta, SEQUENCE_KEY.to_vec(), value);
        let value = seal(HEAD_KEY, head.to_vec());
        self.put(Tree::Meta, HEAD_KEY.to_vec(), value);
    }
}
