//! Unchanged computers again, which records nothing: over many keys, and by how many computers a
//! key knows.

use anyhow::Result;

use super::{Figures, LIMIT_MAX, Ledger, Settings};
use crate::figure::{Bar, Figure};
use crate::tellings::Who;

const IN_FLIGHT: usize = 128;
const BAR: Bar = Bar::AtLeast(0.85);
/// Computers that are activated beforehand, and then again and again.
const KNOWN: u64 = 20_000;
/// Computers that each key knows, and the fewest keys that they are spread over.
const KNOWN_PER_KEY: [u64; 4] = [1, 5, 20, 5_000];

pub(super) async fn reactivate(settings: &Settings) -> Result<Figures> {
    let about = format!("{KNOWN} unchanged computers on as many keys, {IN_FLIGHT} at once");
    let (ledger, figure) = again(settings, 1, about).await?;
    ledger.verify(vec![("reactivate".to_owned(), figure.with_bar(BAR))]).await
}

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    let mut figures = Vec::new();
    for per_key in KNOWN_PER_KEY {
        let keys = KNOWN / per_key;
        let about = format!("unchanged computers, {per_key} known on each of {keys} keys");
        let (ledger, figure) = again(settings, per_key, about).await?;
        figures.extend(ledger.verify(vec![(format!("known_{per_key}"), figure)]).await?);
    }
    Ok(figures)
}

async fn again(settings: &Settings, per_key: u64, about: String) -> Result<(Ledger, Figure)> {
    let keys = usize::try_from(KNOWN / per_key)?;
    let ledger = Ledger::start(settings, keys, LIMIT_MAX).await?;
    ledger.fill(0, KNOWN).await?;
    let who = |_| Who::Known { first: 0, count: KNOWN };
    let rounds = ledger.play(&settings.plan(), IN_FLIGHT, who).await?;
    let figure = Figure::of_rounds(about, &rounds)?;
    Ok((ledger, figure))
}
