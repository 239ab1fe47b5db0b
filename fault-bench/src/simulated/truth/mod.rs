//! What really happened, found out from the journal without the service's help, and whether all
//! that clients were told agrees with it.

mod answers;
mod chain;
mod counts;
mod told;

use anyhow::{Context as _, Result};

use super::world::World;
pub(crate) use chain::Chain;
use counts::Story;

/// Judges a life that is over.
pub(crate) fn judge(world: &World) -> Result<()> {
    let chain = Chain::read(&world.disk)?;
    let story = Story::of(&chain)?;
    answers::judge(world, &chain, &story).context("an answer")
}
