//! The reference engine: everything in memory, nothing kept. Every other engine must look like it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::domain::account::{Account, Head};
use crate::domain::event::{Body, Change as FieldChange, Event};
use crate::domain::ids::{ActivationId, KeyId, RequestId};
use crate::domain::product_key::LookupDigest;
use crate::ports::{Change, Committed, KeyRef, Ledger, LedgerError, Loaded, Recorded, Span};

/// The only chain of an engine that nobody shares.
pub(crate) const CHAIN_ID: [u8; 16] = [0; 16];

/// A ledger that lives as long as the process.
#[derive(Default)]
pub struct MemoryLedger {
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    sequence: u64,
    accounts: HashMap<KeyId, Arc<Account>>,
    lookups: HashMap<LookupDigest, KeyId>,
    requests: HashMap<(KeyId, RequestId), Arc<Event>>,
    histories: HashMap<KeyId, Vec<Recorded>>,
    seen: HashMap<(KeyId, ActivationId), i64>,
}

impl MemoryLedger {
    fn books(&self) -> MutexGuard<'_, Books> {
        // A panic elsewhere cannot leave the books half written: each change is inserted after all
        // checks.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The look-up digests that events make known.
pub(crate) fn new_lookups<'e>(events: impl IntoIterator<Item = &'e Event>) -> Vec<LookupDigest> {
    let of = |event: &Event| match &event.body {
        Body::Registered { lookup, .. } => vec![*lookup],
        Body::Updated { changes } => changes.iter().filter_map(lookup_of).collect(),
        Body::Activated(_) | Body::Released(_) | Body::Refused { .. } => Vec::new(),
    };
    events.into_iter().flat_map(of).collect()
}

const fn lookup_of(change: &FieldChange) -> Option<LookupDigest> {
    match change {
        FieldChange::Lookup(lookup) => Some(*lookup),
        _ => None,
    }
}

impl Books {
    fn commit(&mut self, change: Change) -> Committed {
        let key_id = change.account.head.key_id;
        let version = self.accounts.get(&key_id).map_or(0, |a| a.head.version);
        let lookups = new_lookups(&change.events);
        let taken = |lookup| self.lookups.get(lookup).is_some_and(|owner| *owner != key_id);
        if version != change.expected_version || lookups.iter().any(taken) {
            return Committed::Conflict;
        }
        self.lookups.extend(lookups.into_iter().map(|lookup| (lookup, key_id)));
        for event in change.events {
            self.sequence += 1;
            let event = Arc::new(event);
            if let Some(request) = event.request {
                self.requests.insert((key_id, request.id), Arc::clone(&event));
            }
            let recorded = Recorded { sequence: self.sequence, event };
            self.histories.entry(key_id).or_default().push(recorded);
        }
        let account_version = change.account.head.version;
        self.accounts.insert(key_id, change.account);
        let sequence = self.sequence;
        let proofs = Vec::new();
        Committed::Committed { chain_id: CHAIN_ID, sequence, account_version, proofs }
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn load(
        &self,
        key: KeyRef,
        request: Option<RequestId>,
    ) -> Result<Option<Loaded>, LedgerError> {
        let books = self.books();
        let key_id = match key {
            KeyRef::Id(id) => Some(id),
            KeyRef::Lookup(digests) => {
                digests.iter().find_map(|digest| books.lookups.get(digest)).copied()
            }
        };
        let Some((key_id, account)) = key_id.and_then(|id| books.accounts.get_key_value(&id))
        else {
            return Ok(None);
        };
        let recorded = request.and_then(|id| books.requests.get(&(*key_id, id))).cloned();
        let account = Arc::clone(account);
        Ok(Some(Loaded { account, recorded, as_of_sequence: books.sequence }))
    }

    async fn recorded(
        &self,
        key: KeyId,
        request: RequestId,
        _after: u64,
    ) -> Result<Option<Arc<Event>>, LedgerError> {
        Ok(self.books().requests.get(&(key, request)).cloned())
    }

    async fn heads(&self, keys: Vec<KeyId>) -> Result<(Vec<Option<Head>>, u64), LedgerError> {
        let books = self.books();
        let head = |key| books.accounts.get(key).map(|account| account.head.clone());
        Ok((keys.iter().map(head).collect(), books.sequence))
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, LedgerError> {
        let mut books = self.books();
        Ok(changes.into_iter().map(|change| books.commit(change)).collect())
    }

    async fn events(&self, key: KeyId, span: Span) -> Result<(Vec<Recorded>, u64), LedgerError> {
        let books = self.books();
        let history = books.histories.get(&key).map_or(&[][..], Vec::as_slice);
        let after = |event: &&Recorded| match (span.after, span.descending) {
            (None, _) => true,
            (Some(version), false) => event.event.version > version,
            (Some(version), true) => event.event.version < version,
        };
        let events = match span.descending {
            false => history.iter().filter(after).take(span.most).cloned().collect(),
            true => history.iter().rev().filter(after).take(span.most).cloned().collect(),
        };
        Ok((events, books.sequence))
    }

    async fn note_seen(&self, key: KeyId, activation: ActivationId, time_ms: i64) {
        self.books().seen.insert((key, activation), time_ms);
    }

    async fn last_seen(
        &self,
        key: KeyId,
        activations: Vec<ActivationId>,
    ) -> Result<Vec<Option<i64>>, LedgerError> {
        let books = self.books();
        Ok(activations.iter().map(|id| books.seen.get(&(key, *id)).copied()).collect())
    }

    async fn ready(&self) -> Result<(), LedgerError> {
        Ok(())
    }
}
