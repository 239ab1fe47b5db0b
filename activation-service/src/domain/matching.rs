//! THE hardware matching policy at work: the comparison of `hardware_evidence::matching`, with this
//! service's policy and evidence.

use hardware_evidence::matching::{self, Components, Rule, Thresholds};
pub use hardware_evidence::matching::{Comparison, KindVerdict, Relation, Worth};
use hardware_evidence::{ComponentKind, Digest};

use super::evidence::Evidence;
use super::policy::Policy;

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

impl Rule for Policy {
    fn thresholds(&self) -> Thresholds {
        Thresholds {
            percent: self.threshold_percent,
            points_min: self.points_min,
            anchor_points_min: self.anchor_points_min,
            weak_comparable_points: self.weak_comparable_points,
        }
    }

    fn points(&self, kind: ComponentKind) -> u32 {
        self.points(kind)
    }

    fn is_anchor(&self, kind: ComponentKind) -> bool {
        self.is_anchor(kind)
    }

    fn is_junk(&self, kind: ComponentKind, digest: &Digest) -> bool {
        self.is_junk(kind, digest)
    }
}

impl Components for Evidence {
    fn of(&self, kind: ComponentKind) -> impl DoubleEndedIterator<Item = (u8, &[Digest])> {
        self.of(kind).map(|component| (component.recipe(), component.digests()))
    }
}

#[cfg(test)]
mod tests;
