//! What is wrong with a policy: every fault at once, each with the field it is in.

use hardware_evidence::hw_v1::{POINTS_SUM, VERSION};
use hardware_evidence::{ComponentKind, Digest};
use thiserror::Error;

use super::Rules;

/// Longest version.
pub const VERSION_CHARS_MAX: usize = 64;
/// Most versions that a policy follows.
pub const FOLLOWS_MAX: usize = 1_000;
/// Most demoted values.
pub const DEMOTED_MAX: usize = 100_000;
/// Highest threshold: beyond it one small part of a computer would count.
const THRESHOLD_PERCENT_MAX: u32 = 95;
/// Most weak matches a count.
const WEAK_MATCHES_MAX: u8 = 100;

/// Something that a policy may not say.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field}: {what}")]
pub struct PolicyFault {
    /// Where, as the file spells it.
    pub field: String,
    /// What it must be.
    pub what: String,
}

impl PolicyFault {
    /// A fault of a field.
    #[must_use]
    pub fn new(field: impl Into<String>, what: impl Into<String>) -> Self {
        Self { field: field.into(), what: what.into() }
    }
}

impl Rules {
    /// Says everything that is wrong with the policy.
    pub fn check(&self) -> Result<(), Vec<PolicyFault>> {
        let mut faults = Vec::new();
        self.check_versions(&mut faults);
        self.check_thresholds(&mut faults);
        self.check_kinds(&mut faults);
        self.check_demoted(&mut faults);
        if faults.is_empty() && self.version == VERSION && *self != Self::hw_v1() {
            let what =
                format!("{VERSION} is the built-in policy: give another one its own version");
            faults.push(PolicyFault::new("version", what));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    fn check_versions(&self, faults: &mut Vec<PolicyFault>) {
        let what = format!("1 to {VERSION_CHARS_MAX} of a-z, 0-9, '.' and '-'");
        if !is_version(&self.version) {
            faults.push(PolicyFault::new("version", &*what));
        }
        if self.follows.len() > FOLLOWS_MAX {
            faults.push(PolicyFault::new("follows", format!("at most {FOLLOWS_MAX} versions")));
        }
        for (place, version) in self.follows.iter().enumerate() {
            let field = || format!("follows[{place}]");
            if !is_version(version) {
                faults.push(PolicyFault::new(field(), &*what));
            } else if *version == self.version {
                faults.push(PolicyFault::new(field(), "it is the version of this policy"));
            } else if self.follows.iter().take(place).any(|earlier| earlier == version) {
                faults.push(PolicyFault::new(field(), format!("{version} occurs twice")));
            }
        }
    }

    fn check_thresholds(&self, faults: &mut Vec<PolicyFault>) {
        let sets = ComponentKind::ALL.into_iter().filter(|kind| kind.is_set());
        let set_points: u32 = sets.map(|kind| self.points(kind).min(POINTS_SUM)).sum();
        // Of two computers that share nothing, one may match a baseline in what the other does not,
        // and both in a set. Below this, both could be unchanged on one count.
        let threshold_min = (POINTS_SUM + set_points) / 2 + 1;
        let bounds = [
            ("threshold_percent", self.threshold_percent, threshold_min, THRESHOLD_PERCENT_MAX),
            ("points_min", self.points_min, 1, POINTS_SUM),
            ("anchor_points_min", self.anchor_points_min, 1, POINTS_SUM),
            ("weak_comparable_points", self.weak_comparable_points, 0, POINTS_SUM),
            ("weak_matches_max", self.weak_matches_max.into(), 0, WEAK_MATCHES_MAX.into()),
        ];
        for (name, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                let what = format!("{value} is not one of {least} to {most}");
                faults.push(PolicyFault::new(format!("thresholds.{name}"), what));
            }
        }
    }

    fn check_kinds(&self, faults: &mut Vec<PolicyFault>) {
        let mut sum: u64 = 0;
        for kind in ComponentKind::ALL {
            let (points, is_anchor) = (self.points(kind), self.is_anchor(kind));
            sum += u64::from(points);
            let field = |name| format!("kinds.{kind}.{name}");
            if is_hint(kind) && points > 0 {
                faults.push(PolicyFault::new(field("points"), "this kind is never scored"));
            }
            if kind == ComponentKind::OperatorHandle {
                if !is_anchor {
                    let what = "a handle is an anchor, where a key allows it";
                    faults.push(PolicyFault::new(field("anchor"), what));
                }
            } else if is_anchor && !kind.is_of_unit() {
                let what = "many computers have the same value, so it cannot be an anchor";
                faults.push(PolicyFault::new(field("anchor"), what));
            }
        }
        self.check_changes(faults);
        if sum != u64::from(POINTS_SUM) {
            let what = format!("the points sum to {sum} and must sum to {POINTS_SUM}");
            faults.push(PolicyFault::new("kinds", what));
        }
        let anchors = ComponentKind::ALL.into_iter().filter(|kind| self.is_anchor(*kind));
        let anchors: u64 = anchors.map(|kind| u64::from(self.points(kind))).sum();
        if anchors < u64::from(self.anchor_points_min) {
            let what = format!(
                "all anchors together have {anchors} points, so no computer would ever be known: \
                 thresholds.anchor_points_min is {}",
                self.anchor_points_min
            );
            faults.push(PolicyFault::new("kinds", what));
        }
    }

    /// What is a significant change by itself.
    fn check_changes(&self, faults: &mut Vec<PolicyFault>) {
        let is_scored = |kind: &ComponentKind| self.points(*kind) > 0;
        for kind in ComponentKind::ALL.into_iter().filter(|kind| !is_scored(kind)) {
            let named = [("decisive", self.is_decisive(kind)), ("part", self.is_part(kind))];
            for (name, _) in named.into_iter().filter(|(_, is_set)| *is_set) {
                let what = "only a kind with points can be that";
                faults.push(PolicyFault::new(format!("kinds.{kind}.{name}"), what));
            }
        }
        let parts = ComponentKind::ALL.into_iter().filter(|kind| self.is_part(*kind)).count();
        let field = "thresholds.changed_parts_max";
        match self.changed_parts_max {
            None if parts > 0 => {
                let what = format!("needed, for {parts} kinds are a part");
                faults.push(PolicyFault::new(field, what));
            }
            Some(most) if most as usize >= parts => {
                let what = format!("{most} of {parts} parts may change, so it forbids nothing");
                faults.push(PolicyFault::new(field, what));
            }
            None | Some(_) => {}
        }
    }

    fn check_demoted(&self, faults: &mut Vec<PolicyFault>) {
        if self.demoted.len() > DEMOTED_MAX {
            faults.push(PolicyFault::new("junk", format!("at most {DEMOTED_MAX} values")));
            return;
        }
        let mut seen = std::collections::HashSet::<(ComponentKind, Digest)>::new();
        for (place, value) in self.demoted.iter().enumerate() {
            if !seen.insert((value.kind, value.digest)) {
                let what = "this value of this kind occurs twice";
                faults.push(PolicyFault::new(format!("junk[{place}].digest"), what));
            }
            if value.kind == ComponentKind::OperatorHandle {
                let what = "a handle is assigned by an operator and is no hardware";
                faults.push(PolicyFault::new(format!("junk[{place}].kind"), what));
            }
            if self.place(&value.since).is_none() {
                let what = format!("{:?} is neither this version nor in `follows`", value.since);
                faults.push(PolicyFault::new(format!("junk[{place}].since"), what));
            }
        }
    }
}

/// Kinds that say something and are never worth points.
#[must_use]
pub fn is_hint(kind: ComponentKind) -> bool {
    use ComponentKind as K;
    matches!(kind, K::OsInstallId | K::BiosVersion | K::OperatorHandle)
}

fn is_version(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    (1..=VERSION_CHARS_MAX).contains(&text.len()) && text.chars().all(is_allowed)
}
