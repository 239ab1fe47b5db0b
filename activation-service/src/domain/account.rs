//! The account of a key: what all its events amount to.

use std::sync::Arc;

use hardware_evidence::Digest;

use super::counts::Counts;
use super::error::{Inconsistency, ReasonSet};
use super::event::{Activated, Body, Change, Event, Explanation, Outcome, Released};
use super::evidence::Evidence;
use super::ids::{ActivationId, KeyId};
use super::installs::{Install, install};
use super::product_key::LookupDigest;
use super::terms::{Platform, Suspension, Terms};

/// Everything about a key but its counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The key.
    pub key_id: KeyId,
    /// Version of its last event.
    pub version: u64,
    /// What is in force.
    pub terms: Terms,
    /// Fingerprint of the terms at registration, which a repeat is compared with.
    pub registered_terms: [u8; 32],
    /// Whether the membership is in force.
    pub suspension: Suspension,
    /// Whether an administrator blocked it.
    pub blocked: bool,
    /// Counted events less releases: the number of counts held.
    pub used: u32,
    /// Computers that hold counts.
    pub computers: u32,
    /// Releases made under the release policy.
    pub released: u32,
    /// Refusals recorded since the last count.
    pub refused: ReasonSet,
    /// What it is found by, oldest pepper first.
    pub lookups: Vec<LookupDigest>,
    /// Shown time of the first event.
    pub created_ms: i64,
    /// Shown time of the last event.
    pub updated_ms: i64,
}

impl Head {
    /// Activations left.
    #[must_use]
    pub const fn remaining(&self) -> u32 {
        self.terms.limit.saturating_sub(self.used)
    }
}

/// One unit of `used`, paid for by one counted activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Version of the event that made it.
    pub number: u64,
    /// The computer it belongs to.
    pub activation: ActivationId,
    /// Why it was counted.
    pub outcome: Outcome,
    /// The platform of the activation.
    pub platform: Platform,
    /// When, as shown.
    pub created_ms: i64,
    /// The policy that counted it.
    pub policy_version: Arc<str>,
    /// What the computer showed then. The one thing ever added is the same component by a newer
    /// recipe.
    pub baseline: Arc<Evidence>,
    /// Weak matches it was good for.
    pub weak_matches: u8,
    /// True once another operating system installation claimed the same hardware.
    pub clone_suspected: bool,
    /// True once it was given up.
    pub released: bool,
    /// Operating system installations that were seen on it after that of the baseline, in the order
    /// in which each was first seen; at most
    /// [`INSTALLS_MAX`](super::installs::INSTALLS_MAX).
    pub installs: Vec<Digest>,
}

/// A key with all its counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Everything but the counts.
    pub head: Head,
    /// All counts ever made, oldest first.
    pub counts: Counts,
}

/// A computer of a key: the counts that belong to it.
#[derive(Clone, Debug)]
pub struct Computer<'a> {
    /// Its handle.
    pub id: ActivationId,
    /// Its counts, oldest first; at least one.
    pub counts: Vec<&'a Count>,
}

impl Computer<'_> {
    /// True while it holds a count.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.counts.iter().any(|c| !c.released)
    }
}

impl Account {
    /// The account that a first event makes.
    pub fn open(event: &Event) -> Result<Self, Inconsistency> {
        let Body::Registered { terms, suspension, lookup } = &event.body else {
            return Err(Inconsistency::NotRegistered { key_id: event.key_id });
        };
        if event.version != 1 {
            let (key_id, found) = (event.key_id, event.version);
            return Err(Inconsistency::Gap { key_id, expected: 1, found });
        }
        let head = Head {
            key_id: event.key_id,
            version: 1,
            terms: terms.as_ref().clone(),
            registered_terms: terms.fingerprint(),
            suspension: *suspension,
            blocked: false,
            used: 0,
            computers: 0,
            released: 0,
            refused: ReasonSet::default(),
            lookups: vec![*lookup],
            created_ms: event.shown_ms,
            updated_ms: event.shown_ms,
        };
        Ok(Self { head, counts: Counts::default() })
    }

    /// Takes in the next event; what it names must exist.
    pub fn apply(&mut self, event: &Event) -> Result<(), Inconsistency> {
        let key_id = self.head.key_id;
        let expected = self.head.version + 1;
        if event.key_id != key_id || event.version != expected {
            return Err(Inconsistency::Gap { key_id, expected, found: event.version });
        }
        let known = match &event.body {
            Body::Registered { .. } => false,
            Body::Activated(activated) => self.activated(event, activated),
            Body::Released(released) => self.released(released),
            Body::Updated { changes } => {
                changes.iter().for_each(|change| self.changed(change));
                true
            }
            Body::Refused { reason, .. } => {
                self.head.refused.insert(*reason);
                true
            }
        };
        if !known {
            return Err(Inconsistency::UnknownCount { key_id, version: event.version });
        }
        self.head.version = event.version;
        self.head.updated_ms = event.shown_ms;
        Ok(())
    }

    /// Says so if `used` or `computers` is not what the counts amount to.
    pub fn verify(&self) -> Result<(), Inconsistency> {
        let (key_id, used) = (self.head.key_id, self.head.used);
        let held = u32::try_from(self.held().count()).unwrap_or(u32::MAX);
        if held != used {
            return Err(Inconsistency::Miscount { key_id, used, held });
        }
        let computers: std::collections::HashSet<_> = self.held().map(|c| c.activation).collect();
        if computers.len() as u64 != u64::from(self.head.computers) {
            return Err(Inconsistency::Computers { key_id, recorded: self.head.computers });
        }
        Ok(())
    }

    /// The counts held, oldest first.
    pub fn held(&self) -> impl DoubleEndedIterator<Item = &Count> {
        self.counts.iter().filter(|c| !c.released)
    }

    /// The count with this number.
    #[must_use]
    pub fn count(&self, number: u64) -> Option<&Count> {
        self.counts.numbered(number)
    }

    /// The computers in the order of their first activation.
    #[must_use]
    pub fn computers(&self) -> Vec<Computer<'_>> {
        let mut places = std::collections::HashMap::new();
        let mut computers: Vec<Computer<'_>> = Vec::new();
        for count in self.counts.iter() {
            let place = *places.entry(count.activation).or_insert(computers.len());
            match computers.get_mut(place) {
                Some(computer) => computer.counts.push(count),
                None => computers.push(Computer { id: count.activation, counts: vec![count] }),
            }
        }
        computers
    }

    /// The counts that a computer holds, oldest first.
    pub fn held_by(&self, activation: ActivationId) -> impl DoubleEndedIterator<Item = &Count> {
        self.counts.of(activation).filter(|c| !c.released)
    }

    fn holds(&self, activation: ActivationId) -> bool {
        // The latest count is the one most likely to be held.
        self.held_by(activation).next_back().is_some()
    }

    fn activated(&mut self, event: &Event, activated: &Activated) -> bool {
        let Activated { outcome, activation, count, platform, explanation, .. } = activated;
        if !outcome.is_counted() {
            return self.seen_again(*count, explanation, &activated.evidence);
        }
        if *count != event.version {
            return false;
        }
        self.head.computers += u32::from(!self.holds(*activation));
        self.head.used += 1;
        self.head.refused = ReasonSet::default();
        self.counts.push(Count {
            number: *count,
            activation: *activation,
            outcome: *outcome,
            platform: *platform,
            created_ms: event.shown_ms,
            policy_version: explanation.policy_version.as_str().into(),
            baseline: Arc::clone(&activated.evidence),
            weak_matches: 0,
            clone_suspected: false,
            released: false,
            installs: Vec::new(),
        });
        true
    }

    /// Takes in a report that left a count unchanged.
    fn seen_again(&mut self, number: u64, explanation: &Explanation, report: &Evidence) -> bool {
        let changed = self.counts.change(number, |count| {
            count.weak_matches = count.weak_matches.saturating_add(u8::from(explanation.weak));
            count.clone_suspected |= explanation.clone_suspected;
            // Once suspected, nothing more of installations needs to be known.
            if !count.clone_suspected
                && let Install::New(id) = install(count, &explanation.kinds, report)
            {
                count.installs.push(id);
            }
            count.baseline.gaining(report, &explanation.kinds)
        });
        let Some(gained) = changed else { return false };
        if let Some(gained) = gained {
            self.counts.renew(number, Arc::new(gained));
        }
        true
    }

    fn released(&mut self, released: &Released) -> bool {
        let was_released = self
            .counts
            .change(released.count, |count| std::mem::replace(&mut count.released, true));
        if was_released != Some(false) {
            return false;
        }
        let gone = u32::from(!self.holds(released.activation));
        self.head.computers = self.head.computers.saturating_sub(gone);
        self.head.used = self.head.used.saturating_sub(1);
        self.head.released += u32::from(released.by_policy);
        true
    }

    fn changed(&mut self, change: &Change) {
        let Head { terms, suspension, blocked, lookups, .. } = &mut self.head;
        match change {
            Change::Limit(_, new) => terms.limit = *new,
            Change::Blocked(_, new) => *blocked = *new,
            Change::Platforms(_, new) => terms.platforms = *new,
            Change::ReleasesMax(_, new) => terms.releases_max = *new,
            Change::ActivateBy(_, new) => terms.activate_by_ms = *new,
            Change::HelpUri(_, new) => terms.help_uri.clone_from(new),
            Change::HandleAllowed(_, new) => terms.handle_allowed = *new,
            Change::Suspension(_, new) => *suspension = *new,
            Change::Lookup(new) => lookups.push(*new),
        }
    }
}
