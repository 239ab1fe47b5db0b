//! What the events of each key amount to, by the words of the promises and not by the service.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use receipt::{Activated, Change, CountingMode, Event, Id, Leaf, Outcome, Released};

use super::chain::Chain;

/// The story of every key.
pub(super) struct Story {
    keys: BTreeMap<Id, Key>,
}

/// The story of one key.
#[derive(Default)]
pub(super) struct Key {
    /// Its events; the first has the version 1.
    pub(super) events: Vec<Leaf>,
    /// How it stood after each of them.
    pub(super) states: Vec<State>,
    /// Every count ever made.
    pub(super) counts: Vec<Count>,
}

/// How a key stands after one of its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) version: u64,
    pub(super) sequence: u64,
    pub(super) used: u32,
    pub(super) limit: u32,
    pub(super) suspended: bool,
    pub(super) generation: u64,
    pub(super) blocked: bool,
    pub(super) computers: u32,
    pub(super) activate_by_ms: Option<i64>,
    pub(super) every: bool,
    pub(super) shown_ms: i64,
}

/// A unit of `used`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    /// Version of the event that made it.
    pub(super) number: u64,
    pub(super) activation: Id,
    /// Version of the event that gave it up.
    pub(super) released: Option<u64>,
}

impl Story {
    /// Follows all events and checks what is promised of each.
    pub(super) fn of(chain: &Chain) -> Result<Self> {
        let mut story = Self { keys: BTreeMap::new() };
        for leaf in &chain.leaves {
            let key = story.keys.entry(leaf.key_id).or_default();
            key.follow(leaf).with_context(|| format!("event {}", leaf.sequence))?;
        }
        Ok(story)
    }

    /// The story of a key, if it has one.
    pub(super) fn key(&self, id: &Id) -> Option<&Key> {
        self.keys.get(id)
    }
}

impl Key {
    /// How it stood at a version.
    pub(super) fn at(&self, version: u64) -> Option<&State> {
        self.states.get(usize::try_from(version.checked_sub(1)?).ok()?)
    }

    /// The event of a version.
    pub(super) fn event(&self, version: u64) -> Option<&Leaf> {
        self.events.get(usize::try_from(version.checked_sub(1)?).ok()?)
    }

    /// The events that a request recorded.
    pub(super) fn recorded(&self, request: Id) -> impl Iterator<Item = &Leaf> {
        self.events.iter().filter(move |leaf| leaf.request_id == Some(request))
    }

    /// The counts held at a version.
    pub(super) fn held(&self, version: u64) -> impl Iterator<Item = &Count> {
        let gone = move |count: &Count| count.released.is_some_and(|released| released <= version);
        self.counts.iter().filter(move |count| count.number <= version && !gone(count))
    }

    fn follow(&mut self, leaf: &Leaf) -> Result<()> {
        let before = self.states.last().copied().unwrap_or_default();
        let version = before.version + 1;
        let found = leaf.account_version;
        ensure!(found == version, "version {found} of a key follows {}", before.version);
        let is_first = matches!(leaf.event, Event::Registered(_));
        ensure!(is_first == (version == 1), "a key is registered once, and first");
        let earliest_ms = if is_first { leaf.raw_ms } else { before.shown_ms };
        ensure!(leaf.shown_ms == earliest_ms.max(leaf.raw_ms), "the time shown is another");
        if let Some(request) = leaf.request_id {
            ensure!(self.recorded(request).next().is_none(), "a request is recorded twice");
        }
        let (sequence, shown_ms) = (leaf.sequence, leaf.shown_ms);
        let mut after = State { version, sequence, shown_ms, ..before };
        match &leaf.event {
            Event::Registered(terms) => {
                (after.limit, after.suspended) = (terms.limit, terms.suspension.suspended);
                after.generation = terms.suspension.generation;
                after.activate_by_ms = terms.activate_by_ms;
                after.every = terms.counting_mode == CountingMode::EveryActivation;
            }
            Event::Activated(activated) => self.activated(leaf, activated, &mut after)?,
            Event::Released(released) => self.released(released, &mut after)?,
            Event::Updated(changes) => changes.iter().for_each(|it| after.change(it)),
            Event::Refused(_) => {}
        }
        self.events.push(leaf.clone());
        self.states.push(after);
        let held = self.held(version).count() as u64;
        ensure!(held == u64::from(after.used), "used is {} and {held} are held", after.used);
        let mut computers: Vec<Id> = self.held(version).map(|count| count.activation).collect();
        computers.sort_unstable();
        computers.dedup();
        let computers = u32::try_from(computers.len())?;
        self.states.last_mut().context("it was pushed just now")?.computers = computers;
        Ok(())
    }

    fn activated(&mut self, leaf: &Leaf, it: &Activated, after: &mut State) -> Result<()> {
        ensure!(!after.blocked && !after.suspended, "a key that may not be used is used");
        ensure!(leaf.request_id.is_some(), "an activation without a request");
        ensure!(it.limit == after.limit, "limit {} is told where {} is", it.limit, after.limit);
        if it.outcome == Outcome::NotCountedSameComputer {
            let held = self
                .held(after.version)
                .any(|count| (count.number, count.activation) == (it.count, it.activation_id));
            ensure!(held, "it rests on a count that is not held");
            ensure!(!after.every, "a key that counts every activation did not count one");
        } else {
            let (used, limit) = (after.used, after.limit);
            ensure!(used < limit, "P1: it is counted although {used} of {limit} are used");
            let late = after.activate_by_ms.is_some_and(|last| leaf.raw_ms > last);
            ensure!(!late, "it is counted after the last moment to activate");
            ensure!(it.count == after.version, "a count has the number of another event");
            let is_new = !self.counts.iter().any(|count| count.activation == it.activation_id);
            let names_fit = match it.outcome {
                Outcome::CountedNewComputer => is_new,
                Outcome::CountedSignificantChange => !is_new,
                _ => true,
            };
            ensure!(names_fit, "a new computer has the name of a known one, or the other way");
            after.used += 1;
            self.counts.push(Count {
                number: it.count,
                activation: it.activation_id,
                released: None,
            });
        }
        ensure!(it.used == after.used, "used {} is told where {} is", it.used, after.used);
        Ok(())
    }

    fn released(&mut self, it: &Released, after: &mut State) -> Result<()> {
        let version = after.version;
        let count = self.counts.iter_mut().find(|count| count.number == it.count);
        let count = count.filter(|it| it.released.is_none()).context("no such count is held")?;
        ensure!(count.activation == it.activation_id, "the count is another computer's");
        count.released = Some(version);
        after.used = after.used.checked_sub(1).context("less than nothing is used")?;
        ensure!((it.used, it.limit) == (after.used, after.limit), "it tells other counts");
        let is_last = !self.held(version).any(|count| count.activation == it.activation_id);
        ensure!(it.last == is_last, "it is told wrongly whether it was the last count");
        Ok(())
    }
}

impl State {
    fn change(&mut self, change: &Change) {
        match change {
            Change::Limit(_, new) => self.limit = *new,
            Change::Blocked(_, new) => self.blocked = *new,
            Change::Suspension(_, new) => {
                (self.suspended, self.generation) = (new.suspended, new.generation);
            }
            Change::ActivateBy(_, new) => self.activate_by_ms = *new,
            Change::Platforms(..)
            | Change::ReleasesMax(..)
            | Change::HelpUri(..)
            | Change::HandleAllowed(..)
            | Change::LookUp(_) => {}
        }
    }
}
