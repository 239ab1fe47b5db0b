//! The probe behind the `healthcheck` subcommand: one Check over gRPC, no shell and no other tool.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::channel::{self, ChannelConfig, ChannelError};

/// Longest time for connection and answer together.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Why the probe fails.
#[derive(Debug, thiserror::Error)]
pub enum HealthcheckError {
    /// The address or files cannot be used.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// No connection could be made.
    #[error("cannot connect: {0}")]
    Connect(#[from] tonic::transport::Error),
    /// The server answered with an error.
    #[error("{}: {}", .0.code(), .0.message())]
    Refused(#[from] tonic::Status),
    /// The server answers and says that it does not serve.
    #[error("the server says {0}")]
    NotServing(&'static str),
    /// No answer came.
    #[error("no answer in {} seconds", TIMEOUT.as_secs())]
    Timeout,
}

/// How a service that listens here is reached from its own machine, unless its settings say so:
/// plain text, on the address itself if that is loopback.
pub fn local_channel(listen: SocketAddr) -> ChannelConfig {
    let ip = match listen.ip() {
        ip if ip.is_loopback() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let uri = format!("http://{}", SocketAddr::new(ip, listen.port()));
    ChannelConfig { uri, ..ChannelConfig::default() }
}

/// Asks once; success means SERVING. An empty `service` asks for the whole server.
pub async fn check(config: &ChannelConfig, service: &str) -> Result<(), HealthcheckError> {
    let ask = async {
        let channel = channel::endpoint(config)?.connect().await?;
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = HealthClient::new(channel).check(request).await?.into_inner();
        match answer.status() {
            ServingStatus::Serving => Ok(()),
            other => Err(HealthcheckError::NotServing(other.as_str_name())),
        }
    };
    tokio::time::timeout(TIMEOUT, ask).await.map_err(|_| HealthcheckError::Timeout)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_asked_on_loopback() {
        for (listen, uri) in [
            ("127.0.0.1:50051", "http://127.0.0.1:50051"),
            ("127.0.0.9:1", "http://127.0.0.9:1"),
            ("0.0.0.0:1", "http://127.0.0.1:1"),
            ("10.0.0.1:1", "http://127.0.0.1:1"),
            ("[::1]:1", "http://[::1]:1"),
            ("[::]:1", "http://[::1]:1"),
        ] {
            assert_eq!(local_channel(listen.parse().expect("an address")).uri, uri);
        }
    }
}
