//! P3 on the real binaries: the power goes in the middle of the work, twice, and only what was
//! synced is kept, or what a torn write may leave of the rest.

use anyhow::{Context as _, Result, ensure};
use system_tests::Dice;

use super::stage::Stage;
use super::trace::Loss;
use super::world;
use crate::campaign::{Campaign, Promise, Side, Told};

/// Actors who work at once.
const ACTORS: u32 = 3;
/// What each does until the power goes, at most.
const STEPS_MAX: usize = 40;
/// Operations of both services within which the power goes first.
const FIRST_CUT_MAX: usize = 700;
/// The same for the second time; half of it is what opening takes.
const SECOND_CUT_MAX: usize = 120;

/// The campaign.
pub(super) fn campaign() -> Campaign {
    Campaign {
        promise: Promise::P3,
        side: Side::Real,
        about: "power cuts of both services, synced only and torn in 512 B and 4 KiB",
        quick: 10,
        full: 300,
        play,
    }
}

fn play(seed: u64) -> Result<Told> {
    let told = world::play(run(seed));
    told.with_context(|| format!("cargo xtask faults --only P3:real --seed {seed} --runs 1"))
}

async fn run(seed: u64) -> Result<Told> {
    let dice = Dice::new(seed);
    let loss = match seed % 3 {
        0 => Loss::Unsynced,
        1 => Loss::Torn(512),
        _ => Loss::Torn(4096),
    };
    let mut stage = Stage::begin(Vec::new()).await?;
    let mut actors = stage.actors(ACTORS, &dice)?;
    let mut moments = dice.apart(100);
    let mut cuts = 0;
    for most in [FIRST_CUT_MAX, SECOND_CUT_MAX] {
        stage.shim.cut_after(1 + moments.below(most) as u64)?;
        if cuts == 0 || stage.start()? {
            actors = stage.work(actors, STEPS_MAX).await?;
        }
        cuts += 1;
        stage.cut(loss, &dice.apart(100 + cuts))?;
    }
    ensure!(stage.start()?, "the power is back");
    let repeats = stage.reckon(actors).await?;
    // The books must survive by themselves; making them again from the journal would hide a loss.
    stage.check_logs(&["panicked", "set aside"])?;
    Ok(Told { injected: cuts, also: vec![(Promise::P4, repeats)] })
}
