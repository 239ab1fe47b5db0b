//! A figure: a ratio with its spread and its bar, and what it rests on.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::rounds::{Round, Rounds};

/// Median, least and greatest of some rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

/// What a ratio should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bar {
    /// No less.
    AtLeast(f64),
    /// No more.
    AtMost(f64),
}

/// One figure.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figure {
    /// What was done.
    pub about: String,
    /// The ratio to the yardstick over whole rounds.
    pub ratio_to_noop: Spread,
    /// What it should be; none where the figure stands beside another.
    pub bar: Option<Bar>,
    /// Whether the median is what it should be.
    pub is_met: Option<bool>,
    /// The ratio of the best stretch of each round.
    pub best_ratio_to_noop: Option<Spread>,
    /// What that should be.
    pub best_bar: Option<Bar>,
    /// Whether it is.
    pub is_best_met: Option<bool>,
    /// Answers a second.
    pub rate: Spread,
    /// Those of the yardstick.
    pub noop_rate: Spread,
    /// Latencies over all rounds, in microseconds.
    pub p50_us: u64,
    /// As above.
    pub p99_us: u64,
    /// As above.
    pub p999_us: u64,
    /// Those of the yardstick.
    pub noop_p50_us: u64,
    /// As above.
    pub noop_p99_us: u64,
    /// As above.
    pub noop_p999_us: u64,
    /// Whether every answer was as it must be, the ledger holds what clients were told, and
    /// `ledger verify` finds it good.
    pub verified: bool,
    /// Further figures by name, with their units.
    pub more: BTreeMap<String, f64>,
}

impl Spread {
    /// Of at least one value.
    ///
    /// # Errors
    /// There is none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Result<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().context("a round");
        let last = values.len().checked_sub(1).context("a round")?;
        Ok(Self {
            median: (at(last / 2)? + at(last.div_ceil(2))?) / 2.0,
            min: at(0)?,
            max: at(last)?,
        })
    }
}

impl Bar {
    /// Whether a ratio is what it should be.
    #[must_use]
    pub fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(least) => ratio >= least,
            Self::AtMost(most) => ratio <= most,
        }
    }
}

impl Figure {
    /// The figures that all rounds have.
    ///
    /// # Errors
    /// There is no round.
    pub fn of_rounds(about: String, rounds: &Rounds) -> Result<Self> {
        let ratios = rounds.compared(|round, beside| round.run.rate() / mean(beside))?;
        let rates = |rounds: &[Round]| Spread::of(rounds.iter().map(|it| it.run.rate()));
        let (ours, noop) = (latencies(&rounds.ours)?, latencies(&rounds.noop)?);
        let mut figure = Self {
            about,
            ratio_to_noop: Spread::of(ratios)?,
            rate: rates(&rounds.ours)?,
            noop_rate: rates(&rounds.noop)?,
            p50_us: ours.value_at_quantile(0.5),
            p99_us: ours.value_at_quantile(0.99),
            p999_us: ours.value_at_quantile(0.999),
            noop_p50_us: noop.value_at_quantile(0.5),
            noop_p99_us: noop.value_at_quantile(0.99),
            noop_p999_us: noop.value_at_quantile(0.999),
            ..Self::default()
        };
        figure.add_costs(rounds)?;
        Ok(figure)
    }

    /// Adds the ratio of the best stretch of each round to whole rounds of the yardstick.
    ///
    /// # Errors
    /// There is no round.
    pub fn with_best(mut self, rounds: &Rounds, stretch: Duration) -> Result<Self> {
        let ratios =
            rounds.compared(|round, beside| round.run.best_rate(stretch) / mean(beside))?;
        self.best_ratio_to_noop = Some(Spread::of(ratios)?);
        Ok(self)
    }

    /// Says what the ratio over whole rounds should be.
    #[must_use]
    pub fn with_bar(mut self, bar: Bar) -> Self {
        self.bar = Some(bar);
        self.is_met = Some(bar.is_met(self.ratio_to_noop.median));
        self
    }

    /// Says what the ratio of the best stretches should be.
    #[must_use]
    pub fn with_best_bar(mut self, bar: Bar) -> Self {
        self.best_bar = Some(bar);
        self.is_best_met = self.best_ratio_to_noop.map(|ratio| bar.is_met(ratio.median));
        self
    }

    /// Adds a further figure.
    pub fn add(&mut self, name: &str, value: f64) {
        self.more.insert(name.to_owned(), value);
    }

    fn add_costs(&mut self, rounds: &Rounds) -> Result<()> {
        let median = |rounds: &[Round], of: &dyn Fn(&Round) -> f64| {
            anyhow::Ok(Spread::of(rounds.iter().map(of))?.median)
        };
        let (ours, noop) = (&rounds.ours, &rounds.noop);
        self.add("cpu_us_per_call", median(ours, &Round::cpu_us_per_call)?);
        self.add("cpu_us_per_call_drained", median(ours, &Round::cpu_us_per_call_drained)?);
        if ours.iter().all(|round| round.cpu_beside.is_some()) {
            let beside = |round: &Round| round.us_per_call(round.cpu_beside.unwrap_or_default());
            self.add("beside_cpu_us_per_call", median(ours, &beside)?);
        }
        self.add("noop_cpu_us_per_call", median(noop, &Round::cpu_us_per_call)?);
        self.add("generator_share", median(ours, &|it| it.generator_share)?);
        self.add("noop_generator_share", median(noop, &|it| it.generator_share)?);
        self.add("other_share", median(ours, &|it| it.other_share)?);
        self.add("noop_other_share", median(noop, &|it| it.other_share)?);
        self.add("answer_bytes", median(ours, &|it| it.run.answer_bytes())?);
        self.add("noop_answer_bytes", rounds.noop_answer_bytes as f64);
        self.add("rss_mib", median(ours, &|it| it.resident_bytes as f64 / 1_048_576.0)?);
        let mut disk = Histogram::new_with_bounds(1, 60_000_000, 3)?;
        for look in &rounds.disk {
            disk.add(look)?;
        }
        self.add("fdatasync_p50_us", disk.value_at_quantile(0.5) as f64);
        self.add("fdatasync_p99_us", disk.value_at_quantile(0.99) as f64);
        let refusals: u64 = ours.iter().map(|it| it.run.refusals).sum();
        self.add("refusals", refusals as f64);
        let stalls = ours.iter().map(|it| it.run.longest_stall().as_secs_f64());
        self.add("longest_stall_s", stalls.fold(0.0, f64::max));
        let drained: Vec<_> = ours.iter().filter_map(|it| it.drained).collect();
        let events: u64 = drained.iter().map(|it| it.events).sum();
        let seconds: f64 = drained.iter().map(|it| it.took.as_secs_f64()).sum();
        self.add("drained_events_per_round", events as f64 / drained.len().max(1) as f64);
        if events > 0 {
            self.add("drained_events_per_s", events as f64 / seconds);
        }
        Ok(())
    }
}

/// The rate of the yardstick in the rounds beside ours.
fn mean(pair: [&Round; 2]) -> f64 {
    pair.iter().map(|it| it.run.rate()).sum::<f64>() / 2.0
}

fn latencies(rounds: &[Round]) -> Result<Histogram<u64>> {
    let mut all = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    for round in rounds {
        all.add(&round.run.latency)?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_have_a_middle_and_ends() -> Result<()> {
        let spread = Spread::of([3.0, 1.0, 2.0])?;
        assert_eq!(spread, Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert!((Spread::of([1.0, 2.0, 4.0, 5.0])?.median - 3.0).abs() < 1e-9);
        assert!(Spread::of([]).is_err());
        Ok(())
    }

    #[test]
    fn a_bar_is_met_from_its_own_side() {
        assert!(Bar::AtLeast(0.8).is_met(0.8) && !Bar::AtLeast(0.8).is_met(0.79));
        assert!(Bar::AtMost(1.25).is_met(1.0) && !Bar::AtMost(1.25).is_met(1.3));
    }
}
