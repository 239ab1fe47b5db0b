//! THE comparison of two computers: what matches, what changed, and what that says, under a rule
//! that is handed in.
//!
//! The activation service compares a report with the baselines of all counts of a key;
//! `benefitsctl hardware compare` explains the same offline. Integers only. Junk and absent values
//! abstain: they neither match nor mismatch.

use crate::{Component, ComponentKind, Digest};

/// What a comparison takes from the policy.
pub trait Rule {
    /// Where the thresholds lie.
    fn thresholds(&self) -> Thresholds;
    /// What a kind is worth.
    fn points(&self, kind: ComponentKind) -> u32;
    /// True for kinds that belong to one computer and not to a model.
    fn is_anchor(&self, kind: ComponentKind) -> bool;
    /// True for values that many computers share; they abstain.
    fn is_junk(&self, kind: ComponentKind, digest: &Digest) -> bool;
    /// True for kinds of which another value is a significant change, whatever else matches.
    fn is_decisive(&self, kind: ComponentKind) -> bool;
    /// True for kinds of which only some may change, whatever else matches.
    fn is_part(&self, kind: ComponentKind) -> bool;
}

/// Where a rule draws its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Least `matched * 100 / comparable` of an unchanged computer.
    pub percent: u32,
    /// Least points that a report must show, and that must be comparable.
    pub points_min: u32,
    /// Least points of the anchors that match, for a computer to be a known one at all.
    pub anchor_points_min: u32,
    /// A match on one anchor is weak below this many comparable points.
    pub weak_comparable_points: u32,
    /// Most parts of an unchanged computer that changed; none if their number does not matter.
    pub changed_parts_max: Option<u32>,
}

/// What a computer showed, kind by kind.
pub trait Components {
    /// The recipes of a kind, oldest first, each with its digests in ascending order.
    fn of(&self, kind: ComponentKind) -> impl DoubleEndedIterator<Item = (u8, &[Digest])>;
}

/// How one kind took part in a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum KindVerdict {
    /// Present on both sides and equal.
    Matched = 1,
    /// Present on both sides and different.
    Changed = 2,
    /// Missing on one side.
    Absent = 3,
    /// A placeholder on one side.
    Junk = 4,
}

impl KindVerdict {
    /// The verdict with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Matched),
            2 => Some(Self::Changed),
            3 => Some(Self::Absent),
            4 => Some(Self::Junk),
            _ => None,
        }
    }
}

/// What a side shows of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Present,
    Junk,
    Absent,
}

/// What a report is worth by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worth {
    /// Points of the kinds that are present and not junk.
    pub points: u32,
    /// How many of them are anchors.
    pub anchors: u32,
    /// True if it carries a handle that an operator assigned.
    pub handle: bool,
}

impl Worth {
    /// True if the hardware shown is enough to decide on.
    #[must_use]
    pub fn is_enough(self, rule: &impl Rule) -> bool {
        self.anchors > 0 && self.points >= rule.thresholds().points_min
    }
}

/// How a report compares with one baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Points of the kinds that match.
    pub matched: u32,
    /// Points of the kinds present and not junk on both sides.
    pub comparable: u32,
    /// Anchors that match.
    pub anchors: u32,
    /// Their points.
    pub anchor_points: u32,
    /// Points of the baseline.
    pub baseline_points: u32,
    /// Whether the two sides carry the same handle; none unless both carry one.
    pub handle: Option<bool>,
    /// True if the baseline goes by a handle and the report shows none to compare with it.
    pub is_handle_withheld: bool,
    /// Each kind.
    pub kinds: Vec<(ComponentKind, KindVerdict)>,
}

/// What a comparison says of the computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The same computer without significant change (R7).
    Unchanged {
        /// It rests on one anchor and little else.
        weak: bool,
    },
    /// An anchor matches, but too little can be compared to tell.
    TooLittle,
    /// The same computer with significant changes (R8).
    Changed,
    /// Another computer (R6).
    Unrelated,
}

impl Comparison {
    /// Floor of the percentage of comparable points that match.
    #[must_use]
    pub const fn score(&self) -> u32 {
        match self.handle {
            Some(true) => 100,
            _ if self.comparable == 0 => 0,
            _ => self.matched * 100 / self.comparable,
        }
    }

    /// True if this score is higher than the other's, compared as exact fractions.
    #[must_use]
    pub fn beats(&self, other: &Self) -> bool {
        match (self.handle == Some(true), other.handle == Some(true)) {
            (true, false) => return true,
            (_, true) => return false,
            (false, false) => {}
        }
        self.matched * other.comparable.max(1) > other.matched * self.comparable.max(1)
    }

    /// True if the two share something that belongs to one computer.
    #[must_use]
    pub const fn anchored(&self) -> bool {
        matches!(self.handle, Some(true)) || (self.handle.is_none() && self.anchors > 0)
    }

    /// True if what changed is a significant change by itself, whatever else matches.
    fn is_significant(&self, rule: &impl Rule) -> bool {
        let is_changed = |(_, verdict): &&(_, KindVerdict)| *verdict == KindVerdict::Changed;
        let changed = || self.kinds.iter().filter(is_changed).map(|(kind, _)| *kind);
        let parts = changed().filter(|kind| rule.is_part(*kind)).count();
        changed().any(|kind| rule.is_decisive(kind))
            || rule.thresholds().changed_parts_max.is_some_and(|most| parts > most as usize)
    }

    /// What the comparison says under the rule.
    #[must_use]
    pub fn relation(&self, rule: &impl Rule) -> Relation {
        let lines = rule.thresholds();
        match self.handle {
            Some(true) => return Relation::Unchanged { weak: false },
            Some(false) => return Relation::Unrelated,
            None => {}
        }
        // So a report that is judged new stays so, whatever is left out of it.
        if self.anchor_points < lines.anchor_points_min {
            return Relation::Unrelated;
        }
        // Twice the comparable points against the baseline's points, for half of an odd number is
        // no integer.
        if self.is_handle_withheld
            || self.comparable < lines.points_min
            || self.comparable * 2 < self.baseline_points
        {
            return Relation::TooLittle;
        }
        if self.matched * 100 >= lines.percent * self.comparable && !self.is_significant(rule) {
            let weak = self.anchors == 1 && self.comparable < lines.weak_comparable_points;
            return Relation::Unchanged { weak };
        }
        Relation::Changed
    }
}

/// What a report is worth by itself; a handle counts only where the key allows it.
#[must_use]
pub fn worth(rule: &impl Rule, report: &(impl Components + ?Sized), handle_allowed: bool) -> Worth {
    let mut worth = Worth { points: 0, anchors: 0, handle: false };
    for kind in ComponentKind::ALL {
        if shown(rule, report, kind) != Shown::Present {
            continue;
        }
        if kind == ComponentKind::OperatorHandle {
            worth.handle = handle_allowed;
        } else {
            worth.points += rule.points(kind);
            worth.anchors += u32::from(rule.is_anchor(kind));
        }
    }
    worth
}

/// Compares a report with a baseline; a handle takes part only where the key allows it.
#[must_use]
pub fn compare(
    rule: &impl Rule,
    baseline: &(impl Components + ?Sized),
    report: &(impl Components + ?Sized),
    handle_allowed: bool,
) -> Comparison {
    let mut comparison = Comparison {
        matched: 0,
        comparable: 0,
        anchors: 0,
        anchor_points: 0,
        baseline_points: worth(rule, baseline, handle_allowed).points,
        handle: None,
        is_handle_withheld: false,
        kinds: Vec::with_capacity(ComponentKind::ALL.len()),
    };
    for kind in ComponentKind::ALL {
        let verdict = if kind == ComponentKind::OperatorHandle && !handle_allowed {
            KindVerdict::Absent
        } else {
            verdict(rule, baseline, report, kind)
        };
        comparison.kinds.push((kind, verdict));
        let matched = verdict == KindVerdict::Matched;
        if !matched && verdict != KindVerdict::Changed {
            continue;
        }
        if kind == ComponentKind::OperatorHandle {
            comparison.handle = Some(matched);
            continue;
        }
        let points = rule.points(kind);
        comparison.comparable += points;
        if matched {
            comparison.matched += points;
        }
        if matched && rule.is_anchor(kind) {
            comparison.anchors += 1;
            comparison.anchor_points += points;
        }
    }
    comparison.is_handle_withheld = handle_allowed
        && comparison.handle.is_none()
        && shown(rule, baseline, ComponentKind::OperatorHandle) == Shown::Present;
    comparison
}

/// The kinds of a report that are absent or junk, for callers who may learn no more.
#[must_use]
pub fn abstaining(
    rule: &impl Rule,
    report: &(impl Components + ?Sized),
) -> Vec<(ComponentKind, KindVerdict)> {
    let verdict = |kind| match shown(rule, report, kind) {
        Shown::Present => None,
        Shown::Junk => Some((kind, KindVerdict::Junk)),
        Shown::Absent => Some((kind, KindVerdict::Absent)),
    };
    ComponentKind::ALL.into_iter().filter_map(verdict).collect()
}

fn shown(rule: &impl Rule, evidence: &(impl Components + ?Sized), kind: ComponentKind) -> Shown {
    let mut result = Shown::Absent;
    for (_, digests) in evidence.of(kind) {
        result = Shown::Present;
        // A placeholder by one recipe is none the less one by another, under which it may not be
        // known yet.
        if digests.iter().all(|digest| rule.is_junk(kind, digest)) {
            return Shown::Junk;
        }
    }
    result
}

fn verdict(
    rule: &impl Rule,
    baseline: &(impl Components + ?Sized),
    report: &(impl Components + ?Sized),
    kind: ComponentKind,
) -> KindVerdict {
    match (shown(rule, report, kind), shown(rule, baseline, kind)) {
        (Shown::Junk, _) => return KindVerdict::Junk,
        (Shown::Absent, _) | (_, Shown::Absent) => return KindVerdict::Absent,
        (_, Shown::Junk) => return KindVerdict::Junk,
        (Shown::Present, Shown::Present) => {}
    }
    // Digests of different recipes say nothing of each other. Where several recipes are common, one
    // that matches suffices; so leaving digests out never makes two sides match.
    let mut result = KindVerdict::Absent;
    for (recipe, digests) in report.of(kind) {
        let Some((_, old)) = baseline.of(kind).find(|(other, _)| *other == recipe) else {
            continue;
        };
        if share(rule, kind, digests, old) {
            return KindVerdict::Matched;
        }
        result = KindVerdict::Changed;
    }
    result
}

fn share(rule: &impl Rule, kind: ComponentKind, reported: &[Digest], old: &[Digest]) -> bool {
    let telling = |digest: &&Digest| !rule.is_junk(kind, digest);
    reported.iter().filter(telling).any(|digest| old.binary_search(digest).is_ok())
}

impl Components for [Component] {
    fn of(&self, kind: ComponentKind) -> impl DoubleEndedIterator<Item = (u8, &[Digest])> {
        let found = self.iter().filter(move |component| component.kind == kind);
        found.map(|component| (component.recipe_version, component.digests.as_slice()))
    }
}
