//! P6: one scripted run, in which the n-th call that changes something fails, for every n.

use std::sync::OnceLock;

use activation_service::storage::disk::sim::{Calls, Fault, FaultKind};
use anyhow::{Context as _, Result, ensure};

use super::store::{StoreCalls, StoreFault, StoreFaultKind};
use super::truth;
use super::world::{Shape, World};
use crate::campaign::Told;

/// The seed of the script.
const SCRIPT: u64 = 6;
/// What fails and how.
const WAYS: [Way; 4] = [
    Way::Disk(FaultKind::Io),
    Way::Disk(FaultKind::NoSpace),
    Way::Store(StoreFaultKind::Io),
    Way::Store(StoreFaultKind::NoSpace),
];
/// Runs that try the first 150 calls in each way.
pub(super) const QUICK_RUNS: u64 = 150 * WAYS.len() as u64;
/// Runs that try every call in each way; a test compares it with the script.
pub(super) const FULL_RUNS: u64 = 250 * WAYS.len() as u64;

#[derive(Clone, Copy, Debug)]
enum Way {
    /// A call of the journal's disk.
    Disk(FaultKind),
    /// A call of the books' engine.
    Store(StoreFaultKind),
}

/// How many calls the script makes of the disk and of the books when nothing fails.
#[derive(Clone, Copy, Debug)]
struct Calling {
    disk: u64,
    store: u64,
}

/// Plays the script with a fault: each seed is a call and a way to fail.
pub(super) fn play(seed: u64) -> Result<Told> {
    let ways = WAYS.len() as u64;
    let place = seed.saturating_sub(1);
    let way = WAYS.get(usize::try_from(place % ways)?).context("a way")?;
    let calling = calling()?;
    let mut world = World::new(SCRIPT, Shape::scripted());
    let nth = |calls: u64| 1 + (place / ways) % calls;
    match *way {
        Way::Disk(kind) => {
            world.disk.plant(Fault { calls: Calls::Changing, nth: nth(calling.disk), kind });
        }
        Way::Store(kind) => {
            let (calls, nth) = (StoreCalls::Changing, nth(calling.store));
            world.shelf.plant(StoreFault { calls, nth, kind });
        }
    }
    let at = || format!("{way:?} at call {} of {calling:?}", nth(u64::MAX));
    world.live_on().with_context(at)?;
    ensure!(world.tally.faults > 0, "the fault did not strike: {}", at());
    truth::judge(&world).with_context(at)?;
    Ok(Told::of(1))
}

/// Plays the script once without a fault.
fn calling() -> Result<Calling> {
    static CALLING: OnceLock<Calling> = OnceLock::new();
    if let Some(calling) = CALLING.get() {
        return Ok(*calling);
    }
    let world = World::live(SCRIPT, Shape::scripted())?;
    truth::judge(&world)?;
    let (disk, store) = world.calls_in_war;
    let calling = Calling { disk, store };
    Ok(*CALLING.get_or_init(|| calling))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_long_enough_and_the_full_bench_reaches_its_end() {
        let calling = calling().unwrap();
        println!("{calling:?}");
        let ways = WAYS.len() as u64;
        assert!(calling.disk >= QUICK_RUNS / ways, "{calling:?}");
        assert!(calling.disk.max(calling.store) <= FULL_RUNS / ways, "{calling:?}");
    }
}
