//! The figures as JSON for machines and as lines for people.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::fleet::Fleet;
use crate::floor::Floor;
use crate::plan::Plan;
use crate::play::Outcome;
use crate::rules::Family;
use crate::tally::{Figures, Tally};

/// Bar: most false counts in unchanged re-activations.
pub const FALSE_COUNT_RATE_MAX: f64 = 0.005;
/// Bar: most missed counts in true counts.
pub const MISSED_COUNT_RATE_MAX: f64 = 0.005;
/// Bar: how many times better than the best one-id baseline the sum of both is, at least.
pub const TIMES_BETTER_MIN: f64 = 5.0;

/// The whole answer.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Computers at any time.
    pub computers: u64,
    /// Years played.
    pub years: u32,
    /// The seed.
    pub seed: u64,
    /// What every rate was multiplied with.
    pub rates_scale: f64,
    /// The hardware policy.
    pub policy: String,
    /// Our rule over all fleets.
    #[serde(flatten)]
    pub product: Rated,
    /// Our rule by kind of fleet.
    pub by_fleet: BTreeMap<&'static str, Rated>,
    /// Whether each bar is kept.
    pub bars: Bars,
    /// The least errors on comparisons of the kinds that score, beside an ideal ledger.
    pub floor: Floor,
    /// The same with the kinds that are hints to our rule.
    pub floor_with_hints: Floor,
    /// Our rule under other policies, by version.
    pub variants: BTreeMap<String, Baseline>,
    /// Peers, by name.
    pub baselines: BTreeMap<String, Baseline>,
    /// One-id peers if they had our list of junk and our choice of adapters; no bar is set by them.
    pub baselines_with_care: BTreeMap<String, Baseline>,
    /// What had happened before our rule's errors and refusals, by kind of fleet.
    pub causes: Causes,
}

/// Rates, with the counts that they are of.
#[derive(Clone, Debug, Serialize)]
pub struct Rated {
    /// False counts in unchanged re-activations.
    pub false_count_rate: f64,
    /// Missed counts in true counts.
    pub missed_count_rate: f64,
    /// Refusals for lack of evidence in activations.
    pub insufficient_rate: f64,
    /// The counts.
    pub counts: Tally,
}

/// A peer.
#[derive(Clone, Debug, Serialize)]
pub struct Baseline {
    /// Over all fleets.
    #[serde(flatten)]
    pub all: Rated,
    /// By kind of fleet.
    pub by_fleet: BTreeMap<&'static str, Rated>,
}

/// The bars and what they are measured with.
#[derive(Clone, Debug, Serialize)]
pub struct Bars {
    /// False counts are few enough.
    pub false_counts: bool,
    /// Missed counts are few enough.
    pub missed_counts: bool,
    /// The sum of both rates.
    pub error_sum: f64,
    /// The best one-id baseline.
    pub best_one_id: String,
    /// Its sum divided by ours; none if ours is 0.
    pub times_better: Option<f64>,
    /// It is large enough.
    pub better_than_one_id: bool,
    /// The best one-id peer with our care.
    pub best_careful_one_id: String,
    /// Its sum divided by ours; no bar.
    pub times_better_than_careful: Option<f64>,
    /// The best of Keygen's rules.
    pub best_keygen: String,
    /// The sum of our rates is below that of each of them.
    pub below_keygen: bool,
}

/// Numbers of errors by kind of fleet and cause.
pub type ByCause = BTreeMap<&'static str, BTreeMap<String, u64>>;

/// Why our rule erred or refused.
#[derive(Clone, Debug, Serialize)]
pub struct Causes {
    /// What had happened since the last count, of false counts.
    pub false_counts: ByCause,
    /// The same of missed ones.
    pub missed_counts: ByCause,
    /// How the report came about, of refusals.
    pub refusals: ByCause,
}

impl Report {
    /// Puts the figures of a run together.
    #[must_use]
    pub fn new(plan: &Plan, policy: &str, outcome: &Outcome) -> Self {
        let mut product = Figures::default();
        for rule in outcome.rules.iter().filter(|rule| rule.family == Family::Product) {
            product.merge(rule.figures.clone());
        }
        let peers = |families: &[Family]| {
            let peers = outcome.rules.iter().filter(|rule| families.contains(&rule.family));
            peers.map(|rule| (rule.name.clone(), Baseline::new(&rule.figures))).collect()
        };
        Self {
            computers: plan.computers,
            years: plan.years,
            seed: plan.seed,
            rates_scale: f64::from(plan.rates.scale) / crate::dice::SCALE_WHOLE as f64,
            policy: policy.to_owned(),
            product: Rated::new(product.overall()),
            by_fleet: by_fleet(&product),
            bars: Bars::new(&product.overall(), outcome),
            floor: outcome.seen.scored.floor(),
            floor_with_hints: outcome.seen.with_hints.floor(),
            variants: peers(&[Family::Variant]),
            baselines: peers(&[Family::OneId, Family::Keygen]),
            baselines_with_care: peers(&[Family::CarefulOneId]),
            causes: Causes {
                false_counts: by_cause(&product.false_causes),
                missed_counts: by_cause(&product.missed_causes),
                refusals: by_cause(&product.refused_causes),
            },
        }
    }

    /// A table for people, one line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let head = format!("{:<34} {:>8} {:>8} {:>8}", "", "false", "missed", "refused");
        let line = |name: &str, rated: &Rated| {
            let [wrong, missed, refused] =
                [rated.false_count_rate, rated.missed_count_rate, rated.insufficient_rate]
                    .map(|rate| format!("{:.3} %", rate * 100.0));
            format!("{name:<34} {wrong:>8} {missed:>8} {refused:>8}")
        };
        let mut lines = vec![head, line(&self.policy, &self.product)];
        lines.extend(self.by_fleet.iter().map(|(name, rated)| line(&format!("  {name}"), rated)));
        lines.extend(self.variants.iter().map(|(name, rule)| line(name, &rule.all)));
        lines.extend(self.baselines.iter().map(|(name, peer)| line(name, &peer.all)));
        lines.extend(self.baselines_with_care.iter().map(|(name, peer)| line(name, &peer.all)));
        for (name, floor) in [("floor", &self.floor), ("floor with hints", &self.floor_with_hints)]
        {
            let [wrong, missed] = [floor.false_count_rate, floor.missed_count_rate]
                .map(|rate| format!("{:.3} %", rate * 100.0));
            lines.push(format!("{name:<34} {wrong:>8} {missed:>8}"));
        }
        let bars = &self.bars;
        let kept = |kept: bool| if kept { "kept" } else { "MISSED" };
        lines.push(format!(
            "bars: false counts {}, missed counts {}, {} times better than {} {}, below {} {}",
            kept(bars.false_counts),
            kept(bars.missed_counts),
            bars.times_better
                .map_or_else(|| "infinitely".to_owned(), |times| format!("{times:.1}")),
            bars.best_one_id,
            kept(bars.better_than_one_id),
            bars.best_keygen,
            kept(bars.below_keygen),
        ));
        lines
    }
}

impl Rated {
    fn new(counts: Tally) -> Self {
        Self {
            false_count_rate: counts.false_count_rate(),
            missed_count_rate: counts.missed_count_rate(),
            insufficient_rate: counts.insufficient_rate(),
            counts,
        }
    }
}

impl Baseline {
    fn new(figures: &Figures) -> Self {
        Self { all: Rated::new(figures.overall()), by_fleet: by_fleet(figures) }
    }
}

impl Bars {
    fn new(product: &Tally, outcome: &Outcome) -> Self {
        let best = |family| {
            let own = outcome.rules.iter().filter(|rule| rule.family == family);
            let sums = own.map(|rule| (rule.name.clone(), rule.figures.overall().error_sum()));
            sums.min_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap_or_default()
        };
        let ((best_one_id, one_id), (best_keygen, keygen)) =
            (best(Family::OneId), best(Family::Keygen));
        let (best_careful_one_id, careful) = best(Family::CarefulOneId);
        let error_sum = product.error_sum();
        let times = |peer: f64| (error_sum > 0.0).then(|| peer / error_sum);
        let times_better = times(one_id);
        Self {
            false_counts: product.false_count_rate() <= FALSE_COUNT_RATE_MAX,
            missed_counts: product.missed_count_rate() <= MISSED_COUNT_RATE_MAX,
            error_sum,
            best_one_id,
            times_better,
            better_than_one_id: times_better.is_none_or(|times| times >= TIMES_BETTER_MIN),
            best_careful_one_id,
            times_better_than_careful: times(careful),
            best_keygen,
            below_keygen: error_sum < keygen,
        }
    }
}

fn by_fleet(figures: &Figures) -> BTreeMap<&'static str, Rated> {
    let tallies = figures.by_fleet.iter();
    tallies.map(|(fleet, tally)| (fleet.name(), Rated::new(tally.clone()))).collect()
}

fn by_cause(causes: &BTreeMap<(Fleet, String), u64>) -> ByCause {
    let mut by_fleet = ByCause::new();
    for ((fleet, cause), times) in causes {
        by_fleet.entry(fleet.name()).or_default().insert(cause.clone(), *times);
    }
    by_fleet
}
