//! Faults of the transport are typed as well, and nothing is counted.

use bytes::Bytes;
use chassis::channel::ChannelConfig;
use chassis::healthcheck;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use proto::activation::v1 as pb;
use tonic::codegen::http::Request;
use tonic::{Code, Status};

use crate::world::{PATIENCE, World, activate, computer, refusal};

const ACTIVATE: &str = "/benefits.activation.v1.ActivationService/Activate";

/// Sends a message without tonic's client, which would give up by itself and say CANCELLED.
async fn raw(world: &World, message: &[u8], timeout: Option<&str>) -> Status {
    let tcp = tokio::net::TcpStream::connect(world.address).await.expect("it connects");
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tcp))
            .await
            .expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let mut framed = vec![0];
    framed.extend(u32::try_from(message.len()).expect("a length").to_be_bytes());
    framed.extend_from_slice(message);
    let mut request = Request::post(format!("http://{}{ACTIVATE}", world.address))
        .header("te", "trailers")
        .header("content-type", "application/grpc");
    if let Some(timeout) = timeout {
        request = request.header("grpc-timeout", timeout);
    }
    let request = request.body(Full::new(Bytes::from(framed))).expect("a request");
    let answer = tokio::time::timeout(PATIENCE, client.send_request(request)).await;
    let (parts, body) = answer.expect("in time").expect("an answer").into_parts();
    let trailers = body.collect().await.expect("a body").trailers().cloned();
    connection.abort();
    Status::from_header_map(&trailers.unwrap_or(parts.headers)).expect("a status")
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_refused_by_type() {
    let world = World::memory().await;
    let registered = world.register(1, |_| ()).await;
    for length in [64 * 1024 + 1, 10 * 1024 * 1024] {
        let mut request = activate(1, computer(1), 1);
        request.product = "x".repeat(length);
        let status = raw(&world, &request.encode_to_vec(), None).await;
        refusal(&status, Code::OutOfRange, "MESSAGE_TOO_LARGE");
    }
    assert_eq!(world.key(1).await, registered);
    world.stop().await;
}

#[tokio::test]
async fn a_deadline_that_has_passed_and_a_message_that_is_none_are_refused_by_type() {
    let world = World::memory().await;
    let registered = world.register(1, |_| ()).await;
    let message = activate(1, computer(1), 1).encode_to_vec();
    let status = raw(&world, &message, Some("0m")).await;
    refusal(&status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let status = raw(&world, &[0xff; 40], None).await;
    refusal(&status, Code::InvalidArgument, "MESSAGE_MALFORMED");
    assert_eq!(world.key(1).await, registered);
    world.stop().await;
}

#[tokio::test]
async fn health_tells_the_whole_and_the_service() {
    let world = World::sled().await;
    let uri = format!("http://{}", world.address);
    let config = ChannelConfig { uri, ..ChannelConfig::default() };
    for service in ["", activation_service::server::SERVICE] {
        healthcheck::check(&config, service).await.expect("SERVING");
    }
    world.stop().await;
}

#[tokio::test]
async fn what_was_answered_outlasts_a_stop() {
    let world = World::sled().await;
    world.register(1, |_| ()).await;
    let first = world.installer().activate(activate(1, computer(1), 1)).await.expect("counted");
    let first = first.into_inner();
    let folder = world.stop().await;
    let ledger = folder.path().to_owned();
    let world = World::start(|_| crate::world::config(crate::world::sled(&ledger))).await;
    let again = world.installer().activate(activate(1, computer(1), 1)).await.expect("repeated");
    assert_eq!(again.into_inner(), first);
    let request = pb::GetKeyRequest { name: crate::world::key_name(1) };
    let key = world.reader().get_key(request).await.expect("the key").into_inner();
    assert_eq!(key.key.map(|key| key.used), Some(1));
    world.stop().await;
}
