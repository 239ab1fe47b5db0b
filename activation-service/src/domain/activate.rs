//! Activating: the order of checks, and what an answer says and records.

mod candidates;

use std::sync::Arc;

use super::account::Account;
use super::command::{Activate, Answer, Decision, Granted, next_event, refuse_recorded};
use super::error::{Reason, Refusal, Shortage};
use super::event::{Activated, Body, Explanation, Outcome};
use super::evidence::Evidence;
use super::installs::{Install, install};
use super::matching::{Comparison, Worth, abstaining, worth};
use super::policy::Policy;
use super::terms::CountingMode;
use candidates::{Candidate, candidates};

/// Decides an activation on a known key; a recorded repeat was answered before.
#[must_use]
pub fn decide(policy: &Policy, account: &Account, command: &Activate) -> Decision {
    match judge(policy, account, command) {
        Ok(verdict) => grant(policy, account, command, verdict),
        Err(refusal) => refuse_recorded(account, &command.origin, Some(command.platform), refusal),
    }
}

/// What the checks came to.
struct Verdict<'a> {
    outcome: Outcome,
    matched: Option<Candidate<'a>>,
    explained: Option<Comparison>,
}

/// Refuses a report that shows too little by itself.
pub(super) fn enough(
    policy: &Policy,
    account: &Account,
    report: &Evidence,
) -> Result<Worth, Refusal> {
    let shown = worth(policy, report, account.head.terms.handle_allowed);
    match shown.is_enough(policy) || shown.handle {
        true => Ok(shown),
        false => Err(shortage(policy, report, shown, false)),
    }
}

/// The refusal of a report that shows too little.
pub(super) fn shortage(
    policy: &Policy,
    report: &Evidence,
    shown: Worth,
    below_floor: bool,
) -> Refusal {
    Refusal::InsufficientEvidence(Shortage {
        points: shown.points,
        has_anchor: shown.anchors > 0,
        kinds: abstaining(policy, report),
        below_floor,
    })
}

fn judge<'a>(
    policy: &Policy,
    account: &'a Account,
    command: &Activate,
) -> Result<Verdict<'a>, Refusal> {
    let (head, terms) = (&account.head, &account.head.terms);
    if head.blocked {
        return Err(Refusal::KeyNotUsable { cause: Some(Reason::Blocked) });
    }
    if terms.product != command.product {
        return Err(Refusal::KeyNotUsable { cause: Some(Reason::OtherProduct) });
    }
    if head.suspension.suspended {
        return Err(Refusal::Suspended);
    }
    if !terms.platforms.allow(command.platform) {
        return Err(Refusal::PlatformNotAllowed { allowed: terms.platforms });
    }
    let shown = enough(policy, account, &command.evidence)?;
    let found = candidates(policy, account, &command.evidence);
    let tolerant = terms.counting_mode == CountingMode::HardwareTolerant;
    if tolerant && let Some(matched) = found.unchanged {
        let explained = Some(matched.comparison.clone());
        let outcome = Outcome::NotCountedSameComputer;
        return Ok(Verdict { outcome, matched: Some(matched), explained });
    }
    // A handle suffices alone, so too little hardware beside it is no obstacle; nor is it where
    // another count of the key tells enough to count a change.
    if tolerant && found.too_little && found.changed.is_none() && !shown.handle {
        return Err(shortage(policy, &command.evidence, shown, true));
    }
    if let Some(activate_by_ms) = terms.activate_by_ms
        && command.origin.time_ms > activate_by_ms
    {
        return Err(Refusal::ActivateByPassed { activate_by_ms });
    }
    if head.used >= terms.limit {
        return Err(Refusal::LimitReached { used: head.used, limit: terms.limit });
    }
    let matched = found.unchanged.or(found.changed);
    let explained = matched.as_ref().or(found.anchored.as_ref()).map(|c| c.comparison.clone());
    let outcome = match (tolerant, &matched) {
        (false, _) => Outcome::CountedEveryActivation,
        (true, Some(_)) => Outcome::CountedSignificantChange,
        (true, None) => Outcome::CountedNewComputer,
    };
    Ok(Verdict { outcome, matched, explained })
}

/// What a report that left a count unchanged says beside that.
#[derive(Clone, Copy, Debug, Default)]
struct Again {
    /// The computer is perhaps a clone.
    is_suspected: bool,
    /// It is to be recorded, at most a few times a count.
    is_news: bool,
}

fn again(account: &Account, matched: &Candidate<'_>, report: &Evidence) -> Again {
    let (count, kinds) = (matched.count, &matched.comparison.kinds);
    let was_suspected = account.counts.of(count.activation).any(|count| count.clone_suspected);
    let install = install(count, kinds, report);
    let is_suspected = was_suspected || install == Install::Again;
    let is_other = !was_suspected && install != Install::Usual;
    Again { is_suspected, is_news: is_other || count.baseline.gaining(report, kinds).is_some() }
}

fn grant(policy: &Policy, account: &Account, command: &Activate, verdict: Verdict<'_>) -> Decision {
    let Verdict { outcome, matched, explained } = verdict;
    let counted = outcome.is_counted();
    let weak = !counted && matched.as_ref().is_some_and(|m| m.weak);
    let again = matched.as_ref().filter(|_| !counted).map(|m| again(account, m, &command.evidence));
    let again = again.unwrap_or_default();
    let explanation = Explanation {
        policy_version: policy.rules().version.clone(),
        score: explained.as_ref().map(Comparison::score),
        threshold: policy.rules().threshold_percent,
        kinds: match explained {
            Some(comparison) => comparison.kinds,
            None => abstaining(policy, &command.evidence),
        },
        weak,
        clone_suspected: again.is_suspected,
    };
    let activation = matched.as_ref().map_or(command.new_activation, |m| m.count.activation);
    // Plain repeats write nothing, so a leaked key cannot fill the disk.
    let recorded = counted || weak || again.is_news;
    let next = account.head.version + 1;
    let known = matched.is_some();
    let count = matched.filter(|_| !counted).map_or(next, |m| m.count.number);
    let granted = Granted {
        outcome,
        activation,
        known,
        used: account.head.used + u32::from(counted),
        limit: account.head.terms.limit,
        explanation,
        proof: if recorded { next } else { count },
    };
    if !recorded {
        return Decision::answer(Answer::Activated(granted));
    }
    let body = Body::Activated(Box::new(Activated {
        outcome,
        activation: granted.activation,
        count,
        platform: command.platform,
        used: granted.used,
        limit: granted.limit,
        explanation: granted.explanation.clone(),
        evidence: Arc::clone(&command.evidence),
    }));
    let event = next_event(account, &command.origin, Some(command.request), body);
    Decision { events: vec![event], result: Ok(Answer::Activated(granted)) }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod overlap;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod theseus;
