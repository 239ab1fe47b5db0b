//! P3 on the real binaries: the power goes in the middle of the work, twice, and only what was
//! synced is kept, or what a torn write may leave of the rest.

use anyhow::{Context as _, Result, ensure};
use system_tests::{Dice, Service};

use super::stage::Stage;
use super::trace::Loss;
use super::world;
use crate::campaign::{Campaign, Promise, Side, Told};
use crate::mutants::Trial;

/// Actors who work at once.
const ACTORS: u32 = 3;
/// What each does until the power goes, at most.
const STEPS_MAX: usize = 40;
/// Operations of both services within which the power goes first.
const FIRST_CUT_MAX: usize = 700;
/// The same for the second time; half of it is what opening takes.
const SECOND_CUT_MAX: usize = 120;

/// Seeds of the trials; the power goes late in the first.
const LIAR_SEEDS: &[u64] = &[11, 12, 13];

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
    let told = world::play(run(seed, None));
    told.with_context(|| format!("cargo xtask faults --only P3:real --seed {seed} --runs 1"))
}

/// The trials: a disk that lies to one of the services about syncs must be found out, or losses of
/// that service would not be either.
pub(super) fn trials() -> [Trial; 2] {
    fn trial(seed: u64, liar: Option<Service>) -> Result<()> {
        world::play(run(seed, liar)).map(drop)
    }
    let (promise, seeds) = (Promise::P3, LIAR_SEEDS);
    let ledger = |seed, lies: bool| trial(seed, lies.then_some(Service::Activation));
    let store = |seed, lies: bool| trial(seed, lies.then_some(Service::Catalog));
    [
        Trial { name: "a disk that lies to the ledger", promise, seeds, play: ledger },
        Trial { name: "a disk that lies to the catalog", promise, seeds, play: store },
    ]
}

async fn run(seed: u64, liar: Option<Service>) -> Result<Told> {
    let dice = Dice::new(seed);
    let loss = match seed % 3 {
        0 => Loss::Unsynced,
        1 => Loss::Torn(512),
        _ => Loss::Torn(4096),
    };
    let mut stage = Stage::begin().await?;
    stage.liar = liar;
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
    stage.check_books()?;
    Ok(Told { injected: cuts, also: vec![(Promise::P4, repeats)] })
}
