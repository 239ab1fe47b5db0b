//! Kills a service after so many answers, or while a call is in flight, and starts it again after
//! so many calls have felt it.

use anyhow::Result;
use tokio::task::block_in_place;
use xtask::pair::Pair;

use super::book::{Beat, Tally};
use crate::seed::Dice;

/// Most answers that a service may give between two kills.
const ANSWERS_MAX: usize = 12;
/// Most calls that end before a killed service is started again.
const FELT_MAX: usize = 6;

/// Kills and starts until it is over; gives the number of kills.
pub(super) async fn work(pair: &mut Pair, beat: &Beat, mut dice: Dice) -> Result<usize> {
    let mut kills = 0;
    loop {
        let answers = 1 + dice.below(ANSWERS_MAX) as u64;
        let from = beat.borrow().answered;
        let in_flight = dice.one_in(2);
        let now = until(beat, |tally| {
            tally.answered >= from + answers && (!in_flight || tally.begun > tally.ended)
        });
        if now.await.over {
            return Ok(kills);
        }
        let (activation, catalog) = match dice.below(5) {
            0 | 1 => (true, false),
            2 | 3 => (false, true),
            _ => (true, true),
        };
        block_in_place(|| {
            let first = if activation { pair.kill_activation() } else { Ok(()) };
            let second = if catalog { pair.kill_catalog() } else { Ok(()) };
            first.and(second)
        })?;
        kills += usize::from(activation) + usize::from(catalog);
        let (from, felt) = (beat.borrow().ended, dice.below(FELT_MAX) as u64);
        until(beat, |tally| tally.ended >= from + felt).await;
        block_in_place(|| {
            let first = if activation { pair.start_activation() } else { Ok(()) };
            let second = if catalog { pair.start_catalog() } else { Ok(()) };
            first.and(second)
        })?;
    }
}

/// Waits until the tally stands so, or it is over.
async fn until(beat: &Beat, stands: impl Fn(&Tally) -> bool) -> Tally {
    let mut watching = beat.subscribe();
    let found = watching.wait_for(|tally| tally.over || stands(tally)).await;
    found.map_or(Tally { over: true, ..Tally::default() }, |tally| *tally)
}
