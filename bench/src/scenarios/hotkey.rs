//! New computers, all on one key with a high limit.

use anyhow::Result;

use super::{Figures, LIMIT_MAX, Ledger, ROUND_BITS, Settings};
use crate::figure::{Bar, Figure};
use crate::tellings::Who;

const IN_FLIGHT: usize = 128;
const BAR: Bar = Bar::AtLeast(0.80);

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    // A key for the warm-up and for each round, for a key has its greatest limit.
    let ledger = Ledger::start(settings, settings.rounds + 1, LIMIT_MAX).await?;
    let who = |round| Who::NewOn { key: round, first: round << ROUND_BITS };
    let rounds = ledger.play(&settings.plan(), IN_FLIGHT, who).await?;
    let about = format!("new computers on one key, {IN_FLIGHT} at once");
    let figure = Figure::of_rounds(about, &rounds)?.with_bar(BAR);
    ledger.verify(vec![("hotkey".to_owned(), figure)]).await
}
