//! More than the server takes is refused at once and by type; slow peers are cut off.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use chassis::serve::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

use crate::world::{
    Certificates, World, call, details, framed_text, limited, raw_client, raw_request, raw_status,
};

async fn full(limits: Limits) {
    let world = World::start(limited(limits)).await;
    let channel = world.channel();
    let held = tokio::spawn(call_owned(channel.clone()));
    world.echo.entered.notified().await;
    let status = call(channel.clone(), "Echo", "hi", &[]).await.expect_err("no room");
    let details = details(&status, Code::ResourceExhausted, "OVERLOADED");
    let delay = details.retry_info().and_then(|info| info.retry_delay);
    assert_eq!(delay, Some(Duration::from_millis(200)));
    let probe = chassis::healthcheck::check(&world.channel_config(), "").await;
    probe.expect("health is exempt");
    world.echo.release.notify_one();
    held.await.expect("no panic").expect("the held call ends well");
    call(channel, "Echo", "hi", &[]).await.expect("there is room again");
    world.stop().await;
}

async fn call_owned(channel: tonic::transport::Channel) -> Result<String, tonic::Status> {
    call(channel, "Echo", "wait", &[]).await
}

#[tokio::test]
async fn calls_beyond_the_servers_room_are_refused_with_retry_info() {
    full(Limits { calls_max: 1, ..Limits::default() }).await;
}

#[tokio::test]
async fn calls_beyond_a_connections_room_are_refused_with_retry_info() {
    full(Limits { calls_per_connection_max: 1, ..Limits::default() }).await;
}

#[tokio::test]
async fn connections_of_one_address_are_bounded() {
    let limits = Limits { connections_per_address_max: 2, ..Limits::default() };
    let world = World::start(limited(limits)).await;
    let _one = greeted(world.address).await;
    let _two = greeted(world.address).await;
    let mut three = TcpStream::connect(world.address).await.expect("the system accepts");
    assert_closed(&mut three).await;
    world.stop().await;
}

#[tokio::test]
async fn a_peer_that_never_finishes_its_greeting_is_cut_off() {
    let limits = Limits { first_bytes_timeout_ms: 50, ..Limits::default() };
    let world = World::start(limited(limits)).await;
    for sent in [&b""[..], b"PRI * HTTP/2.0\r\n"] {
        let mut tcp = TcpStream::connect(world.address).await.expect("it connects");
        tcp.write_all(sent).await.expect("it is taken");
        assert_closed(&mut tcp).await;
    }
    world.stop().await;
}

#[tokio::test]
async fn a_peer_that_never_finishes_its_handshake_is_cut_off() {
    let certificates = Certificates::new();
    let mut config = certificates.server(Default::default());
    config.limits.handshake_timeout_ms = 50;
    let world = World::start(config).await;
    let mut tcp = TcpStream::connect(world.address).await.expect("it connects");
    assert_closed(&mut tcp).await;
    world.stop().await;
}

#[tokio::test]
async fn an_old_connection_is_asked_to_end_and_its_calls_end_well() {
    let limits =
        Limits { connection_age_ms_max: 40, connection_age_grace_ms: 20_000, ..Limits::default() };
    let world = World::start(limited(limits)).await;
    let (mut client, connection) = raw_client(&world).await;
    let headers = [("content-type", "application/grpc")];
    let held = client.send_request(raw_request(&world, framed_text("wait"), &headers));
    let held = tokio::spawn(held);
    world.echo.entered.notified().await;
    // After GOAWAY the client takes no further request for this connection.
    while client.ready().await.is_ok() && !client.is_closed() {
        let ask = client.send_request(raw_request(&world, framed_text("hi"), &headers));
        if ask.await.is_err() {
            break;
        }
    }
    world.echo.release.notify_one();
    let answer = held.await.expect("no panic").expect("an answer");
    let status = raw_status(answer).await.expect("a status");
    assert_eq!(status.code(), Code::Ok);
    connection.await.expect("no panic").expect("closed in good order");
    world.stop().await;
}

#[tokio::test]
async fn a_call_that_outlives_the_grace_is_cut_off() {
    let limits =
        Limits { connection_age_ms_max: 20, connection_age_grace_ms: 20, ..Limits::default() };
    let world = World::start(limited(limits)).await;
    call(world.channel(), "Echo", "wait", &[]).await.expect_err("it was cut off");
    world.stop().await;
}

#[tokio::test]
async fn an_overlong_header_list_is_refused() {
    let world = World::start(limited(Limits::default())).await;
    let long = "x".repeat(9 * 1_024);
    let status = call(world.channel(), "Echo", "hi", &[("x-long", &long)]).await;
    assert!(status.is_err(), "8 KiB of headers are the limit");
    call(world.channel(), "Echo", "hi", &[]).await.expect("others are served");
    world.stop().await;
}

/// A connection that has said enough to count as HTTP/2: preface and empty SETTINGS, and was
/// answered.
async fn greeted(address: SocketAddr) -> TcpStream {
    let mut tcp = TcpStream::connect(address).await.expect("it connects");
    tcp.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.expect("taken");
    let mut answer = [0; 9];
    tcp.read_exact(&mut answer).await.expect("the server's SETTINGS");
    tcp
}

/// Reads until the server closes; a reset is a close as well.
async fn assert_closed(tcp: &mut TcpStream) {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), tcp.read_to_end(&mut rest)).await;
    match read.expect("it is closed in time") {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}
