//! Sled alone as it grows, written as the service writes its books, with no journal, account or
//! call around it.

use anyhow::{Context as _, Result};
use tokio::task::block_in_place;

use super::{Figures, LIMIT_MAX, Ledger, Settings};
use crate::bare::{self, BareArgs, RowBytes};
use crate::figure::{Figure, Spread};

/// Activations at which the rate is told, if there are so many, and at the end.
const MARKS: [u64; 4] = [100_000, 1_000_000, 5_000_000, 10_000_000];
/// Activations from which the sizes of rows are taken, and over how many keys.
const SAMPLE: u64 = 5_000;
const SAMPLE_KEYS: usize = 500;

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    let rows = sample(settings).await.context("rows of the service")?;
    let mut marks: Vec<u64> = MARKS.into_iter().filter(|mark| *mark < settings.large).collect();
    marks.push(settings.large);
    let keys = settings.keys as u64;
    let (activations, seed) = (settings.large, settings.seed);
    let args = BareArgs { keys, activations, seed, marks, rows };
    let told = block_in_place(|| bare::run(&args))?;
    let rates = told.marks.iter().map(|mark| mark.events_per_s);
    let first = rates.clone().next().context("a mark")?;
    let mut figure = Figure {
        about: format!("bare sled up to {activations} activations; the ratio is to its first mark"),
        ratio_to_noop: Spread::of(rates.clone().map(|rate| rate / first))?,
        rate: Spread::of(rates)?,
        // Its rows were counted.
        verified: true,
        ..Figure::default()
    };
    for mark in &told.marks {
        let at = mark.activations;
        figure.add(&format!("bare_sled_events_per_s_at_{at}"), mark.events_per_s);
        figure.add(&format!("bare_sled_bytes_at_{at}"), mark.file_bytes as f64);
    }
    figure.add("bare_sled_events_per_s", told.events_per_s);
    rows.add_to(&mut figure);
    Ok(vec![("bare".to_owned(), figure)])
}

/// Sizes of the rows that the service writes, from a small ledger of its own.
async fn sample(settings: &Settings) -> Result<RowBytes> {
    let mut ledger = Ledger::start(settings, SAMPLE_KEYS, LIMIT_MAX).await?;
    ledger.fill(0, SAMPLE).await?;
    ledger.settle(&mut Figures::new()).await?;
    block_in_place(|| RowBytes::of_books(&ledger.stand.ledger().join("sled")))
}
