//! What is measured of a large ledger, which takes longest to fill: it is filled once for all that
//! is named together.

use anyhow::{Context as _, Result};

use super::{Figures, Keep, LIMIT_MAX, Ledger, Scenario, Settings, growth, rebuild, restart};

/// Makes the figures of those that are named: the rate first, then clean stops and starts, and the
/// rebuild last, for it wants the service stopped.
pub(super) async fn play(
    settings: &Settings,
    named: &[Scenario],
    keep: &mut Keep<'_>,
) -> Result<()> {
    let is_named = |scenario| named.contains(&scenario);
    let mut small = None;
    if is_named(Scenario::Growth) {
        let figures = growth::small(settings).await?;
        small = figures.first().map(|(_, figure)| figure.clone());
        keep(figures)?;
    }
    let keys = settings.keys.min(usize::try_from(settings.large)?);
    let mut ledger = Ledger::start(settings, keys, LIMIT_MAX).await?;
    let filled = ledger.grow(settings.large).await.context("the large ledger")?;
    let mut figures = Figures::new();
    if let Some(small) = &small {
        figures.extend(growth::large(&ledger, settings, &filled, small).await?);
    }
    if is_named(Scenario::Restart) {
        figures.extend(restart::measure(&mut ledger, settings).await?);
    }
    ledger.settle(&mut figures).await?;
    keep(figures)?;
    if is_named(Scenario::Rebuild) {
        keep(rebuild::measure(ledger, settings).await?)?;
    }
    Ok(())
}
