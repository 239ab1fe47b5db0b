//! Roles are checked before a message is decoded; what is not in the table is denied.

use std::sync::atomic::Ordering;

use chassis::auth::IdentityConfig;
use tonic::Code;

use crate::world::{World, call, config, details};

const ALICE: (&str, &str) = ("x-dev-identity", "subject=alice;roles=READER;tenant=contoso");
const BOB: (&str, &str) = ("x-dev-identity", "subject=bob;roles=WRITER");

async fn development() -> World {
    let mut config = config();
    config.identity = IdentityConfig { development: true, ..IdentityConfig::default() };
    World::start(config).await
}

#[tokio::test]
async fn a_method_is_open_to_its_roles_only() {
    let world = development().await;
    let channel = world.channel();
    let echo = call(channel.clone(), "Echo", "hi", &[]).await.expect("everyone may");
    assert_eq!(echo, "anonymous GUEST -");
    let secret = call(channel.clone(), "Secret", "hi", &[ALICE]).await.expect("readers may");
    assert_eq!(secret, "alice GUEST,READER contoso");
    let anonymous = call(channel.clone(), "Secret", "hi", &[]).await.expect_err("no role");
    details(&anonymous, Code::Unauthenticated, "CREDENTIALS_MISSING");
    let bob = call(channel.clone(), "Secret", "hi", &[BOB]).await.expect_err("another role");
    details(&bob, Code::PermissionDenied, "ROLE_MISSING");
    let nobody = call(channel.clone(), "Nobody", "hi", &[ALICE]).await.expect_err("no roles");
    details(&nobody, Code::PermissionDenied, "ROLE_MISSING");
    let bad = [("x-dev-identity", "who knows")];
    let bad = call(channel, "Echo", "hi", &bad).await.expect_err("unreadable");
    details(&bad, Code::Unauthenticated, "TOKEN_INVALID");
    assert_eq!(world.echo.handled.load(Ordering::SeqCst), 2);
    world.stop().await;
}

#[tokio::test]
async fn a_refusal_comes_before_the_message_is_decoded() {
    let world = development().await;
    let large = "x".repeat(10 << 20);
    let refused = call(world.channel(), "Secret", &large, &[]).await.expect_err("no role");
    details(&refused, Code::Unauthenticated, "CREDENTIALS_MISSING");
    world.stop().await;
}

#[tokio::test]
async fn a_refusal_speaks_the_callers_language_and_leads_on() {
    let world = development().await;
    let metadata = [BOB, ("accept-language", "nl-NL,nl;q=0.9,en;q=0.8")];
    let bob = call(world.channel(), "Secret", "hi", &metadata).await.expect_err("another role");
    let details = details(&bob, Code::PermissionDenied, "ROLE_MISSING");
    let text = details.localized_message().expect("a text");
    assert_eq!(text.locale, "nl");
    assert!(text.message.contains("rol"), "{}", text.message);
    let help = details.help().expect("help");
    assert!(help.links[0].url.starts_with("https://help.example/"));
    world.stop().await;
}

#[tokio::test]
async fn the_development_identity_is_ignored_unless_configured() {
    let world = World::start(config()).await;
    let refused = call(world.channel(), "Secret", "hi", &[ALICE]).await.expect_err("not believed");
    details(&refused, Code::Unauthenticated, "CREDENTIALS_MISSING");
    world.stop().await;
}

#[tokio::test]
async fn unknown_methods_are_told_apart_from_denied_ones() {
    let world = development().await;
    for method in ["NoSuch", "Unbuilt"] {
        let unknown = call(world.channel(), method, "hi", &[ALICE]).await.expect_err("unknown");
        details(&unknown, Code::Unimplemented, "METHOD_UNKNOWN");
    }
    world.stop().await;
}
