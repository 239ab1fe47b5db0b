//! Recorded decisions on evidence looked at again: what would each have come to under another
//! policy?
//!
//! Each decision is made again on the account as it was when it was made. So every line of the
//! answer is about one decision, and none follows from a change before it.

use std::collections::BTreeMap;

use super::account::Account;
use super::activate;
use super::command::{Activate, Answer};
use super::error::Inconsistency;
use super::event::{Activated, Body, Event, Outcome, RequestStamp};
use super::ids::{ActivationId, KeyId, RequestId};
use super::policy::Policy;

/// What a decision came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It was granted.
    Granted {
        /// How it counted.
        outcome: Outcome,
        /// The computer it was found to be.
        activation: ActivationId,
    },
    /// It was refused, for a reason with this name.
    Refused(&'static str),
}

impl Came {
    /// What is told of it: the name of the outcome or of the reason.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Granted { outcome, .. } => outcome.name(),
            Self::Refused(reason) => reason,
        }
    }
}

/// A decision that would come to something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differing {
    /// The key.
    pub key_id: KeyId,
    /// Account version of the event that recorded it.
    pub version: u64,
    /// The policy that made it.
    pub policy_version: String,
    /// What it came to.
    pub was: Came,
    /// What it would come to.
    pub would_be: Came,
}

impl Differing {
    /// True if it would count as it did, and for another computer.
    #[must_use]
    pub fn is_of_another_computer(&self) -> bool {
        self.was.name() == self.would_be.name()
    }
}

/// What all decisions amount to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Keys.
    pub keys: u64,
    /// Their events.
    pub events: u64,
    /// Decisions on evidence that were made again.
    pub decisions: u64,
    /// Decisions that could not be, for evidence that they rest on was erased.
    pub erased: u64,
    /// Decisions that would come to something else.
    pub differing: u64,
    /// How many went from what to what, by name.
    pub totals: BTreeMap<(&'static str, &'static str), u64>,
}

impl Replay {
    /// Makes the decisions of one key again; its events must be whole and in their order.
    pub fn history(
        &mut self,
        policy: &Policy,
        events: &[Event],
        each: &mut dyn FnMut(Differing),
    ) -> Result<(), Inconsistency> {
        let mut account: Option<Account> = None;
        self.keys += 1;
        for event in events {
            self.events += 1;
            let Some(account) = &mut account else {
                account = Some(Account::open(event)?);
                continue;
            };
            if let Body::Activated(activated) = &event.body {
                self.decision(policy, account, event, activated, each);
            }
            account.apply(event)?;
        }
        Ok(())
    }

    fn decision(
        &mut self,
        policy: &Policy,
        account: &Account,
        event: &Event,
        activated: &Activated,
        each: &mut dyn FnMut(Differing),
    ) {
        if rests_on_erased(account, activated) {
            self.erased += 1;
            return;
        }
        self.decisions += 1;
        let was = Came::Granted { outcome: activated.outcome, activation: activated.activation };
        let would_be = again(policy, account, event, activated);
        if was == would_be {
            return;
        }
        self.differing += 1;
        *self.totals.entry((was.name(), would_be.name())).or_default() += 1;
        let (key_id, version) = (event.key_id, event.version);
        let policy_version = activated.explanation.policy_version.clone();
        each(Differing { key_id, version, policy_version, was, would_be });
    }
}

/// True if the report, or a baseline of the computer that it was found to be, was erased.
fn rests_on_erased(account: &Account, activated: &Activated) -> bool {
    let mut baselines = account.held_by(activated.activation).map(|count| &count.baseline);
    activated.evidence.components().is_empty() || baselines.any(|it| it.components().is_empty())
}

fn again(policy: &Policy, account: &Account, event: &Event, activated: &Activated) -> Came {
    let unknown = RequestStamp { id: RequestId([0; 16]), payload: [0; 32] };
    let command = Activate {
        // It was granted, so it was for the product of the key.
        product: account.head.terms.product.clone(),
        evidence: std::sync::Arc::clone(&activated.evidence),
        platform: activated.platform,
        request: event.request.unwrap_or(unknown),
        new_activation: activated.activation,
        origin: event.origin.clone(),
    };
    match activate::decide(policy, account, &command).result {
        Ok(Answer::Activated(granted)) => {
            Came::Granted { outcome: granted.outcome, activation: granted.activation }
        }
        Ok(Answer::Released(..) | Answer::Key) => Came::Refused("NOT_AN_ACTIVATION"),
        Err(refusal) => Came::Refused(refusal.reason().map_or("REFUSED", |reason| reason.name())),
    }
}

#[cfg(test)]
mod tests;
