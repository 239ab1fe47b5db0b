//! One answer beside the story of its key.

use activation_service::app::{
    Activated, ActivationsPage, AppError, EventsPage, GivenUp, KeyUsage, Preview,
};
use activation_service::domain::account::Head;
use activation_service::domain::error::{Reason, Refusal};
use activation_service::domain::event::{Body, Event as Shown, Explanation, Outcome};
use activation_service::domain::ids::{ActivationId, RequestId};
use activation_service::ports::Span;
use anyhow::{Context as _, Result, bail, ensure};
use receipt::{Event, Leaf};

use super::counts::{Key, State};
use crate::simulated::world::{Ask, Told};

/// A key as an answer may show it.
pub(super) struct Seen<'a> {
    /// Its story.
    pub(super) key: &'a Key,
    /// The version that had been told of before the question; an answer is not older.
    pub(super) floor: u64,
    /// Nothing happens any more.
    pub(super) is_last: bool,
    /// The ledger was damaged, so it may say that it cannot answer.
    pub(super) is_injured: bool,
}

/// Whether an answer rests on the event that its request recorded; none if the client does not
/// know what became of it.
pub(super) fn rests_on(told: Option<&Told>, version: u64) -> Option<bool> {
    match told? {
        Told::Activated(it) => Some(it.granted.proof == version),
        Told::GivenUp(_) => Some(true),
        Told::No(error) if is_passing(error) => None,
        _ => Some(false),
    }
}

/// True if the client may ask again and be answered.
const fn is_passing(error: &AppError) -> bool {
    matches!(
        error,
        AppError::Unavailable | AppError::DiskFull | AppError::Overloaded | AppError::Contended
    )
}

/// An answer to a question that is about no key.
pub(super) fn without_key(told: &Told) -> Result<()> {
    match told {
        Told::No(error) if is_passing(error) => Ok(()),
        _ => bail!("no answer to that"),
    }
}

impl Seen<'_> {
    /// Checks an answer.
    pub(super) fn check(&self, ask: &Ask, told: &Told) -> Result<()> {
        match (ask, told) {
            (Ask::Activate { request, .. }, Told::Activated(it)) => self.activated(*request, it),
            (Ask::Release { request, activation, .. }, Told::GivenUp(it)) => {
                self.given_up(*request, *activation, it)
            }
            (Ask::Register { .. } | Ask::GetKey { .. }, Told::Key(head)) => self.head(head),
            (Ask::Update { settings, .. }, Told::Key(head)) => {
                ensure!(settings.limit.is_none_or(|it| it == head.terms.limit), "another limit");
                ensure!(settings.blocked.is_none_or(|it| it == head.blocked), "not blocked so");
                self.head(head)
            }
            (Ask::Suspend { suspension, .. }, Told::Key(head)) => {
                let generation = head.suspension.generation;
                ensure!(generation >= suspension.generation, "an old suspension");
                self.head(head)
            }
            (Ask::Preview { .. }, Told::Previewed(it)) => self.preview(it),
            (Ask::Events { span, .. }, Told::Events(page)) => self.events(*span, page),
            (Ask::Computers { .. }, Told::Computers(page)) => self.computers(page),
            (_, Told::No(error)) => {
                // A key whose registration was lost is not there.
                let is_excused = self.floor == 0 || (self.is_injured && is_passing(error));
                ensure!(!self.is_last || is_excused, "no answer in peace");
                self.refused(ask, error)
            }
            _ => bail!("an answer to another question"),
        }
    }

    /// True if the key stood so at a version that the answer may show.
    fn once(&self, holds: impl Fn(&State) -> bool) -> bool {
        self.states_from(self.floor).any(holds)
    }

    fn states_from(&self, version: u64) -> impl Iterator<Item = &State> {
        self.key.states.iter().filter(move |state| state.version >= version)
    }

    fn activated(&self, request: RequestId, it: &Activated) -> Result<()> {
        let granted = &it.granted;
        let event = self.key.event(granted.proof).context("it rests on nothing recorded")?;
        let Event::Activated(leaf) = &event.event else { bail!("it rests on no activation") };
        ensure!(leaf.activation_id == granted.activation.0, "another activation is recorded");
        if event.request_id == Some(request.0) {
            ensure!(leaf.outcome.number() == granted.outcome as u8, "another outcome is recorded");
            let counts = (granted.used, granted.limit);
            ensure!((leaf.used, leaf.limit) == counts, "other counts are recorded");
            return same_explanation(leaf, &granted.explanation);
        }
        let is_plain = granted.outcome == Outcome::NotCountedSameComputer;
        ensure!(is_plain && leaf.count == granted.proof, "it is counted and not recorded");
        let holds = |state: &State| {
            let held = self.key.held(state.version).any(|count| count.number == granted.proof);
            held && (state.used, state.limit) == (granted.used, granted.limit)
        };
        ensure!(self.once(holds), "the key never stood so");
        Ok(())
    }

    fn given_up(&self, request: RequestId, asked: ActivationId, it: &GivenUp) -> Result<()> {
        let event = self.key.recorded(request.0).next().context("it is not recorded")?;
        let Event::Released(leaf) = &event.event else { bail!("it recorded no release") };
        let told = &it.released;
        ensure!(told.activation == asked, "another activation was given up");
        let told = receipt::Released {
            activation_id: told.activation.0,
            count: told.count,
            last: told.last,
            by_policy: told.by_policy,
            used: told.used,
            limit: told.limit,
        };
        ensure!(told == *leaf, "another release is recorded");
        Ok(())
    }

    fn head(&self, head: &Head) -> Result<()> {
        let state = self.key.at(head.version).context("a version that is not recorded")?;
        let is_newest = !self.is_last || head.version == self.floor;
        ensure!(head.version >= self.floor && is_newest, "older than what was told before");
        let told = State {
            used: head.used,
            limit: head.terms.limit,
            suspended: head.suspension.suspended,
            generation: head.suspension.generation,
            blocked: head.blocked,
            computers: head.computers,
            activate_by_ms: head.terms.activate_by_ms,
            ..*state
        };
        ensure!(told == *state, "the key stood otherwise: {state:?}");
        Ok(())
    }

    /// Checks one row of BatchGetKeyUsage.
    pub(super) fn usage(&self, usage: &KeyUsage) -> Result<()> {
        let holds = |state: &State| {
            (state.used, state.limit, state.computers, state.suspended, state.blocked)
                == (usage.used, usage.limit, usage.computers, usage.suspended, usage.blocked)
        };
        ensure!(usage.remaining == usage.limit.saturating_sub(usage.used), "what is left is wrong");
        ensure!(self.once(holds), "the key never stood so: {usage:?}");
        Ok(())
    }

    fn preview(&self, it: &Preview) -> Result<()> {
        let granted = &it.granted;
        let counted = u32::from(granted.outcome.is_counted());
        let holds = |state: &State| {
            (state.used + counted, state.limit) == (granted.used, granted.limit)
                && (counted == 0 || state.used < state.limit)
        };
        ensure!(self.once(holds), "the key never stood so");
        Ok(())
    }

    fn events(&self, span: Span, page: &EventsPage) -> Result<()> {
        ensure!(page.events.len() <= span.most, "more events than asked for");
        let newest = self.key.states.len() as u64;
        let versions: Vec<u64> = page.events.iter().map(|it| it.event.version).collect();
        for recorded in &page.events {
            let leaf = self.key.event(recorded.event.version).context("an unrecorded event")?;
            ensure!(leaf.sequence == recorded.sequence, "an event has another place");
            same_event(leaf, &recorded.event)?;
        }
        let is_full = versions.len() == span.most;
        let first = versions.first().copied();
        let expected: Vec<u64> = match (span.descending, span.after) {
            (false, after) => {
                let from = after.unwrap_or(0) + 1;
                let reached = versions.last().copied().unwrap_or(from - 1);
                ensure!(is_full || reached >= self.floor, "the newest events are missing");
                (from..).take(versions.len()).collect()
            }
            (true, Some(after)) if after <= self.floor => {
                (1..after.min(newest + 1)).rev().take(span.most).collect()
            }
            (true, after) => {
                // It begins with the newest, whichever that was.
                let from = first.unwrap_or(0);
                ensure!(from >= self.floor.min(after.map_or(u64::MAX, |it| it - 1)), "old events");
                (1..=from).rev().take(span.most).collect()
            }
        };
        ensure!(versions == expected, "versions {versions:?} where {expected:?} are due");
        Ok(())
    }

    fn computers(&self, page: &ActivationsPage) -> Result<()> {
        let mut told: Vec<(u64, [u8; 16], bool)> = Vec::new();
        for row in &page.rows {
            let count = |it: &activation_service::domain::account::Count| {
                (it.number, it.activation.0, it.released)
            };
            told.extend(row.counts.iter().map(count));
            let active = row.counts.iter().any(|count| !count.released);
            ensure!(row.active == active, "a computer is told wrongly to hold a count");
        }
        told.sort_unstable();
        let so = |state: &State| {
            let made = self.key.counts.iter().filter(|count| count.number <= state.version);
            let gone = |at: Option<u64>| at.is_some_and(|at| at <= state.version);
            made.map(|it| (it.number, it.activation, gone(it.released))).eq(told.iter().copied())
        };
        ensure!(self.once(so), "the key never held these counts");
        Ok(())
    }

    fn refused(&self, ask: &Ask, error: &AppError) -> Result<()> {
        let refusal = match error {
            error if is_passing(error) => return Ok(()),
            AppError::Refused { refusal, .. } => refusal,
            _ => bail!("no client asked for that"),
        };
        let holds = match refusal {
            Refusal::KeyNotUsable { cause: None } | Refusal::KeyNotFound => self.floor == 0,
            Refusal::KeyNotUsable { cause: Some(Reason::Blocked) } => self.once(|it| it.blocked),
            Refusal::Suspended => self.once(|it| it.suspended),
            Refusal::LimitReached { used, limit } => {
                used >= limit && self.once(|it| (it.used, it.limit) == (*used, *limit))
            }
            Refusal::ActivateByPassed { activate_by_ms } => {
                self.once(|it| it.activate_by_ms == Some(*activate_by_ms))
            }
            Refusal::ActivationReleased => match ask {
                Ask::Release { activation, .. } => self.once(|it| {
                    let mut held = self.key.held(it.version);
                    !held.any(|count| count.activation == activation.0)
                }),
                _ => false,
            },
            Refusal::InsufficientEvidence(_)
            | Refusal::ReleaseNotAllowed
            | Refusal::ReleaseLimitReached { .. }
            | Refusal::EvidenceNotMatching => true,
            Refusal::KeyNotUsable { .. }
            | Refusal::PlatformNotAllowed { .. }
            | Refusal::RequestIdReused
            | Refusal::ActivationNotFound
            | Refusal::AlreadyRegistered { .. } => false,
        };
        ensure!(holds, "refused for no reason");
        Ok(())
    }
}

fn same_explanation(leaf: &receipt::Activated, told: &Explanation) -> Result<()> {
    let kinds = told.kinds.iter().map(|(kind, verdict)| (kind.number(), *verdict as u8));
    let same = leaf.policy_version == told.policy_version
        && (leaf.score, leaf.threshold) == (told.score, told.threshold)
        && (leaf.weak, leaf.clone_suspected) == (told.weak, told.clone_suspected)
        && leaf.kinds.iter().map(|(kind, verdict)| (*kind, verdict.number())).eq(kinds);
    ensure!(same, "another explanation is recorded");
    Ok(())
}

/// An event as the history shows it is its leaf.
fn same_event(leaf: &Leaf, shown: &Shown) -> Result<()> {
    let version = shown.version;
    let same = (leaf.shown_ms, leaf.raw_ms) == (shown.shown_ms, shown.origin.time_ms)
        && (&leaf.actor, &leaf.reason) == (&shown.origin.actor, &shown.origin.reason)
        && leaf.request_id == shown.request.map(|request| request.id.0);
    ensure!(same, "event {version} was asked for otherwise");
    let same = match (&leaf.event, &shown.body) {
        (Event::Registered(leaf), Body::Registered { terms, .. }) => leaf.limit == terms.limit,
        (Event::Activated(leaf), Body::Activated(it)) => {
            same_explanation(leaf, &it.explanation)?;
            leaf.outcome.number() == it.outcome as u8
                && (leaf.activation_id, leaf.count) == (it.activation.0, it.count)
                && (leaf.used, leaf.limit) == (it.used, it.limit)
        }
        (Event::Released(leaf), Body::Released(it)) => {
            (leaf.activation_id, leaf.count, leaf.last, leaf.by_policy)
                == (it.activation.0, it.count, it.last, it.by_policy)
                && (leaf.used, leaf.limit) == (it.used, it.limit)
        }
        (Event::Updated(leaf), Body::Updated { changes }) => leaf.len() == changes.len(),
        (Event::Refused(leaf), Body::Refused { reason, .. }) => {
            leaf.reason.number() == *reason as u8
        }
        _ => false,
    };
    ensure!(same, "event {version} is recorded otherwise");
    Ok(())
}
