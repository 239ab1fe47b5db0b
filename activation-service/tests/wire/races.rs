//! R10 under a race: 64 clients, 64 computers, one key with limit 5, in both engines.

use proto::activation::v1 as pb;
use tokio::task::JoinSet;
use tonic::Code;

use crate::world::{World, activate, computer, refusal};

const CLIENTS: u32 = 64;
/// Few enough for the limit of connections an address, enough for that of calls a connection.
const CONNECTIONS: u32 = 16;

/// Every client sends its request `times` times; gives the outcomes of each client.
async fn race(
    world: &World,
    times: usize,
) -> Vec<Vec<Result<pb::ActivateResponse, tonic::Status>>> {
    let mut clients = JoinSet::new();
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(world.connected().await);
    }
    for (number, client) in (0..CLIENTS).zip(connections.iter().cycle()) {
        let client = client.clone();
        clients.spawn(async move {
            let mut sends = JoinSet::new();
            for _ in 0..times {
                let mut client = client.clone();
                let request = activate(1, computer(number), number);
                sends.spawn(async move { client.activate(request).await });
            }
            let answers = sends.join_all().await;
            answers.into_iter().map(|answer| answer.map(tonic::Response::into_inner)).collect()
        });
    }
    clients.join_all().await
}

async fn exactly_five(world: World, times: usize) {
    world.register(1, |key| key.limit = 5).await;
    let (mut counted, mut refused) = (0, 0);
    for answers in race(&world, times).await {
        assert_eq!(answers.len(), times);
        let first = &answers[0];
        for answer in &answers {
            match (first, answer) {
                (Ok(first), Ok(answer)) => assert_eq!(first, answer, "repeats are answered alike"),
                (Err(_), Err(status)) => {
                    refusal(status, Code::FailedPrecondition, "ACTIVATION_LIMIT_REACHED");
                }
                (first, answer) => panic!("{first:?} and {answer:?}"),
            }
        }
        match first {
            Ok(_) => counted += 1,
            Err(_) => refused += 1,
        }
    }
    assert_eq!((counted, refused), (5, 59));
    let key = world.key(1).await;
    assert_eq!((key.used, key.remaining), (5, 0));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r10_exactly_five_of_64_are_counted_in_memory() {
    exactly_five(World::memory().await, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r10_exactly_five_of_64_are_counted_in_sled() {
    exactly_five(World::sled().await, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r10_exactly_five_are_counted_in_memory_when_every_request_comes_three_times() {
    exactly_five(World::memory().await, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r10_exactly_five_are_counted_in_sled_when_every_request_comes_three_times() {
    exactly_five(World::sled().await, 3).await;
}
