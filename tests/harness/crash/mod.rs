//! The main job while services die: everybody goes on until answered, and what was acknowledged is
//! there afterwards, once.
//!
//! A seed decides who does what, which service dies, and after how many answers.

mod actors;
mod book;
mod check;
mod installer;
mod killer;
mod repeat;

use anyhow::{Context as _, Result, ensure};

use actors::Cast;
use book::Ending;

use crate::seed::Dice;
use crate::world::{World, WorldOptions};

/// What a walk among crashes was.
#[derive(Clone, Debug)]
pub struct Walk {
    /// How often a service was killed.
    pub kills: usize,
    /// Calls whose answer was lost, or that reached nobody; each was sent again until answered.
    pub lost: u64,
    /// Requests that were recorded and sent again afterwards, counted each time.
    pub repeats: usize,
    /// What was acknowledged, for people.
    pub acknowledged: String,
}

/// The world of a walk: the catalog tells its figures.
#[must_use]
pub fn options() -> WorldOptions {
    let metrics = vec![("metrics.listen", "127.0.0.1:0".to_owned())];
    WorldOptions { catalog: metrics, ..WorldOptions::default() }
}

/// Walks through the main job among kills of both services, starts them once more, sends every
/// recorded request again, and compares what was acknowledged with what is there.
///
/// # Errors
/// Something acknowledged is lost or there twice, an answer is not given again, or the story
/// cannot go on.
pub async fn walk(world: &mut World, seed: u64) -> Result<Walk> {
    let cast = Cast::assemble(world)?;
    let beat = cast.beat();
    let dice = Dice::new(seed);
    let (ending, plot) = (Ending(cast.beat()), dice.apart(1));
    let playing = tokio::spawn(async move {
        let _ending = ending;
        cast.play(plot).await
    });
    let kills = killer::work(&mut world.pair, &beat, dice.apart(2)).await?;
    let book = playing.await.context("the actors")??;
    let tally = *beat.borrow();

    // What is on disk counts, not what the last processes have in mind.
    world.pair.kill_catalog()?;
    world.pair.kill_activation()?;
    world.pair.start_activation()?;
    world.pair.start_catalog()?;
    let repeats = repeat::repeat(world, &book, &beat).await?;
    check::check(world, &book).await?;
    ensure!(kills > 0, "nothing was killed");
    let acknowledged = book.to_string();
    Ok(Walk { kills, lost: tally.ended - tally.answered, repeats, acknowledged })
}
