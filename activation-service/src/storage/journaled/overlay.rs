//! What is durable in the journal and not yet applied to sled; every reader looks here first.
//!
//! An account with events that are not applied is pinned here whole, so a reader needs nothing of
//! sled for it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::domain::account::Account;
use crate::domain::event::Event;
use crate::domain::ids::{KeyId, RequestId};
use crate::domain::product_key::LookupDigest;
use crate::ports::{Change, Recorded};
use crate::storage::journal::Location;
use crate::storage::memory::new_lookups;

/// The events that wait to be applied.
#[derive(Default)]
pub(super) struct Overlay {
    accounts: HashMap<KeyId, Pinned>,
    requests: HashMap<(KeyId, RequestId), Arc<Event>>,
    lookups: HashMap<LookupDigest, KeyId>,
    histories: HashMap<KeyId, VecDeque<Recorded>>,
    places: HashMap<(KeyId, u64), Location>,
}

struct Pinned {
    account: Arc<Account>,
    last_sequence: u64,
}

impl Overlay {
    /// Takes in a durable change, whose first event has the position `first`, in the frame there.
    pub(super) fn add(&mut self, change: &Change, first: u64, location: Location) {
        let key_id = change.account.head.key_id;
        for lookup in new_lookups(&change.events) {
            self.lookups.insert(lookup, key_id);
        }
        let history = self.histories.entry(key_id).or_default();
        let mut last_sequence = first;
        for (event, sequence) in change.events.iter().zip(first..) {
            let event = Arc::new(event.clone());
            if let Some(request) = event.request {
                self.requests.insert((key_id, request.id), Arc::clone(&event));
            }
            self.places.insert((key_id, event.version), location);
            history.push_back(Recorded { sequence, event });
            last_sequence = sequence;
        }
        let account = Arc::clone(&change.account);
        self.accounts.insert(key_id, Pinned { account, last_sequence });
    }

    /// Lets go of a change that is applied now.
    pub(super) fn remove(&mut self, change: &Change, last: u64) {
        let key_id = change.account.head.key_id;
        for lookup in new_lookups(&change.events) {
            self.lookups.remove(&lookup);
        }
        for event in &change.events {
            self.places.remove(&(key_id, event.version));
            if let Some(request) = event.request {
                self.requests.remove(&(key_id, request.id));
            }
        }
        if let Some(history) = self.histories.get_mut(&key_id) {
            while history.front().is_some_and(|recorded| recorded.sequence <= last) {
                history.pop_front();
            }
            if history.is_empty() {
                self.histories.remove(&key_id);
            }
        }
        if self.accounts.get(&key_id).is_some_and(|pinned| pinned.last_sequence <= last) {
            self.accounts.remove(&key_id);
        }
    }

    pub(super) fn account(&self, key_id: KeyId) -> Option<Arc<Account>> {
        self.accounts.get(&key_id).map(|pinned| Arc::clone(&pinned.account))
    }

    pub(super) fn owner_of(&self, lookup: &LookupDigest) -> Option<KeyId> {
        self.lookups.get(lookup).copied()
    }

    pub(super) fn recorded(&self, key_id: KeyId, request: RequestId) -> Option<Arc<Event>> {
        self.requests.get(&(key_id, request)).cloned()
    }

    pub(super) fn place_of(&self, key_id: KeyId, version: u64) -> Option<Location> {
        self.places.get(&(key_id, version)).copied()
    }

    /// The events of a key that wait, oldest first.
    pub(super) fn history(&self, key_id: KeyId) -> Vec<Recorded> {
        self.histories.get(&key_id).map(|h| h.iter().cloned().collect()).unwrap_or_default()
    }
}
