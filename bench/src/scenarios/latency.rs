//! Latencies when calls come at half and at four fifths of the full rate, whether or not the
//! earlier ones are answered.

use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::{Figures, LIMIT_MAX, Ledger, Settings, new_computers};
use crate::connection::Target;
use crate::figure::{Figure, Spread};
use crate::load::closed;
use crate::noop::{Method, Noop};
use crate::pacer::open;
use crate::run::Run;
use crate::tellings::{Activations, Echo};

/// Callers at once while the full rate is found.
const IN_FLIGHT: usize = 512;
/// Hundredths of the full rate.
const PERCENTS: [u32; 2] = [50, 80];

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    let ledger = Ledger::start(settings, settings.keys, LIMIT_MAX).await?;
    let target = ledger.stand.activate()?;
    let mut turns = 0..;
    let mut load = || {
        let turn = turns.next().context("a turn")?;
        let load = Activations::new(&ledger.tellings, new_computers(turn)).patient();
        anyhow::Ok(Arc::new(load))
    };
    let full = closed(&target, load()?, IN_FLIGHT, settings.length).await?;
    ledger.stand.drain().await?;
    let noop = Noop::start(ledger.stand.folder(), Method::Activate, &full.sample)?;
    let beside = Target { address: noop.address(), ..target.clone() };
    let mut figures = Vec::new();
    for percent in PERCENTS {
        let rate = full.rate() * f64::from(percent) / 100.0;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..settings.rounds {
            ours.push(open(&target, load()?, rate, settings.length).await?);
            ledger.stand.drain().await?;
            let echo = Echo::new(&ledger.tellings, full.sample.clone());
            theirs.push(open(&beside, echo, rate, settings.length).await?);
        }
        let about = format!("new computers at {percent} % of {:.0} a second", full.rate());
        figures.push((format!("latency_{percent}"), figure(about, rate, &ours, &theirs)?));
    }
    ledger.verify(figures).await
}

/// Latencies of both, and the ratio of their p99.
fn figure(about: String, rate: f64, ours: &[Run], theirs: &[Run]) -> Result<Figure> {
    let at = |run: &Run, quantile| run.latency.value_at_quantile(quantile) as f64;
    let median = |runs: &[Run], quantile| {
        anyhow::Ok(Spread::of(runs.iter().map(|run| at(run, quantile)))?.median as u64)
    };
    let pairs = ours.iter().zip(theirs);
    let mut figure = Figure {
        about: format!("{about}; the ratio is that of p99"),
        ratio_to_noop: Spread::of(pairs.map(|(our, their)| at(our, 0.99) / at(their, 0.99)))?,
        rate: Spread::of(ours.iter().map(Run::rate))?,
        noop_rate: Spread::of(theirs.iter().map(Run::rate))?,
        p50_us: median(ours, 0.5)?,
        p99_us: median(ours, 0.99)?,
        p999_us: median(ours, 0.999)?,
        noop_p50_us: median(theirs, 0.5)?,
        noop_p99_us: median(theirs, 0.99)?,
        noop_p999_us: median(theirs, 0.999)?,
        ..Figure::default()
    };
    figure.add("offered_per_s", rate);
    figure.add("refusals", ours.iter().map(|run| run.refusals).sum::<u64>() as f64);
    let stalls = ours.iter().map(|run| run.longest_stall().as_secs_f64());
    figure.add("longest_stall_s", stalls.fold(0.0, f64::max));
    Ok(figure)
}
