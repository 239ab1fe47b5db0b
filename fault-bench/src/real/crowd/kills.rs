//! Kills the service after so many answers and starts it again at once.

use anyhow::Result;
use system_tests::Dice;
use tokio::sync::watch;
use tokio::task::block_in_place;
use xtask::pair::Pair;

use super::scene::Tally;

/// Fewest answers between two kills.
const ANSWERS_MIN: usize = 15;
/// Most answers between two kills.
const ANSWERS_MAX: usize = 60;

/// Kills until it is over; gives the number of kills.
pub(super) async fn work(
    pair: &mut Pair,
    tally: &watch::Sender<Tally>,
    mut dice: Dice,
) -> Result<u64> {
    let mut watching = tally.subscribe();
    let mut kills = 0;
    loop {
        let answers = ANSWERS_MIN + dice.below(ANSWERS_MAX - ANSWERS_MIN);
        let next = watching.borrow().answered + answers as u64;
        let found = watching.wait_for(|tally| tally.is_over || tally.answered >= next).await;
        if found.map_or(true, |tally| tally.is_over) {
            return Ok(kills);
        }
        block_in_place(|| pair.kill_activation())?;
        tally.send_modify(|tally| tally.is_up = false);
        kills += 1;
        block_in_place(|| pair.start_activation())?;
        tally.send_modify(|tally| tally.is_up = true);
    }
}
