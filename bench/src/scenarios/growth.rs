//! A large ledger beside a small one: rate, memory, and bytes on disk split by file.

use std::path::Path;

use anyhow::Result;

use super::{Figures, LIMIT_MAX, Ledger, Settings, new_computers};
use crate::cpu;
use crate::figure::{Bar, Figure, Spread};

const IN_FLIGHT: usize = 128;
const BAR: Bar = Bar::AtLeast(0.85);
/// Computers that are filled in have numbers beyond those of all rounds.
const FILLED_FIRST: u64 = 1 << 62;

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    let (small_ledger, small) = measured(settings, settings.small).await?;
    let mut figures = small_ledger.verify(vec![(name(settings.small), small.clone())]).await?;
    let (large_ledger, large) = measured(settings, settings.large).await?;
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
    figures.extend(large_ledger.verify(vec![(name(settings.large), large), both]).await?);
    Ok(figures)
}

fn name(activations: u64) -> String {
    format!("growth_{activations}")
}

/// Fills a ledger, looks at its size, and measures it.
async fn measured(settings: &Settings, activations: u64) -> Result<(Ledger, Figure)> {
    let keys = settings.keys.min(usize::try_from(activations)?);
    let ledger = Ledger::start(settings, keys, LIMIT_MAX).await?;
    let empty = Sizes::of(&ledger.stand.ledger())?;
    ledger.fill(FILLED_FIRST, activations).await?;
    let full = Sizes::of(&ledger.stand.ledger())?;
    let resident_bytes = cpu::resident_bytes(ledger.stand.pid()?)?;
    let rounds = ledger.play(&settings.plan(), IN_FLIGHT, new_computers).await?;
    let about = format!("new computers in a ledger of {activations}, {IN_FLIGHT} at once");
    let mut figure = Figure::of_rounds(about, &rounds)?;
    let per = |bytes: u64| bytes as f64 / activations.max(1) as f64;
    figure.add("journal_bytes_per_activation", per(full.journal - empty.journal.min(full.journal)));
    figure.add("books_bytes_per_activation", per(full.books - empty.books.min(full.books)));
    figure.add("filled_rss_mib", resident_bytes as f64 / 1_048_576.0);
    Ok((ledger, figure))
}

/// Bytes that the file system holds for a ledger.
#[derive(Clone, Copy, Default)]
struct Sizes {
    journal: u64,
    books: u64,
}

impl Sizes {
    fn of(ledger: &Path) -> Result<Self> {
        let mut sizes = Self::default();
        for entry in std::fs::read_dir(ledger)? {
            let entry = entry?;
            let name = entry.file_name();
            let bytes = bytes_in(&entry.path())?;
            if name == "journal" { sizes.journal += bytes } else { sizes.books += bytes }
        }
        Ok(sizes)
    }
}

fn bytes_in(path: &Path) -> Result<u64> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path)?.map(|entry| bytes_in(&entry?.path()));
        return entries.sum();
    }
    // A file that went away meanwhile has no bytes.
    Ok(path.metadata().map_or(0, |about| about.len()))
}
