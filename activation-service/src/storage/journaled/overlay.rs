//! What readers look at before the books: the accounts in memory, the events that are durable in
//! the journal and not yet applied to sled, and who waits for an account.
//!
//! An account with events that are not applied is pinned here whole, so a reader needs nothing of
//! sled for it.

use std::collections::{HashMap, VecDeque};
use std::mem::size_of;
use std::sync::Arc;

use super::accounts::{Accounts, Tracked};
use super::loads::Loads;
use super::weight;
use crate::domain::event::Event;
use crate::domain::ids::{KeyId, RequestId};
use crate::mutants::{self, Mutant};
use crate::ports::{Change, Loaded, Recorded};
use crate::storage::journal::Location;
use crate::storage::memory::new_lookups;
use crate::storage::rows::{Entry, Posting};

/// What an event takes here beside itself: its place in the history, its request's in a table, and
/// the copy of a count that waits for sled.
const UNAPPLIED_BYTES: usize = size_of::<Unapplied>() * 2
    + (size_of::<(KeyId, RequestId)>() + size_of::<Arc<Event>>()) * 2
    + size_of::<Posting>()
    + size_of::<crate::domain::account::Count>();

/// What readers look at first.
pub(super) struct Overlay {
    pub(super) accounts: Accounts,
    pub(super) loads: Loads,
    /// The events of a key that are not applied, oldest first; their versions have no gap.
    events: HashMap<KeyId, VecDeque<Unapplied>>,
    requests: HashMap<(KeyId, RequestId), Arc<Event>>,
    events_bytes: usize,
    /// Position of the last durable event.
    durable: u64,
    /// Position of the last event that is applied.
    applied: u64,
}

struct Unapplied {
    sequence: u64,
    location: Location,
    event: Arc<Event>,
}

/// What is here of an account and a request.
pub(super) enum AtHand {
    /// All that was asked for.
    Whole(Loaded),
    /// The account; whether this request is recorded, the books know.
    Account(Loaded, RequestId),
    /// Nothing: it is not here, or there is no such account.
    Nothing,
}

impl Overlay {
    /// Of a ledger whose events are all applied up to `applied`.
    pub(super) fn new(kept_bytes_max: usize, applied: u64) -> Self {
        Self {
            accounts: Accounts::new(kept_bytes_max),
            loads: Loads::default(),
            events: HashMap::new(),
            requests: HashMap::new(),
            events_bytes: 0,
            durable: applied,
            applied,
        }
    }

    /// Position of the last durable event.
    pub(super) const fn durable(&self) -> u64 {
        self.durable
    }

    /// Position of the last event that is applied.
    pub(super) const fn applied(&self) -> u64 {
        self.applied
    }

    /// Notes that the books hold all up to this position. What waits for that is let go of by who
    /// applies it.
    pub(super) fn applied_to(&mut self, position: u64) {
        self.applied = self.applied.max(position);
    }

    /// How many events are not applied.
    pub(super) const fn lag(&self) -> u64 {
        self.durable.saturating_sub(self.applied)
    }

    /// Bytes that cannot leave before more is applied.
    pub(super) const fn pinned_bytes(&self) -> usize {
        self.accounts.pinned_bytes() + self.events_bytes
    }

    /// By how much a change would let the pinned bytes grow.
    pub(super) fn growth(&self, change: &Change) -> usize {
        let events: usize = change.events.iter().map(bytes).sum();
        self.accounts.growth(&change.account, &change.events) + events
    }

    /// Takes in a durable change, whose first event has the position `first`, in the frame there;
    /// gives what is to be applied of it.
    pub(super) fn add(&mut self, change: Change, first: u64, location: Location) -> Posting {
        let key_id = change.account.head.key_id;
        if !new_lookups(&change.events).is_empty() {
            self.loads.digests_added();
        }
        let account = Arc::clone(&change.account);
        let posting = Posting::from(change);
        let history = self.events.entry(key_id).or_default();
        for (event, sequence) in posting.events.iter().zip(first..) {
            if let Some(request) = event.request {
                self.requests.insert((key_id, request.id), Arc::clone(event));
            }
            self.events_bytes += bytes(event);
            self.durable = sequence;
            history.push_back(Unapplied { sequence, location, event: Arc::clone(event) });
        }
        self.accounts.pin(&account, &posting.events, self.durable);
        posting
    }

    /// Lets go of what is applied now, of one key up to the position `last`.
    pub(super) fn remove(&mut self, posting: &Posting, last: u64) {
        let key_id = posting.key_id;
        if let Some(history) = self.events.get_mut(&key_id) {
            while history.front().is_some_and(|unapplied| unapplied.sequence <= last) {
                let Some(Unapplied { event, .. }) = history.pop_front() else { break };
                self.events_bytes -= bytes(&event);
                if let Some(request) = event.request {
                    self.requests.remove(&(key_id, request.id));
                }
            }
            if history.is_empty() {
                self.events.remove(&key_id);
            }
        }
        self.applied = self.applied.max(last);
        self.accounts.unpin(key_id, last);
    }

    /// Shows on the page of figures what waits and what is kept.
    #[expect(clippy::cast_precision_loss, reason = "figures are approximate")]
    pub(super) fn show(&self) {
        metrics::gauge!("activation_ledger_pinned_bytes").set(self.pinned_bytes() as f64);
        let kept = self.accounts.kept_bytes();
        metrics::gauge!("activation_ledger_account_cache_bytes").set(kept as f64);
        metrics::gauge!("activation_ledger_unapplied_events").set(self.lag() as f64);
    }

    /// What is here of an account, and of the event that recorded a request.
    pub(super) fn look(&self, key_id: KeyId, request: Option<RequestId>) -> AtHand {
        let Some(resident) = self.accounts.get(key_id) else { return AtHand::Nothing };
        let account = Arc::clone(resident.account());
        let loaded = |recorded| Loaded { account, recorded, as_of_sequence: self.durable };
        let request = request.filter(|_| !mutants::is_on(Mutant::NoRequestId));
        let is_new = |request: &RequestId| resident.tracked(*request) == Tracked::Unrecorded;
        let Some(request) = request.filter(|request| !is_new(request)) else {
            return AtHand::Whole(loaded(None));
        };
        match self.requests.get(&(key_id, request)) {
            Some(event) => AtHand::Whole(loaded(Some(Arc::clone(event)))),
            None => AtHand::Account(loaded(None), request),
        }
    }

    /// The event that recorded a request, if it is not applied yet.
    pub(super) fn recorded(&self, key_id: KeyId, request: RequestId) -> Option<Arc<Event>> {
        self.requests.get(&(key_id, request)).cloned()
    }

    /// The event that recorded a request after version `after`, if all events since then are here.
    pub(super) fn recorded_since(
        &self,
        key_id: KeyId,
        request: RequestId,
        after: u64,
    ) -> Option<Option<Arc<Event>>> {
        let oldest = self.events.get(&key_id)?.front()?.event.version;
        let is_whole = oldest <= after + 1 && !mutants::is_on(Mutant::NoRequestId);
        is_whole.then(|| self.recorded(key_id, request))
    }

    /// Where an event lies that is not applied yet.
    pub(super) fn entry(&self, key_id: KeyId, version: u64) -> Option<Entry> {
        let history = self.events.get(&key_id)?;
        let place = version.checked_sub(history.front()?.event.version)?;
        let Unapplied { sequence, location, event } = history.get(usize::try_from(place).ok()?)?;
        let request = event.request.map(|request| request.id);
        Some(Entry { key_id, version, sequence: *sequence, location: *location, request })
    }

    /// The events of a key that wait, oldest first.
    pub(super) fn history(&self, key_id: KeyId) -> Vec<Recorded> {
        let recorded = |unapplied: &Unapplied| {
            let (sequence, event) = (unapplied.sequence, Arc::clone(&unapplied.event));
            Recorded { sequence, event }
        };
        self.events.get(&key_id).map(|h| h.iter().map(recorded).collect()).unwrap_or_default()
    }
}

/// Bytes that an event takes until it is applied.
fn bytes(event: &Event) -> usize {
    UNAPPLIED_BYTES + weight::event(event)
}
