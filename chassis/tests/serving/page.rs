//! The metrics page counts every call by method and code, and unknown methods under one label.

use chassis::metrics::{MetricsConfig, MetricsError, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{World, call, config};

#[tokio::test]
async fn calls_are_counted_by_method_and_code() {
    let config_page = MetricsConfig { listen: "127.0.0.1:0".parse().ok(), remote: false };
    let page = serve(&config_page).await.expect("it serves").expect("it is configured");
    let world = World::start(config()).await;
    call(world.channel(), "Echo", "hi", &[]).await.expect("an answer");
    call(world.channel(), "Secret", "hi", &[]).await.expect_err("a refusal");
    call(world.channel(), "Made-up-1", "hi", &[]).await.expect_err("unknown");
    world.stop().await;
    let text = get(page.local_addr(), "/metrics").await;
    for line in [
        "grpc_method=\"Echo\",grpc_code=\"OK\"",
        "grpc_method=\"Secret\",grpc_code=\"UNAUTHENTICATED\"",
        "grpc_service=\"unknown\",grpc_method=\"unknown\",grpc_code=\"UNIMPLEMENTED\"",
        "grpc_server_handling_seconds_bucket{",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("Made-up"), "callers choose paths, not labels");
    assert!(get(page.local_addr(), "/").await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn the_page_stays_on_loopback_unless_said_otherwise() {
    let config = MetricsConfig { listen: "0.0.0.0:0".parse().ok(), remote: false };
    assert!(matches!(serve(&config).await, Err(MetricsError::Remote(_))));
    assert!(serve(&MetricsConfig::default()).await.expect("off").is_none());
}

async fn get(address: std::net::SocketAddr, path: &str) -> String {
    let mut tcp = TcpStream::connect(address).await.expect("it connects");
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.expect("it is taken");
    let mut text = String::new();
    tcp.read_to_string(&mut text).await.expect("an answer");
    text
}
