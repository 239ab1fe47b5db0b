//! THE hardware matching policy at work: the comparison of `hardware_evidence::matching`, with this
//! service's policy and evidence.

use hardware_evidence::matching::{self, Components, Rule, Thresholds};
pub use hardware_evidence::matching::{Comparison, KindVerdict, Relation, Worth};
use hardware_evidence::{ComponentKind, Digest};

use super::account::Count;
use super::evidence::Evidence;
use super::policy::{AsOf, Policy};

/// What a report is worth by itself; a handle counts only where the key allows it.
#[must_use]
pub fn worth(policy: &Policy, report: &Evidence, handle_allowed: bool) -> Worth {
    matching::worth(policy, report, handle_allowed)
}

/// Compares a report with a baseline; a handle takes part only where the key allows it.
#[must_use]
pub fn compare(
    policy: &Policy,
    baseline: &Evidence,
    report: &Evidence,
    handle_allowed: bool,
) -> Comparison {
    matching::compare(policy, baseline, report, handle_allowed)
}

/// The kinds of a report that are absent or junk, for callers who may learn no more.
#[must_use]
pub fn abstaining(policy: &Policy, report: &Evidence) -> Vec<(ComponentKind, KindVerdict)> {
    matching::abstaining(policy, report)
}

/// How a report compares with a count, and what that says; none if it shares no anchor that tells.
///
/// A value that was demoted after the count was made abstains. But a count stays good for what it
/// was paid for: a report that it left unchanged without the demotion is unchanged still.
#[must_use]
pub fn against(
    policy: &Policy,
    count: &Count,
    report: &Evidence,
    handle_allowed: bool,
) -> Option<(Comparison, Relation)> {
    let now = told(policy, count, report, handle_allowed);
    let strong = Relation::Unchanged { weak: false };
    if now.as_ref().is_some_and(|(_, relation)| *relation == strong) {
        return now;
    }
    let Some(rule) = policy.as_of(&count.policy_version) else { return now };
    let then = told(&rule, count, report, handle_allowed);
    match (now.as_ref().map(|it| it.1), then.as_ref().map(|it| it.1)) {
        (Some(Relation::Unchanged { .. }), Some(then_relation)) if then_relation != strong => now,
        (_, Some(Relation::Unchanged { .. })) => then,
        (None | Some(Relation::Unrelated), Some(Relation::Changed)) => then,
        _ => now,
    }
}

fn told(
    rule: &impl Rule,
    count: &Count,
    report: &Evidence,
    handle_allowed: bool,
) -> Option<(Comparison, Relation)> {
    let comparison = matching::compare(rule, count.baseline.as_ref(), report, handle_allowed);
    if !comparison.anchored() {
        return None;
    }
    // A report that rests on its handle alone says nothing through its hardware.
    let rests_on_hardware = comparison.handle.is_none();
    if rests_on_hardware && !matching::worth(rule, report, handle_allowed).is_enough(rule) {
        return None;
    }
    let relation = comparison.relation(rule);
    Some((comparison, relation))
}

impl Rule for Policy {
    fn thresholds(&self) -> Thresholds {
        let rules = self.rules();
        Thresholds {
            percent: rules.threshold_percent,
            points_min: rules.points_min,
            anchor_points_min: rules.anchor_points_min,
            weak_comparable_points: rules.weak_comparable_points,
            changed_parts_max: rules.changed_parts_max,
        }
    }

    fn points(&self, kind: ComponentKind) -> u32 {
        self.rules().points(kind)
    }

    fn is_anchor(&self, kind: ComponentKind) -> bool {
        self.rules().is_anchor(kind)
    }

    fn is_junk(&self, kind: ComponentKind, digest: &Digest) -> bool {
        self.is_junk(kind, digest)
    }

    fn is_decisive(&self, kind: ComponentKind) -> bool {
        self.rules().is_decisive(kind)
    }

    fn is_part(&self, kind: ComponentKind) -> bool {
        self.rules().is_part(kind)
    }
}

impl Rule for AsOf<'_> {
    fn thresholds(&self) -> Thresholds {
        self.policy.thresholds()
    }

    fn points(&self, kind: ComponentKind) -> u32 {
        self.policy.rules().points(kind)
    }

    fn is_anchor(&self, kind: ComponentKind) -> bool {
        self.policy.rules().is_anchor(kind)
    }

    fn is_junk(&self, kind: ComponentKind, digest: &Digest) -> bool {
        (*self).is_junk(kind, digest)
    }

    fn is_decisive(&self, kind: ComponentKind) -> bool {
        self.policy.rules().is_decisive(kind)
    }

    fn is_part(&self, kind: ComponentKind) -> bool {
        self.policy.rules().is_part(kind)
    }
}

impl Components for Evidence {
    fn of(&self, kind: ComponentKind) -> impl DoubleEndedIterator<Item = (u8, &[Digest])> {
        self.of(kind).map(|component| (component.recipe(), component.digests()))
    }
}

#[cfg(test)]
mod tests;
