//! Loads from the books that are under way: one an account at a time, however many wait for it.

use std::collections::HashMap;

use tokio::sync::oneshot;

use crate::domain::ids::{KeyId, RequestId};
use crate::domain::product_key::LookupDigest;
use crate::ports::{LedgerError, Loaded};

/// What a load comes to.
pub(super) type Answer = Result<Option<Loaded>, LedgerError>;

/// Who waits for an account.
pub(super) struct Waiter {
    pub(super) request: Option<RequestId>,
    /// It is known by a digest, so an account that is missing is damage.
    pub(super) is_named: bool,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// Who waits for what. A load that nobody began is begun by whoever waits first.
#[derive(Default)]
pub(super) struct Loads {
    by_digest: HashMap<LookupDigest, Vec<Waiter>>,
    by_id: HashMap<KeyId, Vec<Waiter>>,
    digests_added: u64,
}

impl Loads {
    /// Waits for the account of a key; true if the load has to be begun.
    pub(super) fn join(&mut self, key_id: KeyId, waiter: Waiter) -> bool {
        let waiters = self.by_id.entry(key_id).or_default();
        waiters.push(waiter);
        waiters.len() == 1
    }

    /// Waits for the account that a digest finds; true if the load has to be begun.
    pub(super) fn join_named(&mut self, digest: LookupDigest, waiter: Waiter) -> bool {
        let waiters = self.by_digest.entry(digest).or_default();
        waiters.push(waiter);
        waiters.len() == 1
    }

    /// Those who waited for a digest wait for its key from now on; true if that load has to be
    /// begun.
    pub(super) fn name(&mut self, digest: LookupDigest, key_id: KeyId) -> bool {
        let Some(named) = self.by_digest.remove(&digest) else { return false };
        let waiters = self.by_id.entry(key_id).or_default();
        let is_new = waiters.is_empty();
        waiters.extend(named.into_iter().map(|waiter| Waiter { is_named: true, ..waiter }));
        is_new
    }

    /// How often digests were added to the ledger; as long as it stays, a digest that was not found
    /// is not there.
    pub(super) const fn digests_known(&self) -> u64 {
        self.digests_added
    }

    /// Notes that digests were added.
    pub(super) const fn digests_added(&mut self) {
        self.digests_added += 1;
    }

    /// Takes those who wait for a key.
    pub(super) fn take(&mut self, key_id: KeyId) -> Vec<Waiter> {
        self.by_id.remove(&key_id).unwrap_or_default()
    }

    /// Takes those who wait for a digest.
    pub(super) fn take_named(&mut self, digest: &LookupDigest) -> Vec<Waiter> {
        self.by_digest.remove(digest).unwrap_or_default()
    }

    /// Sends everybody away; their channels tell them.
    pub(super) fn clear(&mut self) {
        self.by_digest.clear();
        self.by_id.clear();
    }
}
