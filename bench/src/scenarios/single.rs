//! One client: what it waits for beside the yardstick and the disk.

use anyhow::Result;
use hdrhistogram::Histogram;

use super::{Figures, LIMIT_MAX, Ledger, Settings, new_computers};
use crate::figure::{Bar, Figure, Spread};
use crate::rounds::Plan;

const BAR: Bar = Bar::AtMost(1.25);
/// The middle of latencies.
const HALF: f64 = 0.5;

/// Each round is cut into so many, for the disk is fast at one moment and slow at the next.
const PARTS: usize = 5;

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    let ledger = Ledger::start(settings, settings.keys, LIMIT_MAX).await?;
    let whole = settings.plan();
    let plan = Plan {
        length: whole.length / PARTS as u32,
        noop_length: whole.noop_length / PARTS as u32,
        rounds: whole.rounds * PARTS,
    };
    let rounds = ledger.play(&plan, 1, new_computers).await?;
    let about = "one client, p50 beside p50 of the yardstick and the least of fdatasync together"
        .to_owned();
    let mut figure = Figure::of_rounds(about, &rounds)?;
    let p50 = |it: &Histogram<u64>| it.value_at_quantile(HALF) as f64;
    let mean = |pair: [f64; 2]| pair.iter().sum::<f64>() / 2.0;
    // On a busy machine a sync waits for a processor rather than for the disk. The quickest look
    // at the disk is what it can do, and no noise of it is in our favour.
    let synced = rounds.disk.iter().map(p50).fold(f64::INFINITY, f64::min);
    let ratios = rounds.compared(|round, noop| {
        p50(&round.run.latency) / (mean(noop.map(|it| p50(&it.run.latency))) + synced)
    })?;
    figure.add("fdatasync_p50_us_least", synced);
    figure.ratio_to_noop = Spread::of(ratios)?;
    ledger.verify(vec![("single".to_owned(), figure.with_bar(BAR))]).await
}
