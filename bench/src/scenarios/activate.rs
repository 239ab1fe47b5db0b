//! New computers over many keys: durable, signed, counted.

use anyhow::Result;

use super::{BEST_STRETCH, Figures, LIMIT_MAX, Ledger, Settings, new_computers};
use crate::figure::{Bar, Figure};

/// Callers at once.
const IN_FLIGHT: [usize; 2] = [128, 512];
/// What the whole of a run should reach.
const WHOLE: Bar = Bar::AtLeast(0.60);
/// What its best stretch should reach.
const BEST: Bar = Bar::AtLeast(0.80);

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    let mut figures = Vec::new();
    for in_flight in IN_FLIGHT {
        let ledger = Ledger::start(settings, settings.keys, LIMIT_MAX).await?;
        let rounds = ledger.play(&settings.plan(), in_flight, new_computers).await?;
        let about = format!("new computers over {} keys, {in_flight} at once", settings.keys);
        let figure = Figure::of_rounds(about, &rounds)?.with_bar(WHOLE);
        let figure = figure.with_best(&rounds, BEST_STRETCH)?.with_best_bar(BEST);
        figures.extend(ledger.verify(vec![(format!("activate_{in_flight}"), figure)]).await?);
    }
    Ok(figures)
}
