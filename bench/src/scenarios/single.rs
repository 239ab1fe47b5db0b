//! One client: what it waits for beside the yardstick and the disk.

use anyhow::Result;

use super::{Figures, LIMIT_MAX, Ledger, Settings, new_computers};
use crate::figure::{Bar, Figure, Spread};

const BAR: Bar = Bar::AtMost(1.25);
/// The middle of latencies.
const HALF: f64 = 0.5;

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    let ledger = Ledger::start(settings, settings.keys, LIMIT_MAX).await?;
    let rounds = ledger.play(&settings.plan(), 1, new_computers).await?;
    let about = "one client, p50 beside p50 of the yardstick and of fdatasync together".to_owned();
    let mut figure = Figure::of_rounds(about, &rounds)?;
    let synced = rounds.disk.value_at_quantile(HALF) as f64;
    let ratios = rounds.compared(|round, beside| {
        let p50 = |it: &crate::rounds::Round| it.run.latency.value_at_quantile(HALF) as f64;
        p50(round) / (beside.map(p50).iter().sum::<f64>() / 2.0 + synced)
    })?;
    figure.ratio_to_noop = Spread::of(ratios)?;
    ledger.verify(vec![("single".to_owned(), figure.with_bar(BAR))]).await
}
