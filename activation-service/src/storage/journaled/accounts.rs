//! The accounts in memory. Those with events that are not applied yet are pinned; others stay for
//! as long as there is room, and the ones that are used stay longer.
//!
//! Whatever is here contains every durable event of its key: the writer puts each new state in
//! before anybody is told of it, and what was read from the books is taken in only if no newer
//! state came while it was read.

use std::collections::{HashMap, VecDeque};
use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::weight;
use crate::domain::account::Account;
use crate::domain::event::{Body, Event};
use crate::domain::ids::{KeyId, RequestId};
use crate::domain::product_key::LookupDigest;
use crate::mutants::{Mutant, is_on};

/// What a place in a hash table takes beside the value, at the emptiest.
const TABLE_FACTOR: usize = 2;

/// The accounts in memory.
pub(super) struct Accounts {
    residents: HashMap<KeyId, Resident>,
    /// Whose the look-up digests of the residents are.
    owners: HashMap<LookupDigest, KeyId>,
    /// The loads under way that nothing newer overtook.
    loads: HashMap<KeyId, Ticket>,
    tickets: u64,
    /// Who may leave, the longest here first; a pinned one may be among them.
    leaving: VecDeque<KeyId>,
    /// Accounts that may leave, and their bytes.
    kept: usize,
    kept_bytes: usize,
    kept_bytes_max: usize,
    pinned_bytes: usize,
}

/// A load of one account from the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// What was read of a key from the books.
#[derive(Clone)]
pub(super) struct Fetched {
    pub(super) account: Arc<Account>,
    pub(super) requests: Requests,
}

/// The requests that an account recorded, and the versions of their events.
#[derive(Clone, Default)]
pub(super) struct Requests(HashMap<RequestId, u64>);

/// Where the event is that recorded a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tracked {
    /// Nowhere: the account did not record it.
    Unrecorded,
    /// The event with this version.
    At(u64),
    /// Only the books know.
    Unknown,
}

/// An account in memory.
pub(super) struct Resident {
    account: Arc<Account>,
    /// None if the account came without them.
    requests: Option<Requests>,
    counts_bytes: usize,
    /// All that it takes.
    bytes: usize,
    /// Position of its last event, if that is not applied.
    pinned_to: Option<u64>,
    is_queued: bool,
    /// Since it was last its turn to leave.
    is_used: AtomicBool,
}

impl Requests {
    pub(super) fn insert(&mut self, request: RequestId, version: u64) {
        self.0.insert(request, version);
    }

    fn bytes(&self) -> usize {
        // The table is never fuller than seven eighths, and has a byte for each place beside it.
        self.0.capacity() * (size_of::<(RequestId, u64)>() + 1) * 8 / 7
    }
}

impl Resident {
    const fn new(account: Arc<Account>, requests: Option<Requests>, counts_bytes: usize) -> Self {
        let (bytes, pinned_to, is_queued) = (0, None, false);
        let is_used = AtomicBool::new(false);
        Self { account, requests, counts_bytes, bytes, pinned_to, is_queued, is_used }
    }

    pub(super) const fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Where the event is that recorded a request.
    pub(super) fn tracked(&self, request: RequestId) -> Tracked {
        let version = |requests: &Requests| requests.0.get(&request).copied();
        match &self.requests {
            Some(requests) => version(requests).map_or(Tracked::Unrecorded, Tracked::At),
            None => Tracked::Unknown,
        }
    }

    fn weigh(&self) -> usize {
        let place = (size_of::<Self>() + size_of::<KeyId>()) * TABLE_FACTOR + size_of::<KeyId>();
        let owner = (size_of::<LookupDigest>() + size_of::<KeyId>()) * TABLE_FACTOR;
        let head = &self.account.head;
        let requests = self.requests.as_ref().map_or(0, Requests::bytes);
        let owners = head.lookups.len() * owner;
        place + owners + requests + weight::head(head) + self.counts_bytes
    }
}

impl Accounts {
    pub(super) fn new(kept_bytes_max: usize) -> Self {
        Self {
            residents: HashMap::new(),
            owners: HashMap::new(),
            loads: HashMap::new(),
            tickets: 0,
            leaving: VecDeque::new(),
            kept: 0,
            kept_bytes: 0,
            kept_bytes_max,
            pinned_bytes: 0,
        }
    }

    pub(super) fn get(&self, key_id: KeyId) -> Option<&Resident> {
        let resident = self.residents.get(&key_id)?;
        resident.is_used.store(true, Ordering::Relaxed);
        Some(resident)
    }

    pub(super) fn owner_of(&self, lookup: &LookupDigest) -> Option<KeyId> {
        self.owners.get(lookup).copied()
    }

    /// Bytes of accounts that may leave.
    pub(super) const fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    /// Bytes of accounts that must stay.
    pub(super) const fn pinned_bytes(&self) -> usize {
        self.pinned_bytes
    }

    /// By how much the pinned bytes would grow if the account got this state by these events.
    pub(super) fn growth(&self, account: &Account, events: &[Event]) -> usize {
        match self.residents.get(&account.head.key_id) {
            Some(resident) if resident.pinned_to.is_some() => counted(events),
            Some(resident) => resident.bytes + counted(events),
            None => weight::account(account),
        }
    }

    /// Begins to load an account that is not here; a load that is under way loses its ticket.
    pub(super) fn begin(&mut self, key_id: KeyId) -> Ticket {
        self.tickets += 1;
        self.loads.insert(key_id, Ticket(self.tickets));
        Ticket(self.tickets)
    }

    /// Takes in what was read, unless something newer came meanwhile: then it is false, and what
    /// was read is worth nothing.
    pub(super) fn keep(&mut self, key_id: KeyId, ticket: Ticket, fetched: Option<Fetched>) -> bool {
        if self.loads.get(&key_id) != Some(&ticket) {
            return false;
        }
        self.loads.remove(&key_id);
        if let Some(Fetched { account, requests }) = fetched {
            let counts_bytes = weight::counts(&account);
            self.settle(key_id, Resident::new(account, Some(requests), counts_bytes));
        }
        true
    }

    /// Takes in the newest state of an account, whose last event has the position `last` and is
    /// not applied.
    pub(super) fn pin(&mut self, account: &Arc<Account>, events: &[Arc<Event>], last: u64) {
        let key_id = account.head.key_id;
        self.loads.remove(&key_id);
        let before = self.take(key_id);
        if is_on(Mutant::EvictWithoutPin) && before.as_ref().is_some_and(|b| b.pinned_to.is_none())
        {
            return;
        }
        let mut resident = match before {
            Some(before) => {
                let counts_bytes = before.counts_bytes + counted(events.iter().map(AsRef::as_ref));
                Resident { account: Arc::clone(account), counts_bytes, ..before }
            }
            None => {
                let is_new = account.head.version == events.len() as u64;
                let requests = is_new.then(Requests::default);
                Resident::new(Arc::clone(account), requests, weight::counts(account))
            }
        };
        if let Some(requests) = &mut resident.requests {
            for event in events {
                if let Some(request) = event.request {
                    requests.insert(request.id, event.version);
                }
            }
        }
        resident.pinned_to = Some(last);
        self.settle(key_id, resident);
    }

    /// Lets an account go if all its events up to `last` are all it has; it stays while there is
    /// room.
    pub(super) fn unpin(&mut self, key_id: KeyId, last: u64) {
        let is_applied = |resident: &Resident| resident.pinned_to.is_some_and(|to| to <= last);
        if !self.residents.get(&key_id).is_some_and(is_applied) {
            return;
        }
        let Some(mut resident) = self.take(key_id) else { return };
        resident.pinned_to = None;
        if resident.requests.is_some() {
            self.settle(key_id, resident);
            self.make_room();
        } else {
            // The next load brings the requests as well.
            self.disown(&resident);
        }
    }

    /// Forgets what rests on books that are doubted. What has events behind `applied`, up to which
    /// new books hold all, stays; which requests it recorded, those books know.
    pub(super) fn forget_what_was_read(&mut self, applied: u64) {
        self.loads.clear();
        for key_id in self.residents.keys().copied().collect::<Vec<_>>() {
            let Some(mut resident) = self.take(key_id) else { continue };
            if resident.pinned_to.is_some_and(|last| last > applied) {
                resident.requests = None;
                self.settle(key_id, resident);
            } else {
                self.disown(&resident);
            }
        }
    }

    /// Sends away what there is no room for. Where there is any room the last one stays: a key with
    /// more computers than that would else be loaded anew for every batch of those who ask for it.
    pub(super) fn make_room(&mut self) {
        let staying = usize::from(self.kept_bytes_max > 0);
        while self.kept_bytes > self.kept_bytes_max && self.kept > staying {
            let Some(key_id) = self.leaving.pop_front() else { return };
            let Some(resident) = self.residents.get_mut(&key_id) else { continue };
            if resident.pinned_to.is_some() {
                // It comes back to the queue when its events are applied.
                resident.is_queued = false;
            } else if std::mem::take(resident.is_used.get_mut()) {
                self.leaving.push_back(key_id);
            } else if let Some(resident) = self.take(key_id) {
                self.disown(&resident);
            }
        }
    }

    /// Puts an account into its place.
    fn settle(&mut self, key_id: KeyId, mut resident: Resident) {
        resident.bytes = resident.weigh();
        if resident.pinned_to.is_some() {
            self.pinned_bytes += resident.bytes;
        } else {
            self.kept += 1;
            self.kept_bytes += resident.bytes;
            if !resident.is_queued {
                resident.is_queued = true;
                self.leaving.push_back(key_id);
            }
        }
        for lookup in &resident.account.head.lookups {
            self.owners.insert(*lookup, key_id);
        }
        self.residents.insert(key_id, resident);
    }

    /// Takes an account out of its place; what finds it stays.
    fn take(&mut self, key_id: KeyId) -> Option<Resident> {
        let resident = self.residents.remove(&key_id)?;
        if resident.pinned_to.is_some() {
            self.pinned_bytes -= resident.bytes;
        } else {
            self.kept -= 1;
            self.kept_bytes -= resident.bytes;
        }
        Some(resident)
    }

    /// An account that is gone is not found by its digests.
    fn disown(&mut self, resident: &Resident) {
        for lookup in &resident.account.head.lookups {
            self.owners.remove(lookup);
        }
    }
}

/// Bytes of the counts that some events make or let grow.
fn counted<'a>(events: impl IntoIterator<Item = &'a Event>) -> usize {
    let of = |event: &Event| match &event.body {
        Body::Activated(activated) if activated.outcome.is_counted() => {
            weight::count(&activated.evidence)
        }
        Body::Activated(activated) => weight::growth(&activated.evidence),
        _ => 0,
    };
    events.into_iter().map(of).sum()
}

#[cfg(test)]
mod tests;
