//! A large ledger beside a small one: rate, memory, and bytes on disk split by file.

use anyhow::Result;

use super::filling::Filled;
use super::{Figures, LIMIT_MAX, Ledger, Settings, new_computers};
use crate::figure::{Bar, Figure, Spread};

const IN_FLIGHT: usize = 128;
const BAR: Bar = Bar::AtLeast(0.85);

/// The small ledger by itself, verified.
pub(super) async fn small(settings: &Settings) -> Result<Figures> {
    let keys = settings.keys.min(usize::try_from(settings.small)?);
    let ledger = Ledger::start(settings, keys, LIMIT_MAX).await?;
    let filled = ledger.grow(settings.small).await?;
    let figure = measure(&ledger, settings, settings.small, &filled).await?;
    ledger.verify(vec![(name(settings.small), figure)]).await
}

/// The large one, which is filled, and both beside each other.
pub(super) async fn large(
    ledger: &Ledger,
    settings: &Settings,
    filled: &Filled,
    small: &Figure,
) -> Result<Figures> {
    let large = measure(ledger, settings, settings.large, filled).await?;
    let mut both = large.clone();
    both.about = format!("{} activations beside {}", settings.large, settings.small);
    // Each was played beside the yardstick; what the machine did in the meantime cancels out.
    let [small, large_ratio] = [small.ratio_to_noop, large.ratio_to_noop];
    both.ratio_to_noop = Spread {
        median: large_ratio.median / small.median,
        min: large_ratio.min / small.max,
        max: large_ratio.max / small.min,
    };
    let both = ("growth".to_owned(), both.with_bar(BAR));
    Ok(vec![(name(settings.large), large), both])
}

fn name(activations: u64) -> String {
    format!("growth_{activations}")
}

async fn measure(
    ledger: &Ledger,
    settings: &Settings,
    activations: u64,
    filled: &Filled,
) -> Result<Figure> {
    let rounds = ledger.play(&settings.plan(), IN_FLIGHT, new_computers).await?;
    let about = format!("new computers in a ledger of {activations}, {IN_FLIGHT} at once");
    let mut figure = Figure::of_rounds(about, &rounds)?;
    filled.add_to(&mut figure);
    Ok(figure)
}
