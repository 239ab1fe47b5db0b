//! Releasing: who may give up which count of a computer.

use super::account::{Account, Count};
use super::activate::{enough, shortage};
use super::command::{Answer, Decision, Release, Requester, next_event, refuse_recorded};
use super::error::{Reason, Refusal};
use super::event::{Body, Released};
use super::evidence::Evidence;
use super::matching::{Comparison, Relation, against};
use super::policy::Policy;

/// Decides a release on a known key; a recorded repeat was answered before.
#[must_use]
pub fn decide(policy: &Policy, account: &Account, command: &Release) -> Decision {
    match judge(policy, account, command) {
        Ok(count) => {
            let released = released(account, command, count);
            let body = Body::Released(released);
            let event = next_event(account, &command.origin, Some(command.request), body);
            let answer = Answer::Released(released, event.version);
            Decision { events: vec![event], result: Ok(answer) }
        }
        Err(refusal) => refuse_recorded(account, &command.origin, None, refusal),
    }
}

fn judge<'a>(
    policy: &Policy,
    account: &'a Account,
    command: &Release,
) -> Result<&'a Count, Refusal> {
    let head = &account.head;
    if let Requester::KeyHolder(_) = command.requester {
        if head.blocked {
            return Err(Refusal::KeyNotUsable { cause: Some(Reason::Blocked) });
        }
        if head.suspension.suspended {
            return Err(Refusal::Suspended);
        }
    }
    if command.requester != Requester::Operator {
        let releases_max = head.terms.releases_max;
        if releases_max == 0 {
            return Err(Refusal::ReleaseNotAllowed);
        }
        if head.released >= releases_max {
            return Err(Refusal::ReleaseLimitReached { releases_max });
        }
    }
    if account.counts.of(command.activation).next().is_none() {
        return Err(Refusal::ActivationNotFound);
    }
    let latest = account.held_by(command.activation).next_back();
    let latest = latest.ok_or(Refusal::ActivationReleased)?;
    match &command.requester {
        Requester::KeyHolder(evidence) => shown(policy, account, command, evidence),
        Requester::Owner | Requester::Operator => Ok(latest),
    }
}

/// The count of the activation that the evidence leaves unchanged. Other computers do not matter
/// here, nor does it how often a weak match was good for an activation.
fn shown<'a>(
    policy: &Policy,
    account: &'a Account,
    command: &Release,
    evidence: &Evidence,
) -> Result<&'a Count, Refusal> {
    let worth = enough(policy, account, evidence)?;
    let handle_allowed = account.head.terms.handle_allowed;
    let (mut best, mut too_little) = (None::<(&Count, Comparison)>, false);
    for count in account.held_by(command.activation) {
        let Some((comparison, relation)) = against(policy, count, evidence, handle_allowed) else {
            continue;
        };
        match relation {
            Relation::Unchanged { .. } => {
                if best.as_ref().is_none_or(|(_, best)| !best.beats(&comparison)) {
                    best = Some((count, comparison));
                }
            }
            Relation::TooLittle => too_little = true,
            Relation::Changed | Relation::Unrelated => {}
        }
    }
    match best {
        Some((count, _)) => Ok(count),
        None if too_little => Err(shortage(policy, evidence, worth, true)),
        None => Err(Refusal::EvidenceNotMatching),
    }
}

fn released(account: &Account, command: &Release, count: &Count) -> Released {
    let mut held = account.held_by(command.activation);
    Released {
        activation: command.activation,
        count: count.number,
        last: held.all(|c| c.number == count.number),
        by_policy: command.requester != Requester::Operator,
        used: account.head.used.saturating_sub(1),
        limit: account.head.terms.limit,
    }
}

#[cfg(test)]
mod tests;
