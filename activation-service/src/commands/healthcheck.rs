//! `healthcheck`: the probe for containers, which need neither a shell nor another tool.

use std::path::PathBuf;

use chassis::channel::ChannelConfig;
use clap::Args;

use super::{EXIT_FAULT, Failure};
use crate::server::SERVICE;

/// The code when the service does not serve or does not answer.
const EXIT_NOT_SERVING: u8 = 1;

/// How the service is reached.
#[derive(Debug, Args)]
pub(super) struct HealthcheckArgs {
    /// `https://host:port`, or `http://` to a loopback address.
    #[arg(long, env = "ACTIVATION_HEALTHCHECK_URI", default_value = "http://127.0.0.1:50052")]
    uri: String,
    /// PEM file with the authorities of the server's certificate; needed for https.
    #[arg(long, env = "ACTIVATION_HEALTHCHECK_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// PEM file with a client certificate; health needs none.
    #[arg(long, requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// PEM file with its private key.
    #[arg(long, requires = "cert_file")]
    key_file: Option<PathBuf>,
    /// The name that the server's certificate bears, if it is not the host.
    #[arg(long, env = "ACTIVATION_HEALTHCHECK_SERVER_NAME")]
    server_name: Option<String>,
}

pub(super) fn run(args: &HealthcheckArgs) -> Result<(), Failure> {
    let config = ChannelConfig {
        uri: args.uri.clone(),
        ca_file: args.ca_file.clone(),
        cert_file: args.cert_file.clone(),
        key_file: args.key_file.clone(),
        server_name: args.server_name.clone(),
        ..ChannelConfig::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(EXIT_FAULT, error))?;
    runtime
        .block_on(chassis::healthcheck::check(&config, SERVICE))
        .map_err(|error| Failure::new(EXIT_NOT_SERVING, error))
}
