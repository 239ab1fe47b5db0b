//! What the JSON of runs tells, and which lines and bars come of it.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

use super::{Axis, Chart, Kind, Line};

/// Figures by name.
#[derive(Debug, Default)]
pub struct Told(BTreeMap<String, Measured>);

/// As much of a figure as is drawn.
#[derive(Debug, Deserialize)]
struct Measured {
    rate: Middle,
    noop_rate: Middle,
    p50_us: f64,
    p99_us: f64,
    p999_us: f64,
    verified: bool,
    more: BTreeMap<String, f64>,
}

#[derive(Debug, Deserialize)]
struct Middle {
    median: f64,
}

/// What a line takes from a figure.
type Of = fn(&Measured) -> Option<f64>;

impl Told {
    /// Adds the figures of a run; those of the same name before are forgotten. What is not verified
    /// is no figure.
    ///
    /// # Errors
    /// It is no JSON of the bench.
    pub fn add(&mut self, json: &str) -> Result<()> {
        let report: BTreeMap<String, Value> = serde_json::from_str(json)?;
        for (name, value) in report {
            if name == "about" {
                continue;
            }
            let figure: Measured = serde_json::from_value(value)?;
            if figure.verified {
                self.0.insert(name, figure);
            }
        }
        Ok(())
    }

    /// Figures whose names are this word and a number, by the number.
    fn numbered(&self, word: &str) -> Vec<(f64, &Measured)> {
        let number = |name: &String| name.strip_prefix(word)?.strip_prefix('_')?.parse().ok();
        let mut found: Vec<(f64, &Measured)> =
            self.0.iter().filter_map(|(name, figure)| Some((number(name)?, figure))).collect();
        found.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        found
    }

    fn lines<const N: usize>(&self, word: &str, named: [(&str, Of); N]) -> Vec<Line> {
        let figures = self.numbered(word);
        let line = |(name, of): (&str, Of)| Line {
            name: name.to_owned(),
            points: figures.iter().filter_map(|(at, figure)| Some((*at, of(figure)?))).collect(),
        };
        named.map(line).into_iter().filter(|line| !line.points.is_empty()).collect()
    }

    /// Activations a second beside the yardstick, by the size of the ledger.
    pub(super) fn rate_against_ledger(&self) -> Option<Chart> {
        let lines = self.lines(
            "growth",
            [
                ("activations a second", |it| Some(it.rate.median)),
                ("a service that does nothing", |it| Some(it.noop_rate.median)),
            ],
        );
        Chart::of("Rate against the size of the ledger", Kind::Lines(lines))?.with_axes(
            Axis::logarithmic("activations in the ledger"),
            Axis::linear("answers a second"),
        )
    }

    /// Memory of the service, by the size of the ledger.
    pub(super) fn memory_against_ledger(&self) -> Option<Chart> {
        let lines = self.lines(
            "growth",
            [
                ("under load", |it| it.more.get("rss_mib").copied()),
                ("before it", |it| it.more.get("filled_rss_mib").copied()),
            ],
        );
        Chart::of("Memory against the size of the ledger", Kind::Lines(lines))?
            .with_axes(Axis::logarithmic("activations in the ledger"), Axis::linear("RSS in MiB"))
    }

    /// Latencies, by the hundredths of the full rate that were offered.
    pub(super) fn latency_against_load(&self) -> Option<Chart> {
        let lines = self.lines(
            "latency",
            [
                ("p50", |it| Some(it.p50_us / 1_000.0)),
                ("p99", |it| Some(it.p99_us / 1_000.0)),
                ("p99.9", |it| Some(it.p999_us / 1_000.0)),
            ],
        );
        Chart::of("Latency against load", Kind::Lines(lines))?.with_axes(
            Axis::linear("% of the full rate"),
            Axis::logarithmic("milliseconds from when a call was due"),
        )
    }

    /// Our rate and the best of each peer.
    pub(super) fn beside_peers(&self) -> Option<Chart> {
        let peers = self.0.iter().filter_map(|(name, it)| Some((name.strip_prefix("peers_")?, it)));
        let mut bars = Vec::new();
        for (name, figure) in peers {
            bars.push(("ours".to_owned(), figure.rate.median));
            bars.push((name.to_owned(), figure.noop_rate.median));
        }
        Chart::of("Durable activations a second", Kind::Bars(bars))?
            .with_axes(Axis::linear(""), Axis::linear("a second"))
    }
}
