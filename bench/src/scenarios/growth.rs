//! A large ledger beside a small one: rate, memory, and bytes on disk split by file.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::Result;

use super::{Figures, LIMIT_MAX, Ledger, Settings, new_computers};
use crate::cpu;
use crate::figure::{Bar, Figure, Spread};

const IN_FLIGHT: usize = 128;
const BAR: Bar = Bar::AtLeast(0.85);
/// Bytes that are read at a time from the end of a file.
const PIECE_BYTES: usize = 64 * 1024;
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
    let per =
        |after: u64, before: u64| after.saturating_sub(before) as f64 / activations.max(1) as f64;
    figure.add("journal_bytes_per_activation", per(full.journal, empty.journal));
    figure.add("books_bytes_per_activation", per(full.books, empty.books));
    figure.add("filled_rss_mib", resident_bytes as f64 / 1_048_576.0);
    Ok((ledger, figure))
}

/// Bytes of a ledger.
#[derive(Clone, Copy, Default)]
struct Sizes {
    /// Of the journal without the space that is only taken beforehand.
    journal: u64,
    books: u64,
}

impl Sizes {
    fn of(ledger: &Path) -> Result<Self> {
        let mut sizes = Self::default();
        for entry in std::fs::read_dir(ledger)? {
            let entry = entry?;
            if entry.file_name() == "journal" {
                sizes.journal += bytes_in(&entry.path(), written)?;
            } else {
                sizes.books += bytes_in(&entry.path(), whole)?;
            }
        }
        Ok(sizes)
    }
}

fn bytes_in(path: &Path, of: fn(&Path) -> Result<u64>) -> Result<u64> {
    if !path.is_dir() {
        return of(path);
    }
    let mut sum = 0;
    for entry in std::fs::read_dir(path)? {
        sum += bytes_in(&entry?.path(), of)?;
    }
    Ok(sum)
}

fn whole(file: &Path) -> Result<u64> {
    // A file that went away meanwhile has no bytes.
    Ok(file.metadata().map_or(0, |about| about.len()))
}

/// Bytes up to the last that is not zero.
fn written(file: &Path) -> Result<u64> {
    let mut file = File::open(file)?;
    let mut end = file.metadata()?.len();
    let mut piece = vec![0; PIECE_BYTES];
    while end > 0 {
        let start = end.saturating_sub(PIECE_BYTES as u64);
        piece.resize(usize::try_from(end - start)?, 0);
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut piece)?;
        if let Some(last) = piece.iter().rposition(|byte| *byte != 0) {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_that_is_only_taken_beforehand_is_not_written() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("segment");
        let mut bytes = vec![0; PIECE_BYTES * 2 + 5];
        std::fs::write(&file, &bytes)?;
        assert_eq!(written(&file)?, 0);
        bytes[PIECE_BYTES + 3] = 7;
        std::fs::write(&file, &bytes)?;
        assert_eq!(written(&file)?, PIECE_BYTES as u64 + 4);
        assert_eq!(bytes_in(folder.path(), whole)?, PIECE_BYTES as u64 * 2 + 5);
        Ok(())
    }
}
