//! What became of activations under one rule, counted by kind of fleet.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::fleet::Fleet;
use crate::truth::Judgement;

/// Counts of one rule in one fleet, or in all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Activations that somebody wanted.
    pub activations: u64,
    /// Of them, first refused for lack of evidence.
    pub refused: u64,
    /// Of these, refused to an administrator too, or with nothing better to show.
    pub refused_for_good: u64,
    /// Granted ones at which a count was due.
    pub true_counts: u64,
    /// Of them, not counted.
    pub missed_counts: u64,
    /// Granted ones at which nothing was due and nothing was owed.
    pub unchanged: u64,
    /// Of them, counted.
    pub false_counts: u64,
    /// Counts made late, that were missed before.
    pub late_counts: u64,
    /// Granted ones while a missed count was owed.
    pub owed: u64,
}

impl Tally {
    /// Takes in a granted activation.
    pub const fn add(&mut self, judgement: Judgement) {
        match judgement {
            Judgement::Counted => self.true_counts += 1,
            Judgement::Missed => {
                self.true_counts += 1;
                self.missed_counts += 1;
            }
            Judgement::Free => self.unchanged += 1,
            Judgement::FalseCount => {
                self.unchanged += 1;
                self.false_counts += 1;
            }
            Judgement::Owed => self.owed += 1,
            Judgement::Late => self.late_counts += 1,
        }
    }

    /// Takes in another one's counts.
    pub const fn merge(&mut self, other: &Self) {
        self.activations += other.activations;
        self.refused += other.refused;
        self.refused_for_good += other.refused_for_good;
        self.true_counts += other.true_counts;
        self.missed_counts += other.missed_counts;
        self.unchanged += other.unchanged;
        self.false_counts += other.false_counts;
        self.late_counts += other.late_counts;
        self.owed += other.owed;
    }

    /// False counts in unchanged re-activations.
    #[must_use]
    pub fn false_count_rate(&self) -> f64 {
        ratio(self.false_counts, self.unchanged)
    }

    /// Missed counts in true counts.
    #[must_use]
    pub fn missed_count_rate(&self) -> f64 {
        ratio(self.missed_counts, self.true_counts)
    }

    /// Refusals in activations.
    #[must_use]
    pub fn insufficient_rate(&self) -> f64 {
        ratio(self.refused, self.activations)
    }

    /// Both rates of errors together.
    #[must_use]
    pub fn error_sum(&self) -> f64 {
        self.false_count_rate() + self.missed_count_rate()
    }
}

/// Everything counted under one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// By kind of fleet.
    pub by_fleet: BTreeMap<Fleet, Tally>,
    /// Why it counted falsely: what had happened since the last count, by kind of fleet.
    pub false_causes: BTreeMap<(Fleet, String), u64>,
    /// Why it missed.
    pub missed_causes: BTreeMap<(Fleet, String), u64>,
    /// Why it refused.
    pub refused_causes: BTreeMap<(Fleet, String), u64>,
}

impl Figures {
    /// All fleets together.
    #[must_use]
    pub fn overall(&self) -> Tally {
        let mut all = Tally::default();
        self.by_fleet.values().for_each(|tally| all.merge(tally));
        all
    }

    /// Takes in another one's figures.
    pub fn merge(&mut self, other: Self) {
        for (fleet, tally) in &other.by_fleet {
            self.by_fleet.entry(*fleet).or_default().merge(tally);
        }
        let pairs = [
            (&mut self.false_causes, other.false_causes),
            (&mut self.missed_causes, other.missed_causes),
            (&mut self.refused_causes, other.refused_causes),
        ];
        for (own, others) in pairs {
            for (cause, times) in others {
                *own.entry(cause).or_default() += times;
            }
        }
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
