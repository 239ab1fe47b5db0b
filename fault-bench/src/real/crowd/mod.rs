//! P1 and P8 on the real service: a crowd of clients on a few keys with small limits, whose
//! connections are cut, whose requests are sent several times, and whose service is killed.
//!
//! Everything is taken down as the clients saw it. Afterwards the history of every key is walked
//! and must agree with every answer that was given (P1); and what the clients saw of each key must
//! be explained by one order of their calls (P8).

mod calls;
mod client;
mod cutter;
mod kills;
mod scene;
mod walk;

use anyhow::{Context as _, Result, ensure};
use system_tests::Dice;

pub(super) use self::calls::update;
use self::client::Deed;
use self::scene::{Manner, Scene};
use super::world;
use crate::campaign::{Campaign, Promise, Side, Told};
use crate::linear;

/// Many clients at once, most of whom want one of few counts.
const RACE: Manner = Manner {
    clients: 20,
    steps: 7,
    keys: 2,
    limit_max: 6,
    computers: 60,
    deeds: &[
        (12, Deed::Activate),
        (2, Deed::Repeat),
        (2, Deed::Release),
        (2, Deed::SetLimit),
        (1, Deed::Read),
    ],
    kills: false,
};

/// Fewer clients, who do and look at everything.
const HISTORY: Manner = Manner {
    clients: 8,
    steps: 16,
    keys: 3,
    limit_max: 5,
    computers: 12,
    deeds: &[
        (6, Deed::Activate),
        (2, Deed::Repeat),
        (3, Deed::Release),
        (1, Deed::SetLimit),
        (1, Deed::Suspend),
        (1, Deed::Block),
        (6, Deed::Read),
    ],
    kills: true,
};

/// Both campaigns.
pub(super) fn campaigns() -> [Campaign; 2] {
    let races = Campaign {
        promise: Promise::P1,
        side: Side::Real,
        about: "20 clients race on 2 keys: cut connections, duplicates, limits that change",
        quick: 20,
        full: 500,
        play: race,
    };
    let histories = Campaign {
        promise: Promise::P8,
        about: "histories of 8 clients on 3 keys: kills, cut connections, duplicates",
        play: history,
        ..races
    };
    [races, histories]
}

fn race(seed: u64) -> Result<Told> {
    let told = world::play(play(&RACE, seed));
    told.with_context(|| format!("cargo xtask faults --only P1:real --seed {seed} --runs 1"))
}

fn history(seed: u64) -> Result<Told> {
    let told = world::play(play(&HISTORY, seed));
    told.with_context(|| format!("cargo xtask faults --only P8:real --seed {seed} --runs 1"))
}

async fn play(manner: &Manner, seed: u64) -> Result<Told> {
    let mut scene = Scene::begin(manner, &Dice::new(seed)).await?;
    let faults = scene.act().await?;
    let histories = scene.recorder.histories();
    for own in scene.keys.iter() {
        let history = histories.get(&own.id).context("a history")?;
        walk::walk(&scene, own, history).await.with_context(|| own.key.name.clone())?;
        if manner.kills {
            linear::check(history).with_context(|| own.key.name.clone())?;
        }
    }
    ensure!(faults.cuts + faults.duplicates > 0, "nothing was cut and nothing sent twice");
    let injected = faults.cuts + faults.duplicates + faults.kills;
    Ok(Told { injected, also: vec![(Promise::P4, faults.duplicates + faults.again)] })
}
