//! The rows that some changes make, written together.

use std::sync::Arc;

use super::event::{self, Standing};
use super::{Entry, HEAD_KEY, SEQUENCE_KEY, key};
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
    /// The key.
    pub(in crate::storage) key_id: KeyId,
    /// The events, at least one.
    pub(in crate::storage) events: Vec<Arc<Event>>,
    /// The counts that the events made or changed, as they are after them, by number.
    counts: Vec<Count>,
    /// The key after the events.
    after: After,
}

enum After {
    /// Its terms may have changed.
    Head(Box<Head>),
    Standing(Standing),
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
        let head = &account.head;
        let after = if events.iter().any(event::changes_terms) {
            After::Head(Box::new(head.clone()))
        } else {
            After::Standing(Standing::of(head))
        };
        let key_id = head.key_id;
        let events = events.into_iter().map(Arc::new).collect();
        Self { key_id, events, counts, after }
    }
}

impl Posting {
    /// The count that an event of these made.
    fn made_by(&self, version: u64) -> Option<&Count> {
        let place = self.counts.binary_search_by_key(&version, |count| count.number).ok()?;
        self.counts.get(place)
    }

    /// The counts that earlier events made.
    fn earlier(&self) -> impl Iterator<Item = &Count> {
        let first = self.events.first().map_or(0, |event| event.version);
        self.counts.iter().filter(move |count| count.number < first)
    }
}

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

    /// The rows of one change, whose events lie in the frame there, the last one with the position
    /// `sequence`.
    pub(in crate::storage) fn of(posting: &Posting, sequence: u64, at: Location) -> Self {
        let mut set = Self::default();
        let (key_id, events) = (posting.key_id, &posting.events);
        let first = sequence + 1 - events.len() as u64;
        for (event, position) in events.iter().zip(first..) {
            let (version, request) = (event.version, event.request.map(|request| request.id));
            let entry = Entry { key_id, version, sequence: position, location: at, request };
            let standing = match posting.after {
                After::Standing(standing) if position == sequence => Some(standing),
                After::Standing(_) | After::Head(_) => None,
            };
            set.put_event(&entry, standing, posting.made_by(version));
        }
        for count in posting.earlier() {
            let key = key::count(key_id, count.number);
            let value = seal(&key, encode_count(count));
            set.put(Tree::Accounts, key, value);
        }
        set.put_lookups(key_id, new_lookups(events.iter().map(AsRef::as_ref)));
        if let After::Head(head) = &posting.after {
            set.put_head(head);
        }
        set
    }

    /// The head of an account, and what it is found by.
    pub(in crate::storage) fn of_head(head: &Head) -> Self {
        let mut set = Self::default();
        set.put_lookups(head.key_id, head.lookups.iter().copied());
        set.put_head(head);
        set
    }

    /// An event of an account whose head says what it is after all its events, and the count that
    /// the event made, as it is after them.
    pub(in crate::storage) fn of_event(entry: &Entry, count: Option<&Count>) -> Self {
        let mut set = Self::default();
        set.put_event(entry, None, count);
        set
    }

    fn put_event(&mut self, entry: &Entry, standing: Option<Standing>, count: Option<&Count>) {
        let key = key::event(entry.key_id, entry.version);
        let value = seal(&key, event::encode(entry, standing, count));
        self.put(Tree::Accounts, key, value);
    }

    fn put_lookups(&mut self, key_id: KeyId, lookups: impl IntoIterator<Item = LookupDigest>) {
        for lookup in lookups {
            let key = key::lookup(&lookup);
            let value = seal(&key, key_id.0.to_vec());
            self.put(Tree::Lookups, key, value);
        }
    }

    /// Takes in later rows. Of those under one key the last is the one that stays.
    pub(in crate::storage) fn append(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.rows.extend(other.rows);
    }

    fn put_head(&mut self, head: &Head) {
        let key = key::head(head.key_id);
        let value = seal(&key, encode_head(head));
        self.put(Tree::Accounts, key, value);
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
