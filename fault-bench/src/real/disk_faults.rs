//! P6 on the real binaries: the disk fails at a chosen write, sync, rename or for want of space,
//! once or from then on, while the services work or while they open.

use anyhow::{Context as _, Result, bail, ensure};
use proto::activation::v1 as act;
use system_tests::{Dice, Person, Service};

use super::actor::Actor;
use super::asking::{ask, until};
use super::shim::{Fault, class, errno};
use super::stage::{SERVICES, Stage};
use super::trace::Loss;
use super::world;
use crate::campaign::{Campaign, Promise, Side, Told};

/// Actors who work at once.
const ACTORS: u32 = 2;
/// What each does before the disk fails, so that there is something to lose.
const STEPS_BEFORE: usize = 12;
/// What each does at a time while it fails.
const STEPS_FAILING: usize = 8;
/// How often they go on until the fault is met. What is applied to the books waits for more of its
/// kind, so a round may write once and sync twice.
const ROUNDS_MAX: usize = 24;
/// Operations of the class that may succeed before, while the services work.
const SKIP_WORKING_MAX: usize = 40;
/// The same for the catalog, which has less to do.
const SKIP_CATALOG_MAX: usize = 8;
/// The same while they open; no more than there surely are.
const SKIP_OPENING_MAX: usize = 3;

/// Renames while the activation service opens after a kill.
const RENAMES_OPENING: usize = 2;

/// The campaign.
pub(super) fn campaign() -> Campaign {
    Campaign {
        promise: Promise::P6,
        side: Side::Real,
        about: "EIO and ENOSPC at a write, sync, rename or extension, once or from then on",
        quick: 40,
        full: 500,
        play,
    }
}

/// Where and how the disk fails.
#[derive(Clone, Debug)]
struct Point {
    /// Whose files are hit.
    services: Vec<Service>,
    fault: Fault,
    /// While they open after a kill, else while they work.
    is_opening: bool,
    /// How they end afterwards.
    ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Stop,
    Kill,
    PowerCut(Loss),
    /// Space comes back while they run.
    GoOn,
}

fn play(seed: u64) -> Result<Told> {
    let dice = Dice::new(seed);
    let point = Point::of(dice.apart(1));
    let told = world::play(run(&point, &dice));
    told.with_context(|| {
        format!("{point:?}: cargo xtask faults --only P6:real --seed {seed} --runs 1")
    })
}

impl Point {
    fn of(mut dice: Dice) -> Self {
        let one = [Service::Activation, Service::Activation, Service::Catalog];
        let service = dice.one_of(&one).copied().unwrap_or(Service::Activation);
        let (classes, error, is_opening) = match dice.below(9) {
            0 | 1 => (class::WRITE, errno::EIO, false),
            2 | 3 => (class::SYNC, errno::EIO, false),
            4 => (class::WRITE, errno::ENOSPC, false),
            5 => (class::GROW, errno::ENOSPC, false),
            6 if dice.one_in(2) => (class::RENAME, errno::ENOSPC, true),
            6 => (class::RENAME, errno::EIO, true),
            7 => (class::SYNC, errno::EIO, true),
            _ => (class::WRITE | class::GROW, errno::ENOSPC, true),
        };
        let services = match classes {
            // The catalog's store renames nothing.
            class::RENAME => vec![Service::Activation],
            // Both lie on the disk that is full.
            class::GROW => SERVICES.to_vec(),
            _ => vec![service],
        };
        let skip = dice.below(match service {
            _ if classes == class::RENAME => RENAMES_OPENING,
            _ if is_opening => SKIP_OPENING_MAX,
            Service::Activation => SKIP_WORKING_MAX,
            Service::Catalog => SKIP_CATALOG_MAX,
        }) as u64;
        let times = if classes == class::GROW || dice.one_in(2) { u64::MAX } else { 1 };
        let ending = match dice.below(4) {
            _ if classes & class::GROW != 0 => Ending::GoOn,
            0 => Ending::Stop,
            1 => Ending::PowerCut(Loss::Unsynced),
            2 => Ending::PowerCut(Loss::Torn(512)),
            _ => Ending::Kill,
        };
        Self { services, fault: Fault { classes, error, skip, times }, is_opening, ending }
    }
}

async fn run(point: &Point, dice: &Dice) -> Result<Told> {
    let mut stage = Stage::begin().await?;
    let mut actors = stage.actors(ACTORS, dice)?;
    actors = stage.work(actors, STEPS_BEFORE).await?;
    if point.is_opening {
        stage.kill()?;
    }
    for service in &point.services {
        stage.shim.fail(*service, Some(point.fault))?;
    }
    actors = fail(&mut stage, point, actors).await?;
    for service in SERVICES {
        stage.shim.fail(service, None)?;
    }
    end(&mut stage, point.ending, dice).await?;
    let repeats = stage.reckon(actors).await?;
    // sled panics when it is closed on a disk that fails; that is caught like any panic of sled.
    stage.check_logs(&["panicked"], &["/sled-0.", "panicked while it was closed"])?;
    Ok(Told { injected: 1, also: vec![(Promise::P4, repeats)] })
}

/// Everybody goes on until the disk has failed, and a little longer.
async fn fail(stage: &mut Stage, point: &Point, mut actors: Vec<Actor>) -> Result<Vec<Actor>> {
    let hits = |stage: &Stage| -> Result<u64> {
        point.services.iter().map(|service| stage.shim.hits(*service)).sum()
    };
    if point.is_opening
        && let Err(error) = stage.start()
    {
        // Not to open is an honest answer of a service whose disk fails.
        ensure!(hits(stage)? > 0, "it does not open, and not for the disk: {error:#}");
        return Ok(actors);
    }
    for _ in 0..ROUNDS_MAX {
        let was_hit = hits(stage)? > 0;
        actors = stage.work(actors, STEPS_FAILING).await?;
        if was_hit {
            return Ok(actors);
        }
    }
    bail!(
        "the fault was not met: {} operations of its class",
        stage.shim.passed(Service::Activation)?
    )
}

/// The disk is well again; the services are, too, after they were ended and started.
async fn end(stage: &mut Stage, ending: Ending, dice: &Dice) -> Result<()> {
    match ending {
        Ending::GoOn => return go_on(stage).await,
        Ending::Stop => stage.stop()?,
        Ending::Kill => stage.kill()?,
        Ending::PowerCut(loss) => stage.cut(loss, &dice.apart(101))?,
    }
    ensure!(stage.start()?, "no power was cut");
    Ok(())
}

/// Space is back: who runs goes on without a restart, and who could not open is started.
async fn go_on(stage: &mut Stage) -> Result<()> {
    stage.start_missing()?;
    let mut client = stage.world.activation(&Person::ops_read())?;
    until("the ledger goes on once there is space", async || {
        let names = vec![format!("productKeys/{}", "0".repeat(32))];
        let request = act::BatchGetKeyUsageRequest { names };
        let told = ask("BatchGetKeyUsage", client.batch_get_key_usage(request)).await?;
        Ok(told.is_known().then_some(()))
    })
    .await
}
