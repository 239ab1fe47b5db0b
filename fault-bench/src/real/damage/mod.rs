//! P5 on the real service: one file of a cleanly stopped ledger is damaged, or the whole ledger is
//! older than its last anchor. Every question is answered as before, or refused by a named error.

mod base;
mod files;
mod harm;
mod judge;
mod life;
mod questions;

use anyhow::{Context as _, Result};
use system_tests::{Dice, World, WorldOptions};
use tempfile::TempDir;

use self::base::Base;
use super::world;
use crate::campaign::{Campaign, Promise, Side, Told};

/// The campaign.
pub(super) fn campaign() -> Campaign {
    Campaign {
        promise: Promise::P5,
        side: Side::Real,
        about: "damage to one file of a stopped ledger, and older copies of all of it",
        quick: 30,
        full: 1_000,
        play,
    }
}

fn play(seed: u64) -> Result<Told> {
    let told = Base::get().and_then(|base| world::play(run(base, seed)));
    told.with_context(|| format!("cargo xtask faults --only P5:real --seed {seed} --runs 1"))
}

async fn run(base: &Base, seed: u64) -> Result<Told> {
    let mut dice = Dice::new(seed);
    let mut ledger = base.ledger.clone();
    let harm = harm::inflict(&mut ledger, &base.older, seed, &mut dice)?;
    let judged = judge::judge(base, &ledger, &harm).await;
    judged.with_context(|| format!("{harm:?}"))?;
    Ok(Told::of(1))
}

/// A world of the activation service alone in this folder, whose anchors lie beside the ledger.
fn prepare(folder: TempDir, anchors: bool) -> Result<World> {
    let mut activation = vec![("telemetry.filter", "warn".to_owned())];
    if anchors {
        let file = folder.path().join("anchors");
        activation.push(("anchors.file", file.display().to_string()));
    }
    let options = WorldOptions { activation, is_alone: true, ..WorldOptions::default() };
    World::prepare_in(folder, options)
}
