//! The points, anchors and thresholds of the hardware policy `hw-v1`, as a deployment has it that
//! changes nothing.
//!
//! An anchor is a value that belongs to one unit and not to a model. A model may refute that two
//! reports come from one computer, and never establishes it.

use crate::matching::{Rule, Thresholds};
use crate::{ComponentKind, Digest, JunkDigests};

/// The version of the policy, as recorded in every decision.
pub const VERSION: &str = "hw-v1";

/// The sum of all points.
pub const POINTS_SUM: u32 = 100;

/// What the policy says of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindPolicy {
    /// The kind.
    pub kind: ComponentKind,
    /// Its points when present and not junk on both sides.
    pub points: u32,
    /// Whether its value belongs to one unit. The operator handle is an anchor without points,
    /// since it suffices alone where a key allows it and is ignored where none does.
    pub anchor: bool,
    /// Whether another value is a significant change, whatever else matches.
    pub decisive: bool,
    /// Whether it is one of the parts of which only some may change, whatever else matches.
    pub part: bool,
}

/// The policy of every kind, by number of the kind.
pub const TABLE: [KindPolicy; 13] = [
    policy(ComponentKind::BoardSerial, 24, true),
    policy(ComponentKind::BoardModel, 6, false),
    policy(ComponentKind::SystemUuid, 15, true),
    policy(ComponentKind::OsDisk, 20, true),
    policy(ComponentKind::Nic, 15, true),
    policy(ComponentKind::TpmEk, 5, true),
    policy(ComponentKind::Cpu, 8, false),
    policy(ComponentKind::Gpu, 3, false),
    policy(ComponentKind::RamRange, 2, false),
    policy(ComponentKind::ChassisSerial, 2, false),
    policy(ComponentKind::OsInstallId, 0, false),
    policy(ComponentKind::BiosVersion, 0, false),
    policy(ComponentKind::OperatorHandle, 0, true),
];

/// Where the policy draws its lines.
pub const THRESHOLDS: Thresholds = Thresholds {
    percent: 60,
    points_min: 30,
    anchor_points_min: 15,
    weak_comparable_points: 60,
    changed_parts_max: None,
};

/// Most weak matches a count.
pub const WEAK_MATCHES_MAX: u8 = 2;

/// The policy as a rule to compare by, for those who have no deployment's policy at hand.
#[derive(Debug, Clone)]
pub struct HwV1 {
    junk: Option<JunkDigests>,
}

impl HwV1 {
    /// With the junk of a deployment; without, everything that a client sent is taken for a value,
    /// as clients sort junk out before they digest.
    #[must_use]
    pub const fn new(junk: Option<JunkDigests>) -> Self {
        Self { junk }
    }
}

impl Rule for HwV1 {
    fn thresholds(&self) -> Thresholds {
        THRESHOLDS
    }

    fn points(&self, kind: ComponentKind) -> u32 {
        points(kind)
    }

    fn is_anchor(&self, kind: ComponentKind) -> bool {
        is_anchor(kind)
    }

    fn is_junk(&self, kind: ComponentKind, digest: &Digest) -> bool {
        self.junk.as_ref().is_some_and(|junk| junk.contains(kind, digest))
    }

    fn is_decisive(&self, kind: ComponentKind) -> bool {
        of(kind).is_some_and(|policy| policy.decisive)
    }

    fn is_part(&self, kind: ComponentKind) -> bool {
        of(kind).is_some_and(|policy| policy.part)
    }
}

/// The points of a kind.
#[must_use]
pub fn points(kind: ComponentKind) -> u32 {
    of(kind).map_or(0, |policy| policy.points)
}

/// Whether a kind is an anchor.
#[must_use]
pub fn is_anchor(kind: ComponentKind) -> bool {
    of(kind).is_some_and(|policy| policy.anchor)
}

fn of(kind: ComponentKind) -> Option<KindPolicy> {
    TABLE.into_iter().find(|policy| policy.kind == kind)
}

const fn policy(kind: ComponentKind, points: u32, anchor: bool) -> KindPolicy {
    KindPolicy { kind, points, anchor, decisive: false, part: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row_and_the_points_sum_to_100() {
        let kinds: Vec<_> = TABLE.iter().map(|policy| policy.kind).collect();
        assert_eq!(kinds, ComponentKind::ALL);
        assert_eq!(TABLE.iter().map(|policy| policy.points).sum::<u32>(), POINTS_SUM);
    }

    #[test]
    fn anchors_are_the_values_of_one_unit() {
        assert!(TABLE.iter().all(|policy| !policy.anchor || policy.kind.is_of_unit()));
        let anchors: Vec<_> =
            ComponentKind::ALL.into_iter().filter(|kind| is_anchor(*kind)).collect();
        assert_eq!(
            anchors,
            [
                ComponentKind::BoardSerial,
                ComponentKind::SystemUuid,
                ComponentKind::OsDisk,
                ComponentKind::Nic,
                ComponentKind::TpmEk,
                ComponentKind::OperatorHandle,
            ]
        );
    }
}
