//! From a clean stop to the first answer.

use std::time::Instant;

use anyhow::{Result, ensure};
use proto::activation::v1::GetKeyRequest;
use system_tests::Person;
use tokio::task::block_in_place;

use super::{Figures, Ledger, Settings};
use crate::figure::{Bar, Figure, Spread};

/// Seconds within which a ledger of a million activations should answer.
const SECONDS_MAX: f64 = 3.0;
/// Seconds within which one of ten million should.
const LARGE_SECONDS_MAX: f64 = 15.0;
/// From so many activations on a ledger is one of ten million.
const LARGE: u64 = 5_000_000;

/// Stops and starts a ledger that is filled, as many times as there are rounds.
pub(super) async fn measure(ledger: &mut Ledger, settings: &Settings) -> Result<Figures> {
    let activations = ledger.tellings.counted_in_all();
    let name = ledger.tellings.keys.name(0);
    let mut seconds = Vec::new();
    for _ in 0..settings.rounds {
        let pair = &mut ledger.stand.world.pair;
        let ended = block_in_place(|| pair.stop_activation())?;
        ensure!(ended.success(), "the activation service ended with {ended}");
        let before = Instant::now();
        block_in_place(|| pair.start_activation())?;
        let mut client = ledger.stand.world.activation(&Person::ops_read())?;
        client.get_key(GetKeyRequest { name: name.clone() }).await?;
        seconds.push(before.elapsed().as_secs_f64());
    }
    let spread = Spread::of(seconds)?;
    let bar = if activations >= LARGE { LARGE_SECONDS_MAX } else { SECONDS_MAX };
    let about =
        format!("from start to an answer with {activations} activations; the ratio is to {bar} s");
    let part = |seconds: f64| seconds / bar;
    let ratio_to_noop =
        Spread { median: part(spread.median), min: part(spread.min), max: part(spread.max) };
    let mut figure =
        Figure { about, ratio_to_noop, ..Figure::default() }.with_bar(Bar::AtMost(1.0));
    figure.add("seconds_median", spread.median);
    figure.add("seconds_min", spread.min);
    figure.add("seconds_max", spread.max);
    figure.add("seconds_bar", bar);
    Ok(vec![("restart".to_owned(), figure)])
}
