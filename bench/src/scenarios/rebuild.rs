//! The state made anew from the journal: in memory, and as books of sled beside what bare sled
//! takes.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::task::block_in_place;
use xtask::output;

use super::{Figures, Ledger, Settings};
use crate::bare::{self, BareArgs, RowBytes};
use crate::figure::{Bar, Figure, Spread};

/// Events a second that should be made into accounts in memory.
const IN_MEMORY_BAR: f64 = 200_000.0;
/// What new books should reach of the rate of bare sled.
const BAR: Bar = Bar::AtLeast(0.8);
/// How the folders of books that were set aside begin.
const SET_ASIDE: &str = "sled-set-aside-";

/// What `ledger rebuild` says of one of its phases.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Phase {
    events: u64,
    took: Duration,
}

/// Rebuilds the books of a ledger that is stopped and verified, verifies the new ones, and lets
/// bare sled write as much once the ledger is gone, for disks are not large enough for both.
pub(super) async fn measure(ledger: Ledger, settings: &Settings) -> Result<Figures> {
    let (keys, activations) = (ledger.tellings.keys.len() as u64, ledger.tellings.counted_in_all());
    let (checking, applying, rows) = block_in_place(|| {
        output::progress("rebuilding the books");
        let told = ledger.stand.upkeep("rebuild", &[])?;
        let phase = |name| phase(&told, name).with_context(|| format!("{name} in {told:?}"));
        let (checking, applying) = (phase("checking")?, phase("applying")?);
        let rows = rows_set_aside(&ledger.stand.ledger())?;
        ledger.stand.check().context("the ledger with its new books")?;
        drop(ledger);
        anyhow::Ok((checking, applying, rows))
    })?;
    ensure!(
        applying.events == keys + activations,
        "{} events of {keys} keys and {activations} activations",
        applying.events
    );
    output::progress("the same rows in bare sled");
    let args = BareArgs { keys, activations, seed: settings.seed, marks: Vec::new(), rows };
    let bare = block_in_place(|| bare::run(&args))?;
    let (in_memory, sled) = (checking.rate(), applying.rate());
    let mut figure = Figure {
        about: format!("new books of {activations} activations over {keys} keys, beside bare sled"),
        ratio_to_noop: Spread::of([sled / bare.events_per_s])?,
        rate: Spread::of([sled])?,
        noop_rate: Spread::of([bare.events_per_s])?,
        // What was compared was, before and after; each failure is no result.
        verified: true,
        ..Figure::default()
    };
    figure.add("in_memory_events_per_s", in_memory);
    figure.add("sled_events_per_s", sled);
    figure.add("bare_sled_events_per_s", bare.events_per_s);
    figure.add("events", applying.events as f64);
    rows.add_to(&mut figure);
    let mut made = Figure {
        about: format!("accounts made in memory from {} events, to 200,000/s", checking.events),
        ratio_to_noop: Spread::of([in_memory / IN_MEMORY_BAR])?,
        rate: Spread::of([in_memory])?,
        verified: true,
        ..Figure::default()
    };
    made.add("seconds", checking.took.as_secs_f64());
    Ok(vec![
        ("rebuild".to_owned(), figure.with_bar(BAR)),
        ("rebuild_in_memory".to_owned(), made.with_bar(Bar::AtLeast(1.0))),
    ])
}

impl Phase {
    fn rate(self) -> f64 {
        self.events as f64 / self.took.as_secs_f64()
    }
}

/// A phase by its line, `{name}: {events} events in {seconds} s`; lines of progress are others.
fn phase(told: &str, name: &str) -> Option<Phase> {
    told.lines().find_map(|line| {
        let (events, rest) =
            line.strip_prefix(name)?.strip_prefix(": ")?.split_once(" events in ")?;
        let seconds: f64 = rest.split_once(" s")?.0.parse().ok()?;
        Some(Phase { events: events.parse().ok()?, took: Duration::from_secs_f64(seconds) })
    })
}

/// Bytes of rows as the service wrote them, from the books that were set aside, which then go.
fn rows_set_aside(ledger: &Path) -> Result<RowBytes> {
    for entry in std::fs::read_dir(ledger)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(SET_ASIDE) {
            let rows = RowBytes::of_books(&entry.path())?;
            std::fs::remove_dir_all(entry.path())?;
            return Ok(rows);
        }
    }
    anyhow::bail!("no books were set aside")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_told_from_progress() {
        let told = "checking: 50 of 90 events, 55 %\napplied 90 events; the old books are in x\n\
                    checking: 90 events in 0.250 s, 7 accounts made in memory\n\
                    applying: 90 events in 1.500 s, written to new books\n";
        let of = |name| phase(told, name).map(|it| (it.events, it.took.as_millis()));
        assert_eq!(of("checking"), Some((90, 250)));
        assert_eq!(of("applying"), Some((90, 1_500)));
        assert_eq!(of("applied"), None);
    }
}
