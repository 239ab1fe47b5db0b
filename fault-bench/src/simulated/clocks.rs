//! P7: a life with a clock that jumps and stands beside the same life with one that goes.

use activation_service::app::AppError;
use activation_service::domain::error::Refusal;
use activation_service::storage::disk::sim::Dice;
use anyhow::{Result, ensure};

use super::truth::{self, Chain};
use super::world::{Shape, Told as Answer, World};
use crate::campaign::Told;

/// Plays a seed with both clocks.
pub(super) fn play(seed: u64) -> Result<Told> {
    let shape = Shape::of_clocks(&mut Dice::new(seed));
    let jumping = World::live(seed, shape)?;
    truth::judge(&jumping)?;
    if shape.activate_by_percent == 0 {
        let steady = World::live(seed, Shape { jump_days_max: 0, ..shape })?;
        ensure!(steady.tally.jumps == 0, "a steady clock jumped");
        compare(&steady, &jumping)?;
    }
    Ok(Told::of(jumping.tally.jumps.max(1)))
}

/// Everything but times and what is signed over them is the same.
fn compare(steady: &World, jumping: &World) -> Result<()> {
    let (one, other) = (Chain::read(&steady.disk)?, Chain::read(&jumping.disk)?);
    ensure!(one.leaves.len() == other.leaves.len(), "the clock changed how much is recorded");
    for (one, other) in one.leaves.iter().zip(&other.leaves) {
        let timeless =
            receipt::Leaf { shown_ms: one.shown_ms, raw_ms: one.raw_ms, ..other.clone() };
        ensure!(*one == timeless, "the clock changed event {}", one.sequence);
    }
    ensure!(steady.sent.len() == jumping.sent.len(), "the clock changed what was asked");
    for (place, (one, other)) in steady.sent.iter().zip(&jumping.sent).enumerate() {
        let (one, other) = (one.told.as_ref(), other.told.as_ref());
        let same = one.map(|it| gist(&it.1)) == other.map(|it| gist(&it.1));
        ensure!(same, "the clock changed answer {place}: {one:?} {other:?}");
    }
    Ok(())
}

/// What a client was told, without times and signatures.
fn gist(told: &Answer) -> String {
    match told {
        Answer::Activated(it) => format!("{:?}", it.granted),
        Answer::Previewed(it) => format!("{:?} {:?}", it.granted.outcome, it.granted.used),
        Answer::GivenUp(it) => format!("{:?}", it.released),
        Answer::Key(head) => format!("{} {} {}", head.version, head.used, head.terms.limit),
        Answer::Usages(it) => format!("{:?} {:?}", it.usages, it.missing),
        Answer::Events(page) => {
            format!("{:?}", page.events.iter().map(|it| it.event.version).collect::<Vec<_>>())
        }
        Answer::Computers(page) => {
            let row = |row: &activation_service::app::ComputerRow| (row.activation, row.active);
            format!("{:?}", page.rows.iter().map(row).collect::<Vec<_>>())
        }
        Answer::LedgerHead(_) => String::new(),
        Answer::No(AppError::Refused { refusal: Refusal::ActivateByPassed { .. }, .. }) => {
            "too late".to_owned()
        }
        Answer::No(error) => format!("{error:?}"),
    }
}
