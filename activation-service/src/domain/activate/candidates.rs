//! Which counts of a key a report may belong to.
//!
//! Only counts whose baseline shares an anchor with the report are looked at. All others are
//! unrelated, so the answer is that of a comparison with every count held.

use hardware_evidence::{ComponentKind, Digest};

use crate::domain::account::{Account, Count};
use crate::domain::evidence::Evidence;
use crate::domain::matching::{Comparison, Relation, against};
use crate::domain::policy::Policy;

/// The counts that a report may belong to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Candidates<'a> {
    /// The best count that the report leaves unchanged.
    pub(super) unchanged: Option<Candidate<'a>>,
    /// The best count that is of the same computer, significantly changed.
    pub(super) changed: Option<Candidate<'a>>,
    /// The best count that shares an anchor at all, for the explanation.
    pub(super) anchored: Option<Candidate<'a>>,
    /// An anchor matched, but too little could be compared.
    pub(super) too_little: bool,
    /// How many counts the report was compared with.
    pub(super) compared: usize,
}

/// A count and how the report compares with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate<'a> {
    /// The count.
    pub(super) count: &'a Count,
    pub(super) comparison: Comparison,
    pub(super) weak: bool,
}

/// Compares a report with the counts held that share an anchor with it.
pub(super) fn candidates<'a>(
    policy: &Policy,
    account: &'a Account,
    report: &Evidence,
) -> Candidates<'a> {
    let handle_allowed = account.head.terms.handle_allowed;
    let values = anchors(policy, report, handle_allowed);
    let (demoted, telling): (Vec<_>, Vec<_>) =
        values.partition(|(kind, value)| policy.is_junk(*kind, value));
    let mut sharing = account.counts.sharing(telling);
    // What was demoted since a count was made may still tell something there, and only there.
    for (kind, value) in demoted {
        let told = |count: &&Count| {
            policy.as_of(&count.policy_version).is_some_and(|then| !then.is_junk(kind, value))
        };
        sharing.extend(account.counts.sharing([(kind, value)]).into_iter().filter(told));
    }
    sharing.sort_unstable_by_key(|count| count.number);
    sharing.dedup_by_key(|count| count.number);
    among(policy, sharing.into_iter().filter(|count| !count.released), report, handle_allowed)
}

/// The values of a report that may establish which computer it comes from.
fn anchors<'a>(
    policy: &Policy,
    report: &'a Evidence,
    handle_allowed: bool,
) -> impl Iterator<Item = (ComponentKind, &'a Digest)> {
    let is_anchor = move |kind| match kind {
        ComponentKind::OperatorHandle => handle_allowed,
        _ => policy.rules().is_anchor(kind),
    };
    let components = report.components().iter().filter(move |c| is_anchor(c.kind()));
    let values = components.flat_map(|c| c.digests().iter().map(|value| (c.kind(), value)));
    values.filter(|(kind, value)| !policy.is_placeholder(*kind, value))
}

/// Compares a report with some counts, the newest last: of equal scores the most recent wins.
fn among<'a>(
    policy: &Policy,
    held: impl Iterator<Item = &'a Count>,
    report: &Evidence,
    handle_allowed: bool,
) -> Candidates<'a> {
    let mut found = Candidates::default();
    for count in held {
        found.compared += 1;
        let Some((comparison, told)) = against(policy, count, report, handle_allowed) else {
            continue;
        };
        let weak = told == (Relation::Unchanged { weak: true });
        let is_spent = weak && count.weak_matches >= policy.rules().weak_matches_max;
        // With the quota spent the match no longer makes the computer an unchanged one.
        let relation = if is_spent { Relation::Changed } else { told };
        let candidate = || Candidate { count, comparison: comparison.clone(), weak };
        better(&mut found.anchored, candidate());
        match relation {
            Relation::Unchanged { .. } => better(&mut found.unchanged, candidate()),
            Relation::Changed => better(&mut found.changed, candidate()),
            Relation::TooLittle => found.too_little = true,
            Relation::Unrelated => {}
        }
    }
    found
}

fn better<'a>(best: &mut Option<Candidate<'a>>, candidate: Candidate<'a>) {
    let beaten = best.as_ref().is_some_and(|best| best.comparison.beats(&candidate.comparison));
    if !beaten {
        *best = Some(candidate);
    }
}

#[cfg(test)]
pub(super) mod tests;
