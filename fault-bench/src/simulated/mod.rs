//! Lives of the engine in one thread on a simulated ground, each determined by its seed.

mod clocks;
mod damage;
mod histories;
mod mutants;
mod nth_call;
mod store;
mod truth;
mod world;

use activation_service::storage::disk::sim::{Dice, TornSize};
use anyhow::{Result, ensure};

use crate::campaign::{Campaign, Promise, Side, Told};
pub(crate) use mutants::trials;
use world::{Shape, World};

/// All campaigns of this side.
#[must_use]
pub fn campaigns() -> Vec<Campaign> {
    let of = |promise, about, (quick, full), play| {
        let side = Side::Simulated;
        Campaign { promise, side, about, quick, full, play }
    };
    vec![
        of(
            Promise::P1,
            "lives of clients that go away, come at once and come again, over kills and cuts",
            (2_000, 100_000),
            limits,
        ),
        of(Promise::P3, "power cuts, torn at 512 and 4,096 bytes", (200, 5_000), cuts),
        of(Promise::P4, "repeats of requests, each sent ten times or more", (100, 2_000), repeats),
        of(
            Promise::P5,
            "damage to one file of the journal or to rows of the books, and rollback",
            (300, 10_000),
            damage::play,
        ),
        of(
            Promise::P6,
            "the n-th write, sync or rename of a script fails, of the journal and of the books",
            (nth_call::QUICK_RUNS, nth_call::FULL_RUNS),
            nth_call::play,
        ),
        of(
            Promise::P7,
            "jumps of up to 400 days, and a clock that stands",
            (20, 200),
            clocks::play,
        ),
        of(
            Promise::P8,
            "histories of each key over lost answers, kills and cuts",
            (280, 20_000),
            histories::play,
        ),
    ]
}

fn limits(seed: u64) -> Result<Told> {
    let world = World::live(seed, Shape::draw(&mut Dice::new(seed)))?;
    truth::judge(&world)?;
    Ok(Told::of(1))
}

fn cuts(seed: u64) -> Result<Told> {
    let torn = if seed.is_multiple_of(2) { TornSize::Sector4096 } else { TornSize::Sector512 };
    let shape = Shape { torn, ..Shape::of_cuts(&mut Dice::new(seed)) };
    let world = World::live(seed, shape)?;
    truth::judge(&world)?;
    Ok(Told::of(world.tally.cuts))
}

fn repeats(seed: u64) -> Result<Told> {
    let world = World::live(seed, Shape::of_repeats(&mut Dice::new(seed)))?;
    truth::judge(&world)?;
    ensure!(world.tally.repeats >= 9 * world.shape.asks, "hardly anything was sent again");
    Ok(Told::of(world.tally.repeats))
}
