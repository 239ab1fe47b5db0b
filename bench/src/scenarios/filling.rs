//! Filling a ledger: told as it goes on, and looked at where it has grown to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::time::{MissedTickBehavior, interval};
use xtask::output;

use super::Ledger;
use crate::cpu;
use crate::figure::Figure;
use crate::load::closed;
use crate::sizes::Sizes;
use crate::tellings::{Activations, Who};

/// Computers that are filled in have numbers beyond those of all rounds.
const FILLED_FIRST: u64 = 1 << 62;
/// Callers at once while a ledger is filled.
const FILLING: usize = 128;
/// Longest time that filling may take.
const FILL_TIME_MAX: Duration = Duration::from_secs(4 * 3_600);
/// Activations between two lines of progress.
const TOLD_EVERY: u64 = 100_000;
/// How often it is looked whether there is a line to tell.
const LOOK_PERIOD: Duration = Duration::from_secs(1);
/// Activations at which a ledger that grows beyond them is looked at.
const MARKS: [u64; 3] = [100_000, 1_000_000, 10_000_000];

/// What was seen of a ledger while it was filled.
pub(super) struct Filled {
    empty: Sizes,
    looks: Vec<Look>,
}

/// What was seen once sled had caught up.
struct Look {
    activations: u64,
    sizes: Sizes,
    resident_bytes: u64,
}

impl Ledger {
    /// Fills an empty ledger with so many activations of new computers, and looks at its size on
    /// the way and at the end.
    pub(super) async fn grow(&self, activations: u64) -> Result<Filled> {
        let empty = Sizes::of(&self.stand.ledger())?;
        let (mut looks, mut done) = (Vec::new(), 0);
        let marks = MARKS.into_iter().filter(|mark| *mark < activations);
        for mark in marks.chain([activations]) {
            self.fill(FILLED_FIRST + done, mark - done).await?;
            done = mark;
            let sizes = Sizes::of(&self.stand.ledger())?;
            let resident_bytes = cpu::resident_bytes(self.stand.pid()?)?;
            looks.push(Look { activations: done, sizes, resident_bytes });
        }
        Ok(Filled { empty, looks })
    }

    /// Activates so many new computers, from this number on, whose numbers say on which keys.
    pub(super) async fn fill(&self, first: u64, count: u64) -> Result<()> {
        let load = Activations::new(&self.tellings, Who::New { first });
        let target = self.stand.activate()?;
        let before = self.tellings.counted_in_all();
        let load = Arc::new(load.at_most(count).insistent());
        tokio::select! {
            run = closed(&target, load, FILLING, FILL_TIME_MAX) => {
                run.context("filling")?;
            }
            () = self.tell_filling(before + count) => {}
        }
        let filled = self.tellings.counted_in_all() - before;
        ensure!(filled == count, "{filled} of {count} computers were activated");
        self.stand.drain().await?;
        Ok(())
    }

    /// Tells on standard error how far a long fill is, and never ends by itself.
    async fn tell_filling(&self, total: u64) {
        let mut again = interval(LOOK_PERIOD);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut told, mut since) = (self.tellings.counted_in_all(), Instant::now());
        loop {
            again.tick().await;
            let done = self.tellings.counted_in_all();
            if done / TOLD_EVERY == told / TOLD_EVERY {
                continue;
            }
            let rate = (done - told) as f64 / since.elapsed().as_secs_f64();
            output::progress(&format!("filled {done} of {total}, {rate:.0} a second"));
            (told, since) = (done, Instant::now());
        }
    }
}

impl Filled {
    /// Adds bytes on disk and memory, at the end and at each mark on the way.
    pub(super) fn add_to(&self, figure: &mut Figure) {
        let Some((last, marks)) = self.looks.split_last() else { return };
        self.add(figure, last, "");
        // The end is a mark like others, so that ledgers of different sizes can be laid together.
        let end = MARKS.contains(&last.activations).then_some(last);
        for look in marks.iter().chain(end) {
            self.add(figure, look, &format!("_at_{}", look.activations));
        }
    }

    fn add(&self, figure: &mut Figure, look: &Look, at: &str) {
        let per = |after: u64, before: u64| {
            after.saturating_sub(before) as f64 / look.activations.max(1) as f64
        };
        let journal = per(look.sizes.journal, self.empty.journal);
        figure.add(&format!("journal_bytes_per_activation{at}"), journal);
        let books = per(look.sizes.books, self.empty.books);
        figure.add(&format!("books_bytes_per_activation{at}"), books);
        figure.add(&format!("filled_rss_mib{at}"), look.resident_bytes as f64 / 1_048_576.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_on_the_way_stand_beside_the_end() {
        let look = |activations, journal, books| Look {
            activations,
            sizes: Sizes { journal, books },
            resident_bytes: 3 << 20,
        };
        let empty = Sizes { journal: 100, books: 0 };
        let looks = vec![look(100_000, 40_000_100, 0), look(200_000, 80_000_100, 200_000)];
        let mut figure = Figure::default();
        Filled { empty, looks }.add_to(&mut figure);
        let of = |name: &str| figure.more.get(name).copied();
        assert_eq!(of("journal_bytes_per_activation_at_100000"), Some(400.0));
        assert_eq!(of("journal_bytes_per_activation"), Some(400.0));
        assert_eq!(of("books_bytes_per_activation"), Some(1.0));
        assert_eq!(of("filled_rss_mib_at_100000"), Some(3.0));
        assert_eq!(figure.more.len(), 6);
        let (empty, looks) = (Sizes::default(), vec![look(100_000, 0, 0)]);
        let mut figure = Figure::default();
        Filled { empty, looks }.add_to(&mut figure);
        assert_eq!(figure.more.len(), 6, "the end is a mark too");
    }
}
