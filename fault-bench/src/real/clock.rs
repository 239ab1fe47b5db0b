//! P7 on the real binaries: the wall clock jumps by 400 days either way, runs backwards and stands
//! still, and the books become what they become by a good clock.

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use prost_types::Timestamp as WireTime;
use proto::activation::v1 as act;
use system_tests::{Computer, Dice, Key, World, refusal};
use tonic::Code;

use super::actor::Actor;
use super::installer::{Fate, Installer};
use super::shim::Clock;
use super::stage::{SERVICES, Stage};
use super::world;
use crate::campaign::{Campaign, Promise, Side, Told};

/// How far the clock jumps.
const JUMP: SignedDuration = SignedDuration::from_hours(400 * 24);
const BACK: SignedDuration = SignedDuration::from_hours(-400 * 24);
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How often the clock is set.
const ROUNDS: usize = 5;
/// What is asked between two settings of it.
const STEPS: usize = 10;
/// The round before which the activation service is killed and started.
const RESTART: usize = 3;
/// What is asked of the catalog between two settings of the clock.
const OWNER_STEPS: usize = 4;

/// The campaign.
pub(super) fn campaign() -> Campaign {
    Campaign {
        promise: Promise::P7,
        side: Side::Real,
        about: "the wall clock jumps by 400 days either way, runs backwards, stands still",
        quick: 3,
        full: 20,
        play,
    }
}

fn play(seed: u64) -> Result<Told> {
    let told = world::play(run(seed));
    told.with_context(|| format!("cargo xtask faults --only P7:real --seed {seed} --runs 1"))
}

/// What became of a request, but for what is random: names, times, and places among events that
/// the catalog brought about.
#[derive(Debug, PartialEq)]
struct Outcome {
    key: String,
    version: u64,
    kind: i32,
    outcome: i32,
    refusal: String,
    used: u32,
    limit: u32,
    request_id: Vec<u8>,
}

async fn run(seed: u64) -> Result<Told> {
    let dice = Dice::new(seed);
    let good = Box::pin(walk(&dice, &[Clock::True; ROUNDS])).await.context("by a good clock")?;
    let clocks = clocks(seed, dice.apart(7));
    let odd = Box::pin(walk(&dice, &clocks)).await.with_context(|| format!("by {clocks:?}"))?;
    for (good, odd) in good.outcomes.iter().zip(&odd.outcomes) {
        ensure!(good == odd, "by a good clock {good:?}, by {clocks:?} {odd:?}");
    }
    ensure!(good.outcomes.len() == odd.outcomes.len(), "by {clocks:?} other events");
    ensure!(good.answers == odd.answers, "by {clocks:?} other answers");
    let repeats = vec![(Promise::P4, good.repeats + odd.repeats)];
    Ok(Told { injected: clocks.len() as u64, also: repeats })
}

/// How the clock goes in each round; each kind comes first in one seed of four.
fn clocks(seed: u64, mut dice: Dice) -> [Clock; ROUNDS] {
    let kinds = |from| {
        [Clock::Shifted(JUMP), Clock::Shifted(BACK), Clock::Backwards(from), Clock::Frozen(from)]
    };
    let mut clocks = [Clock::True; ROUNDS];
    for (round, clock) in clocks.iter_mut().enumerate() {
        let from = dice.one_of(&[JUMP, BACK, SignedDuration::ZERO]).copied().unwrap_or_default();
        let kinds = kinds(from);
        let first = usize::try_from(seed % 4).unwrap_or_default();
        let chosen = if round == 0 { kinds.get(first) } else { dice.one_of(&kinds) };
        *clock = chosen.copied().unwrap_or(Clock::True);
    }
    clocks
}

/// What a walk came to.
struct Walked {
    outcomes: Vec<Outcome>,
    /// Of each activation: what was answered, `used` and `remaining`; none if nothing was counted.
    answers: Vec<Option<(i32, u32, u32)>>,
    repeats: u64,
}

/// The same requests in the same order, and the clock set before each round.
async fn walk(dice: &Dice, clocks: &[Clock]) -> Result<Walked> {
    let mut stage = Stage::begin().await?;
    let actors = stage.actors(1, dice)?;
    let Actor { mut installer, owner, .. } = actors.into_iter().next().context("an actor")?;
    let mut owner = owner.steady();
    for (round, clock) in clocks.iter().enumerate() {
        set(&stage, *clock)?;
        if round == RESTART {
            stage.kill()?;
            ensure!(stage.start()?, "no power was cut");
        }
        for _ in 0..STEPS {
            ensure!(installer.step().await?, "a request was not answered");
        }
        for _ in 0..OWNER_STEPS {
            owner.step().await?;
        }
    }
    activate_by(&stage).await?;
    installer.verify(&stage.world).await?;
    owner.verify().await?;
    let repeats = installer.settle(&stage.world).await?;
    owner.settle(&stage.world).await?;
    stage.check_logs(&["panicked"], &[])?;
    let outcomes = outcomes(&stage.world, &installer).await?;
    Ok(Walked { outcomes, answers: answers(&installer), repeats })
}

fn set(stage: &Stage, clock: Clock) -> Result<()> {
    SERVICES.into_iter().try_for_each(|service| stage.shim.set_clock(service, clock))
}

/// Everything that was recorded for the installer's keys, in the order of the ledger.
async fn outcomes(world: &World, installer: &Installer) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for own in &installer.keys {
        let events = world.history(&own.key.name).await?;
        let times = events.iter().map(|event| event.event_time.map(|time| time.seconds));
        ensure!(times.is_sorted(), "the times that are shown go back");
        outcomes.extend(events.into_iter().map(|event| {
            let outcome = Outcome {
                key: own.key.name.clone(),
                version: event.account_version,
                kind: event.r#type,
                outcome: event.outcome,
                refusal: event.refusal_reason,
                used: event.used,
                limit: event.limit,
                request_id: event.request_id.to_vec(),
            };
            (event.sequence, outcome)
        }));
    }
    outcomes.sort_by_key(|(sequence, _)| *sequence);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

fn answers(installer: &Installer) -> Vec<Option<(i32, u32, u32)>> {
    let acts = installer.keys.iter().flat_map(|own| &own.acts);
    acts.map(|act| match &act.fate {
        Fate::Given(answer) => Some((answer.outcome, answer.used, answer.remaining)),
        _ => None,
    })
    .collect()
}

/// The one rule that looks at the clock: by the service's own, a key takes new computers before its
/// date and none after it, and whoever is there already stays.
async fn activate_by(stage: &Stage) -> Result<()> {
    let (world, set) = (&stage.world, |clock| set(stage, clock));
    set(Clock::True)?;
    let by = Timestamp::now().checked_add(DAY)?;
    let terms = act::KeyRegistration {
        limit: 5,
        activate_by_time: Some(WireTime { seconds: by.as_second(), nanos: 0 }),
        ..Default::default()
    };
    let key = world.registered(terms).await?;
    let first = Computer::numbered(900_001)?;
    let request = world.activate_request(&key, &first)?;
    let mut client = world.activation(&system_tests::Person::installer())?;
    let counted = client.activate(request.clone()).await?.into_inner();
    ensure!(counted.used == 1, "before its date: {counted:?}");
    for after in [Clock::Shifted(DAY * 2), Clock::Frozen(DAY * 2), Clock::Backwards(JUMP)] {
        set(after)?;
        refused(world, &key, &Computer::numbered(900_002)?).await?;
        let same = world.activate(&key, &first).await?;
        ensure!(same.used == 1 && same.activation == counted.activation, "unchanged: {same:?}");
        let again = client.activate(request.clone()).await?.into_inner();
        ensure!(again == counted, "recorded {counted:?}, repeated {again:?}");
    }
    let before = [Clock::Shifted(BACK), Clock::Frozen(BACK), Clock::Backwards(BACK), Clock::True];
    for (used, before) in (2..).zip(before) {
        set(before)?;
        let counted = world.activate(&key, &Computer::numbered(900_001 + used)?).await?;
        ensure!(counted.used == used, "before its date by {before:?}: {counted:?}");
    }
    Ok(())
}

async fn refused(world: &World, key: &Key, computer: &Computer) -> Result<()> {
    let told = refusal(world.try_activate(key, computer).await?)?;
    told.is(Code::FailedPrecondition, "ACTIVATE_BY_PASSED").map(drop)
}
