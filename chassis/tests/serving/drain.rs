//! A stop always ends: calls may finish, idle clients and streams do not hold it up, the cap cuts.

use std::time::Duration;

use chassis::serve::DrainOutcome;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;

use crate::world::{World, call, config};

#[tokio::test]
async fn an_open_call_ends_well_and_new_connections_are_refused() {
    let mut world = World::start(config()).await;
    let channel = world.channel();
    let held = tokio::spawn(async move { call(channel, "Echo", "wait", &[]).await });
    world.echo.entered.notified().await;
    world.begin_stop();
    while TcpStream::connect(world.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!world.health.is_serving(), "NOT_SERVING comes before the end of accepting");
    world.echo.release.notify_one();
    held.await.expect("no panic").expect("an admitted call is answered");
    assert_eq!(world.stop().await, DrainOutcome::Clean);
}

#[tokio::test]
async fn idle_clients_and_open_streams_do_not_hold_it_up() {
    let world = World::start(config()).await;
    let idle = world.channel();
    call(idle.clone(), "Echo", "hi", &[]).await.expect("it connects");
    let mut silent = TcpStream::connect(world.address).await.expect("it connects");
    let mut watcher = HealthClient::new(world.channel());
    let watch = watcher.watch(HealthCheckRequest { service: String::new() }).await;
    let _watch = watch.expect("it opens").into_inner();
    let (asks, asked) = mpsc::channel(1);
    let mut reflection = ServerReflectionClient::new(world.channel());
    let stream = reflection.server_reflection_info(ReceiverStream::new(asked)).await;
    let _stream = stream.expect("it opens").into_inner();
    let started = std::time::Instant::now();
    assert_eq!(world.stop().await, DrainOutcome::Clean);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let mut rest = Vec::new();
    let _ = silent.write_all(b"PRI").await;
    let _ = silent.read_to_end(&mut rest).await;
    drop((idle, asks));
}

#[tokio::test]
async fn the_cap_cuts_off_a_call_that_does_not_end() {
    let mut config = config();
    config.drain.drain_ms_max = 50;
    config.limits.call_timeout_ms_max = 60_000;
    let world = World::start(config).await;
    let channel = world.channel();
    let held = tokio::spawn(async move { call(channel, "Echo", "wait", &[]).await });
    world.echo.entered.notified().await;
    assert_eq!(world.stop().await, DrainOutcome::CutOff { connections: 1 });
    held.await.expect("no panic").expect_err("it was cut off");
}
