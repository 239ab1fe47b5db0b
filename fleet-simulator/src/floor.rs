//! How far evidence tells apart what truth tells apart.
//!
//! Every activation is compared with the baselines that an ideal ledger would hold, and noted by
//! its *pattern*: how each kind compares with the closest of them. Activations of one pattern look
//! alike, so a rule answers them alike. The least errors come from counting a pattern where that
//! costs less, knowing the truth of all of them, which no rule can. A computer that is activated
//! again as it was is noted once: whatever was answered the first time, it costs nothing more.
//!
//! This is an estimate and no bound in the strict sense: a rule that counted before its time has
//! other baselines from then on than the ideal ledger.

use std::collections::BTreeMap;
use std::sync::Arc;

use activation_service::domain::evidence::Evidence;
use activation_service::domain::matching::{Comparison, KindVerdict, compare};
use activation_service::domain::policy::Policy;
use hardware_evidence::ComponentKind;
use serde::Serialize;

use crate::truth::{Build, Counts, Unit, Verdict};

/// How each kind compares with the closest baseline, a letter a kind: matched, changed, absent,
/// junk; empty where no anchor matches any.
pub type Pattern = String;

/// An ideal ledger of one key, and what activations look like against it.
#[derive(Clone, Debug)]
pub struct Ideal {
    policy: Arc<Policy>,
    truth: Counts,
    baselines: Vec<Arc<Evidence>>,
    /// What each chassis was and looked like when it was noted last.
    last: BTreeMap<Unit, (Build, Pattern)>,
    seen: Seen,
}

/// What an ideal ledger saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// In the kinds that score.
    pub scored: Patterns,
    /// In these and in the kinds that are hints.
    pub with_hints: Patterns,
}

/// How many activations of each pattern were due for a count, and how many were not.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Patterns {
    seen: BTreeMap<Pattern, (u64, u64)>,
    /// Activations of computers as they were the last time.
    repeats: u64,
}

/// The least errors.
#[derive(Clone, Debug, Serialize)]
pub struct Floor {
    /// Least of both rates together.
    pub error_sum: f64,
    /// False counts in unchanged re-activations.
    pub false_count_rate: f64,
    /// Missed counts in true counts.
    pub missed_count_rate: f64,
}

impl Ideal {
    /// A ledger without counts.
    #[must_use]
    pub fn new(policy: Arc<Policy>) -> Self {
        let (truth, baselines) = (Counts::default(), Vec::new());
        Self { policy, truth, baselines, last: BTreeMap::new(), seen: Seen::default() }
    }

    /// Notes an activation and counts it if truth says so.
    pub fn note(&mut self, build: &Build, evidence: &Arc<Evidence>) {
        let due = self.truth.verdict(build) != Verdict::Unchanged;
        let closest = self
            .baselines
            .iter()
            .map(|baseline| compare(&self.policy, baseline, evidence, false))
            .filter(|comparison| comparison.anchors > 0)
            .max_by_key(|comparison| (comparison.matched, comparison.anchors));
        let pattern = |with_hints| {
            closest.as_ref().map(|closest| pattern(closest, with_hints)).unwrap_or_default()
        };
        let look = (build.clone(), pattern(false));
        let repeated = !due && self.last.get(&build.chassis) == Some(&look);
        self.seen.scored.note(look.1.clone(), due, repeated);
        self.seen.with_hints.note(pattern(true), due, repeated);
        self.last.insert(build.chassis, look);
        self.truth.judge(build, due);
        if due {
            self.baselines.push(Arc::clone(evidence));
        }
    }

    /// What it saw.
    #[must_use]
    pub fn seen(self) -> Seen {
        self.seen
    }
}

impl Seen {
    /// Takes in what was seen of another key.
    pub fn merge(&mut self, other: Self) {
        self.scored.merge(other.scored);
        self.with_hints.merge(other.with_hints);
    }
}

impl Patterns {
    fn note(&mut self, pattern: Pattern, due: bool, repeated: bool) {
        if repeated {
            self.repeats += 1;
            return;
        }
        let (dues, others) = self.seen.entry(pattern).or_default();
        *(if due { dues } else { others }) += 1;
    }

    /// Takes in those of another key.
    pub fn merge(&mut self, other: Self) {
        self.repeats += other.repeats;
        for (pattern, (dues, others)) in other.seen {
            let own = self.seen.entry(pattern).or_default();
            own.0 += dues;
            own.1 += others;
        }
    }

    /// The least errors on what was seen.
    #[must_use]
    pub fn floor(&self) -> Floor {
        let due: u64 = self.seen.values().map(|(due, _)| due).sum();
        let firsts: u64 = self.seen.values().map(|(_, other)| other).sum();
        let unchanged = self.repeats + firsts;
        let rate =
            |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        let (mut wrong, mut missed) = (0, 0);
        for (dues, others) in self.seen.values() {
            // Both sides are multiplied out, so that no division rounds.
            let count_costs_less = *dues > 0
                && u128::from(*others) * u128::from(due)
                    <= u128::from(*dues) * u128::from(unchanged);
            if count_costs_less { wrong += others } else { missed += dues }
        }
        let (false_count_rate, missed_count_rate) = (rate(wrong, unchanged), rate(missed, due));
        Floor {
            error_sum: false_count_rate + missed_count_rate,
            false_count_rate,
            missed_count_rate,
        }
    }
}

fn pattern(comparison: &Comparison, with_hints: bool) -> Pattern {
    let hints = [ComponentKind::OsInstallId, ComponentKind::BiosVersion];
    let scored = comparison.kinds.iter().filter(|(kind, _)| {
        *kind != ComponentKind::OperatorHandle && (with_hints || !hints.contains(kind))
    });
    scored
        .map(|(_, verdict)| match verdict {
            KindVerdict::Matched => 'm',
            KindVerdict::Changed => 'c',
            KindVerdict::Absent => 'a',
            KindVerdict::Junk => 'j',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(all: &[(&str, u64, u64)]) -> Patterns {
        let seen = all.iter().map(|(name, due, other)| ((*name).to_owned(), (*due, *other)));
        Patterns { seen: seen.collect(), repeats: 0 }
    }

    #[test]
    fn the_floor_answers_each_pattern_in_the_cheaper_way() {
        let floor = patterns(&[("clear", 8, 0), ("same", 0, 90), ("mixed", 2, 10)]).floor();
        assert_eq!((floor.false_count_rate, floor.missed_count_rate), (0.1, 0.0));
        let once = patterns(&[("clear", 8, 0), ("same", 0, 90), ("mixed", 2, 10)]);
        let repeats = Patterns { repeats: 900, ..once };
        assert!((repeats.floor().false_count_rate - 0.01).abs() < f64::EPSILON);
        let floor = patterns(&[("clear", 98, 0), ("same", 0, 90), ("mixed", 2, 10)]).floor();
        assert_eq!((floor.false_count_rate, floor.missed_count_rate), (0.0, 0.02));
    }

    #[test]
    fn without_one_of_the_two_nothing_is_wrong() {
        assert!(patterns(&[("new", 5, 0)]).floor().error_sum < f64::EPSILON);
        assert!(patterns(&[("same", 0, 5)]).floor().error_sum < f64::EPSILON);
        assert!(patterns(&[]).floor().error_sum < f64::EPSILON);
    }
}
