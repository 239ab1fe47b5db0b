//! A call leaves one line that says who called what, and never what a message or a credential held.

use std::io::Write;
use std::sync::{Arc, Mutex};

use chassis::auth::IdentityConfig;
use tracing_subscriber::EnvFilter;

use crate::world::{World, call, config};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_line_names_caller_method_and_code_and_no_content() {
    let lines = Lines::default();
    let sink = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("chassis=trace"))
        .with_ansi(false)
        .with_writer(move || sink.clone())
        .finish();
    // The runtime of this test has one thread, so its tasks log here and those of other tests do
    // not.
    let guard = tracing::subscriber::set_default(subscriber);
    let mut config = config();
    config.identity = IdentityConfig { development: true, ..IdentityConfig::default() };
    let world = World::start(config).await;
    let alice = ("x-dev-identity", "subject=alice;roles=READER");
    let token = ("authorization", "Bearer canary-token");
    call(world.channel(), "Secret", "canary-message", &[alice]).await.expect("a reader");
    call(world.channel(), "Secret", "canary-message", &[token]).await.expect_err("no forwarder");
    call(world.channel(), "Echo", "bare", &[]).await.expect_err("an error");
    chassis::healthcheck::check(&world.channel_config(), "").await.expect("serving");
    world.stop().await;
    drop(guard);
    let text = String::from_utf8(lines.0.lock().expect("not poisoned").clone()).expect("text");
    let line = text.lines().find(|l| l.contains("subject=\"alice\"")).expect("alice's line");
    assert!(line.contains("method=\"Secret\"") && line.contains("code=\"OK\""), "{line}");
    assert!(text.contains("UNAUTHENTICATED") && text.contains("row 7"), "{text}");
    assert!(!text.contains("canary"), "{text}");
    assert!(!text.contains("grpc.health"), "probes do not drown the log: {text}");
}
