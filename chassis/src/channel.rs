//! A client channel to a peer service from static files: mTLS, or plain text to loopback only.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use serde::{Deserialize, Serialize};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

/// Largest PEM file that is read.
const PEM_BYTES_MAX: usize = 1 << 20;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);

/// How to reach a peer service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelConfig {
    /// `https://host:port`, or `http://` to a loopback address.
    pub uri: String,
    /// PEM file with the CAs of the server's certificate; needed for https.
    pub ca_file: Option<PathBuf>,
    /// PEM file with our client certificate; goes with `key_file`.
    pub cert_file: Option<PathBuf>,
    /// PEM file with its private key.
    pub key_file: Option<PathBuf>,
    /// Name that the server's certificate must bear, if it is not the host of `uri`.
    pub server_name: Option<String>,
    /// Longest time to connect; default 1 000 ms.
    pub connect_timeout_ms: u64,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self {
            uri: String::new(),
            ca_file: None,
            cert_file: None,
            key_file: None,
            server_name: None,
            connect_timeout_ms: 1_000,
        }
    }
}

/// Why a channel cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// Not an address that can be connected to.
    #[error("{uri}: {message}")]
    Uri {
        /// The address as it was given.
        uri: String,
        /// What is wrong with it.
        message: String,
    },
    /// A certificate or key file cannot be read.
    #[error("cannot read {path}: {message}")]
    File {
        /// The file as it was named.
        path: PathBuf,
        /// What is wrong with it; never its content.
        message: String,
    },
    /// The files do not make a TLS client.
    #[error("TLS: {0}")]
    Tls(String),
}

/// A channel that connects at its first call, and again after a loss; the peer may be down now.
pub fn connect_lazy(config: &ChannelConfig) -> Result<Channel, ChannelError> {
    Ok(endpoint(config)?.connect_lazy())
}

pub(crate) fn endpoint(config: &ChannelConfig) -> Result<Endpoint, ChannelError> {
    let fault =
        |message: &str| ChannelError::Uri { uri: config.uri.clone(), message: message.to_owned() };
    let uri: Uri = config.uri.parse().map_err(|_| fault("not an address"))?;
    let host = uri.host().ok_or_else(|| fault("it names no host"))?.to_owned();
    let endpoint = Endpoint::from(uri.clone())
        .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
        .tcp_nodelay(true)
        .tcp_keepalive(Some(TCP_KEEPALIVE))
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true);
    match uri.scheme_str() {
        Some("http") if is_loopback(&host) => Ok(endpoint),
        Some("http") => Err(fault("plain text goes to loopback only; use https")),
        Some("https") => {
            endpoint.tls_config(tls(config)?).map_err(|e| ChannelError::Tls(e.to_string()))
        }
        _ => Err(fault("neither http nor https")),
    }
}

fn tls(config: &ChannelConfig) -> Result<ClientTlsConfig, ChannelError> {
    // Only one provider is compiled in, but other crates may add one some day: choose for the
    // process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ca = config.ca_file.as_ref();
    let ca = ca.ok_or_else(|| ChannelError::Tls("https needs ca_file".to_owned()))?;
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(ca)?));
    if let Some(name) = &config.server_name {
        tls = tls.domain_name(name);
    }
    match (&config.cert_file, &config.key_file) {
        (Some(cert), Some(key)) => Ok(tls.identity(Identity::from_pem(read(cert)?, read(key)?))),
        (None, None) => Ok(tls),
        _ => Err(ChannelError::Tls("cert_file and key_file go together".to_owned())),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ChannelError> {
    let fault = |message: String| ChannelError::File { path: path.to_owned(), message };
    let bytes = std::fs::read(path).map_err(|e| fault(e.to_string()))?;
    if bytes.len() > PEM_BYTES_MAX {
        return Err(fault("it is too large for a PEM file".to_owned()));
    }
    Ok(bytes)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn plain_text_goes_to_loopback_only() {
        for (uri, good) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost:1", true),
            ("http://10.0.0.1:1", false),
            ("http://127.0.0.1.example:1", false),
            ("https://localhost:1", false),
            ("ftp://localhost", false),
            ("", false),
        ] {
            let config = ChannelConfig { uri: uri.to_owned(), ..ChannelConfig::default() };
            assert_eq!(connect_lazy(&config).is_ok(), good, "{uri}");
        }
    }
}
