//! Loading an account: from memory at once, else by a reader, one load a key at a time.

use tokio::sync::oneshot;

use super::Shared;
use super::loads::{Answer, Waiter};
use super::overlay::{AtHand, Overlay};
use crate::domain::ids::{KeyId, RequestId};
use crate::domain::product_key::LookupDigest;
use crate::ports::{KeyRef, LedgerError, Loaded};

/// A waiter and what it gets.
type Served = (Waiter, Result<AtHand, LedgerError>);

impl Shared {
    /// What memory says of a key.
    pub(super) fn at_hand(
        &self,
        key: &KeyRef,
        request: Option<RequestId>,
    ) -> Result<AtHand, LedgerError> {
        self.alive()?;
        Ok(self.overlay(|overlay| {
            let key_id = match key {
                KeyRef::Id(id) => Some(*id),
                KeyRef::Lookup(digests) => {
                    digests.iter().find_map(|digest| overlay.accounts.owner_of(digest))
                }
            };
            key_id.map_or(AtHand::Nothing, |key_id| overlay.look(key_id, request))
        }))
    }

    /// Completes an account with the event that recorded a request, which the books may know.
    pub(super) fn complete(&self, loaded: Loaded, request: RequestId) -> Answer {
        let recorded = self.recorded(loaded.account.head.key_id, request)?;
        Ok(Some(Loaded { recorded, ..loaded }))
    }

    /// Waits for an account that is not in memory; true if the load has to be begun.
    pub(super) fn join(
        &self,
        key: &KeyRef,
        request: Option<RequestId>,
        reply: oneshot::Sender<Answer>,
    ) -> bool {
        let waiter = Waiter { request, is_named: false, reply };
        match key {
            KeyRef::Id(key_id) => self.overlay_mut().loads.join(*key_id, waiter),
            KeyRef::Lookup(digests) => match digests.first() {
                Some(digest) => self.overlay_mut().loads.join_named(*digest, waiter),
                None => {
                    // Nothing is asked for; who asked may be gone.
                    let _ = waiter.reply.send(Ok(None));
                    false
                }
            },
        }
    }

    /// Loads an account and serves all who wait for it. Blocks.
    pub(super) fn load(&self, key: &KeyRef) {
        let (key_id, door) = match key {
            KeyRef::Id(key_id) => (Some(*key_id), None),
            KeyRef::Lookup(digests) => match self.find(digests) {
                Ok(found) => (found, digests.first()),
                Err(error) => return self.dismiss_named(digests, &error),
            },
        };
        let Some(key_id) = key_id else { return };
        if let Some(digest) = door
            && !self.overlay_mut().loads.name(*digest, key_id)
        {
            // Another reader has it under way.
            return;
        }
        self.serve(key_id, self.fetch(key_id));
    }

    /// The key that has one of these digests. Those who wait for a key that is unknown are told.
    fn find(&self, digests: &[LookupDigest]) -> Result<Option<KeyId>, LedgerError> {
        self.alive()?;
        loop {
            let known = self.overlay(|overlay| overlay.loads.digests_known());
            for digest in digests {
                if let Some(owner) = self.owner_of(digest)? {
                    return Ok(Some(owner));
                }
            }
            let mut overlay = self.overlay_mut();
            if overlay.loads.digests_known() != known {
                continue;
            }
            let waiters = digests.first().map(|digest| overlay.loads.take_named(digest));
            drop(overlay);
            for waiter in waiters.into_iter().flatten() {
                // Who asked may be gone.
                let _ = waiter.reply.send(Ok(None));
            }
            return Ok(None);
        }
    }

    fn dismiss_named(&self, digests: &[LookupDigest], error: &LedgerError) {
        let Some(digest) = digests.first() else { return };
        for waiter in self.overlay_mut().loads.take_named(digest) {
            let _ = waiter.reply.send(Err(error.clone()));
        }
    }

    /// Refuses those who wait for a load that cannot begin.
    pub(super) fn refuse(&self, key: &KeyRef) {
        match key {
            KeyRef::Lookup(digests) => self.dismiss_named(digests, &LedgerError::Overloaded),
            KeyRef::Id(key_id) => {
                let waiters = self.overlay_mut().loads.take(*key_id);
                let refused = |waiter| (waiter, Err(LedgerError::Overloaded));
                self.serve(*key_id, waiters.into_iter().map(refused).collect());
            }
        }
    }

    /// Reads an account until nothing newer came while it was read; gives those who waited, with
    /// what memory then says. No one comes to wait in between, so nobody gets what is older than
    /// his question.
    fn fetch(&self, key_id: KeyId) -> Vec<Served> {
        loop {
            let mut overlay = self.overlay_mut();
            if overlay.accounts.get(key_id).is_some() {
                return served(&mut overlay, key_id);
            }
            let ticket = overlay.accounts.begin(key_id);
            drop(overlay);
            let fetched = self.alive().and_then(|()| self.row(self.books.fetch(key_id)));
            let mut overlay = self.overlay_mut();
            let fetched = match fetched {
                Ok(fetched) => fetched,
                Err(error) => {
                    let waiters = overlay.loads.take(key_id);
                    return waiters
                        .into_iter()
                        .map(|waiter| (waiter, Err(error.clone())))
                        .collect();
                }
            };
            if overlay.accounts.keep(key_id, ticket, fetched) {
                let served = served(&mut overlay, key_id);
                overlay.accounts.make_room();
                return served;
            }
        }
    }

    /// A digest led to a key that is not there: that is damage, unless it has come since.
    fn dangling(&self, key_id: KeyId) -> Answer {
        self.row(self.books.owned(key_id))?;
        Err(LedgerError::Unavailable(format!("{key_id} was not there when it was looked for")))
    }

    fn serve(&self, key_id: KeyId, served: Vec<Served>) {
        for (waiter, at_hand) in served {
            let answer = at_hand.and_then(|at_hand| match at_hand {
                AtHand::Whole(loaded) => Ok(Some(loaded)),
                AtHand::Account(loaded, request) => self.complete(loaded, request),
                AtHand::Nothing if waiter.is_named => self.dangling(key_id),
                AtHand::Nothing => Ok(None),
            });
            // Who asked may be gone.
            let _ = waiter.reply.send(answer);
        }
    }
}

fn served(overlay: &mut Overlay, key_id: KeyId) -> Vec<Served> {
    let waiters = overlay.loads.take(key_id);
    let serve = |waiter: Waiter| {
        let at_hand = overlay.look(key_id, waiter.request);
        (waiter, Ok(at_hand))
    };
    waiters.into_iter().map(serve).collect()
}
