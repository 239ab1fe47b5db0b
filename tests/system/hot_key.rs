//! Sixty-four clients at once on one key of five activations: five are counted, whoever asks twice.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use proto::activation::v1::{ActivateResponse, ActivationOutcome as Outcome, KeyEventType};
use system_tests::{Computer, Person, World, WorldOptions, refusal};
use tokio::task::JoinSet;
use tonic::Code;

const CLIENTS: u32 = 64;
const LIMIT: u32 = 5;
/// Connections that the clients share; one address may open so many and more.
const CONNECTIONS: usize = 16;

/// What became of the request of one client, each time that it was sent.
type Answers = (u32, Vec<Result<ActivateResponse, String>>);

/// Everybody sends their request so many times at once; gives the answers by client.
async fn race(world: &World, times: usize) -> Result<Vec<Answers>> {
    let key = world.key_with_limit(LIMIT).await?;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(world.activation(&Person::installer())?);
    }
    let mut running = JoinSet::new();
    for number in 0..CLIENTS {
        let request = world.activate_request(&key, &Computer::numbered(number)?)?;
        for time in 0..times {
            let lane = (number as usize * times + time) % CONNECTIONS;
            let mut client = connections.get(lane).cloned().context("a connection")?;
            let request = request.clone();
            running.spawn(async move { (number, client.activate(request).await) });
        }
    }
    let mut answers: Vec<Answers> = (0..CLIENTS).map(|number| (number, Vec::new())).collect();
    while let Some(done) = running.join_next().await {
        let (number, answer) = done?;
        let told = match answer {
            Ok(granted) => Ok(granted.into_inner()),
            refused => {
                let refused = refusal(refused)?;
                Err(refused.is(Code::FailedPrecondition, "ACTIVATION_LIMIT_REACHED")?.reason)
            }
        };
        let place = answers.get_mut(number as usize).context("a client")?;
        place.1.push(told);
    }

    let known = world.key(&key.name).await?;
    assert_eq!((known.used, known.remaining), (LIMIT, 0), "R10");
    let events = world.history(&key.name).await?;
    let counted = events.iter().filter(|event| event.r#type() == KeyEventType::Counted);
    let ids: BTreeSet<_> = counted.clone().map(|event| event.request_id.clone()).collect();
    assert_eq!((counted.count(), ids.len()), (5, 5), "five events, of five requests");
    let versions = events.iter().map(|event| event.account_version);
    assert!(versions.eq(1..=events.len() as u64), "no gap");
    Ok(answers)
}

/// Five clients are granted in the same words each time, and fifty-nine are refused each time.
fn judge(answers: &[Answers], times: usize) {
    let mut places = BTreeSet::new();
    for (number, told) in answers {
        assert_eq!(told.len(), times, "client {number}");
        let first = &told[0];
        assert!(told.iter().all(|again| again == first), "client {number}: {told:?}");
        if let Ok(granted) = first {
            assert_eq!(granted.outcome(), Outcome::CountedNewComputer);
            assert!(places.insert(granted.used), "each count is given once");
        }
    }
    assert_eq!(places.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let refused = answers.iter().filter(|(_, told)| told[0].is_err()).count();
    assert_eq!(refused, 59);
}

async fn race_on(engine: &[(&'static str, String)]) -> Result<()> {
    let options = WorldOptions { activation: engine.to_vec(), ..WorldOptions::default() };
    let world = World::start_with(options).await?;
    judge(&race(&world, 1).await?, 1);
    judge(&race(&world, 3).await?, 3);
    Ok(())
}

#[tokio::test]
async fn r10_five_of_sixty_four_on_sled() -> Result<()> {
    race_on(&[]).await
}

#[tokio::test]
async fn r10_five_of_sixty_four_in_memory() -> Result<()> {
    race_on(&[("storage", "memory".to_owned())]).await
}
