//! P2 on the real binaries: the main job while both services are killed, and P4 after each walk.

use anyhow::{Context as _, Result};
use system_tests::crash;

use super::world;
use crate::campaign::{Campaign, Promise, Side, Told};

/// The campaign.
pub(super) fn campaign() -> Campaign {
    Campaign {
        promise: Promise::P2,
        side: Side::Real,
        about: "kills of both services under load",
        quick: 10,
        full: 500,
        play,
    }
}

fn play(seed: u64) -> Result<Told> {
    let told = world::play(run(seed));
    told.with_context(|| format!("cargo xtask faults --only P2:real --seed {seed} --runs 1"))
}

async fn run(seed: u64) -> Result<Told> {
    let mut world = world::start(world::folder()?, crash::options()).await?;
    let walk = crash::walk(&mut world, seed).await?;
    // What was sent again because no answer came is a repeat like those after the walk.
    let repeats = walk.lost + walk.repeats as u64;
    Ok(Told { injected: walk.kills as u64, also: vec![(Promise::P4, repeats)] })
}
