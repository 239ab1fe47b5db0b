//! Whatever goes wrong below the handler is answered with ErrorInfo, and the connection lives.

use bytes::{BufMut as _, Bytes, BytesMut};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{
    MESSAGE_BYTES_MAX, World, call, config, details, raw_client, raw_request, raw_status,
};

/// Sends raw bytes as the body of a call.
async fn raw(world: &World, body: Bytes, content_type: &str) -> (http::StatusCode, Option<Status>) {
    let (mut client, task) = raw_client(world).await;
    let request = raw_request(world, body, &[("content-type", content_type)]);
    let answer = client.send_request(request).await.expect("an answer");
    let result = (answer.status(), raw_status(answer).await);
    task.abort();
    result
}

fn framed(flag: u8, length: u32, bytes: &[u8]) -> Bytes {
    let mut body = BytesMut::new();
    body.put_u8(flag);
    body.put_u32(length);
    body.put_slice(bytes);
    body.freeze()
}

#[tokio::test]
async fn a_message_of_ten_megabytes_gets_a_typed_answer() {
    let world = World::start(config()).await;
    let channel = world.channel();
    for size in [MESSAGE_BYTES_MAX + 1, 10 << 20] {
        let status = call(channel.clone(), "Echo", &"x".repeat(size), &[]).await;
        details(&status.expect_err("too large"), Code::OutOfRange, "MESSAGE_TOO_LARGE");
    }
    call(channel, "Echo", "hi", &[]).await.expect("the connection lives");
    assert_eq!(world.stop().await, chassis::serve::DrainOutcome::Clean);
}

#[tokio::test]
async fn unreadable_messages_get_a_typed_answer() {
    let world = World::start(config()).await;
    for (name, body) in [
        ("no protobuf", framed(0, 2, &[0xff, 0xff])),
        ("not UTF-8", framed(0, 4, &[0x0a, 0x02, 0xff, 0xfe])),
        ("shorter than it says", framed(0, 9, b"x")),
        ("half a frame header", Bytes::from_static(&[0, 0])),
        ("no message", Bytes::new()),
        ("a flag that does not exist", framed(7, 0, &[])),
        ("compressed without saying how", framed(1, 0, &[])),
    ] {
        let (_, status) = raw(&world, body, "application/grpc").await;
        let status = status.unwrap_or_else(|| panic!("{name}: no status"));
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.as_str());
        assert_eq!(reason, Some("MESSAGE_MALFORMED"), "{name}: {status:?}");
        assert_eq!(status.code(), Code::InvalidArgument, "{name}");
    }
    world.stop().await;
}

#[tokio::test]
async fn what_is_not_grpc_is_told_so_in_http() {
    let world = World::start(config()).await;
    let (code, _) = raw(&world, Bytes::from_static(b"{}"), "application/json").await;
    assert_eq!(code, http::StatusCode::UNSUPPORTED_MEDIA_TYPE);
    world.stop().await;
}

#[tokio::test]
async fn a_panic_is_an_internal_fault_and_the_connection_lives() {
    let world = World::start(config()).await;
    let channel = world.channel();
    let status = call(channel.clone(), "Echo", "panic", &[]).await.expect_err("a panic");
    details(&status, Code::Internal, "INTERNAL_FAULT");
    assert!(!format!("{status:?}").contains("asked to"), "the cause stays in the log");
    call(channel, "Echo", "hi", &[]).await.expect("the connection lives");
    world.stop().await;
}

#[tokio::test]
async fn bare_and_oversized_answers_of_a_handler_get_details() {
    let world = World::start(config()).await;
    let bare = call(world.channel(), "Echo", "bare", &[]).await.expect_err("an error");
    details(&bare, Code::Internal, "INTERNAL_FAULT");
    assert!(!format!("{bare:?}").contains("table"), "the cause stays in the log");
    let large = call(world.channel(), "Echo", "large", &[]).await.expect_err("too large");
    details(&large, Code::OutOfRange, "RESPONSE_TOO_LARGE");
    world.stop().await;
}
