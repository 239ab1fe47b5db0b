//! A deadline that passes is DEADLINE_EXCEEDED with details, whoever set it.

use chassis::serve::Limits;
use tonic::Code;

use crate::world::{
    World, call, config, details, framed_text, limited, raw_client, raw_request, raw_status,
};

/// Asks without tonic's client, which would give up by itself and say CANCELLED.
async fn ask(world: &World, word: &str, timeout: &str) -> tonic::Status {
    let (mut client, task) = raw_client(world).await;
    let headers = [("content-type", "application/grpc"), ("grpc-timeout", timeout)];
    let request = raw_request(world, framed_text(word), &headers);
    let answer = client.send_request(request).await.expect("an answer");
    let status = raw_status(answer).await.expect("a status");
    task.abort();
    status
}

#[tokio::test]
async fn the_callers_timeout_is_honoured_and_typed() {
    let world = World::start(config()).await;
    let slow = ask(&world, "wait", "50m").await;
    details(&slow, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let expired = ask(&world, "hi", "0m").await;
    details(&expired, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let unreadable = ask(&world, "hi", "soon").await;
    details(&unreadable, Code::InvalidArgument, "TIMEOUT_MALFORMED");
    world.stop().await;
}

#[tokio::test]
async fn the_servers_maximum_holds_without_and_beyond_the_callers() {
    let limits = Limits { call_timeout_ms_max: 80, ..Limits::default() };
    let world = World::start(limited(limits)).await;
    for metadata in [&[][..], &[("grpc-timeout", "1H")][..]] {
        let status = call(world.channel(), "Echo", "wait", metadata).await.expect_err("too slow");
        details(&status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    }
    world.stop().await;
}

#[tokio::test]
async fn the_handler_knows_what_is_left() {
    let world = World::start(config()).await;
    let left = call(world.channel(), "Echo", "remaining", &[("grpc-timeout", "1500m")]).await;
    let left: u64 = left.expect("an answer").parse().expect("milliseconds");
    assert!((1..=1_500).contains(&left), "{left}");
    world.stop().await;
}
