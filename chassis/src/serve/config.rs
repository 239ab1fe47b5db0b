//! Settings of the server: address, TLS, limits and drain, each with its default and bound.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::auth::IdentityConfig;

/// How a service is served.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServeConfig {
    /// Address and port; default `127.0.0.1:0` (any free port). Without `tls` it must be a loopback
    /// address.
    pub listen: SocketAddr,
    /// Server certificate and the CA of clients; default none, that is plain text.
    pub tls: Option<TlsConfig>,
    /// How callers prove who they are.
    pub identity: IdentityConfig,
    /// Bounds of connections, streams and calls.
    pub limits: Limits,
    /// How a stop goes.
    pub drain: DrainConfig,
    /// Offer server reflection (v1 and v1alpha); default true.
    pub reflection: bool,
    /// Start of the links in refusals, without a slash at the end; default `https://help.example`.
    pub help_base_uri: String,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            identity: IdentityConfig::default(),
            limits: Limits::default(),
            drain: DrainConfig::default(),
            reflection: true,
            help_base_uri: "https://help.example".to_owned(),
        }
    }
}

/// Files of a TLS 1.3 server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM file with the server's certificate and those between it and the CA.
    pub cert_file: PathBuf,
    /// PEM file with its private key.
    pub key_file: PathBuf,
    /// PEM file with the CAs of client certificates; without it no client certificate is asked for.
    /// A client may come without one and is anonymous then.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
}

/// Bounds of connections, streams and calls. All are at least 1.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Open connections in all; default 10 000.
    pub connections_max: usize,
    /// Open connections of one address (IPv6: of one /64); default 64.
    pub connections_per_address_max: usize,
    /// HTTP/2 streams of a connection; default 128.
    pub streams_per_connection_max: u32,
    /// Calls of one connection that are worked on at once, beyond which they are refused; default
    /// 64.
    pub calls_per_connection_max: usize,
    /// Calls that are worked on at once in all, beyond which they are refused; default 640. Health
    /// is exempt. It is no more than what can usefully wait and some that are worked on: a call
    /// that is refused here costs little beside one that is refused after it was looked into, and
    /// in a crowd it is processors that are short.
    pub calls_max: usize,
    /// Open health and reflection calls at once; default 512.
    pub open_calls_max: usize,
    /// Longest time for one call, whatever deadline the caller sets; default 5 000 ms.
    pub call_timeout_ms_max: u64,
    /// Delay that refused callers are told to wait; default 200 ms.
    pub overload_retry_delay_ms: u64,
    /// Longest TLS handshake; default 5 000 ms.
    pub handshake_timeout_ms: u64,
    /// Time in which a new connection must have sent the HTTP/2 preface; default 10 000 ms.
    pub first_bytes_timeout_ms: u64,
    /// Largest header list of a call; default 8 KiB.
    pub header_list_bytes_max: u32,
    /// Flow-control window of a stream; default 64 KiB.
    pub stream_window_bytes: u32,
    /// Flow-control window of a connection; default 256 KiB.
    pub connection_window_bytes: u32,
    /// Streams reset for the peer's errors, over the life of a connection, before it is closed;
    /// default 256. It costs a peer next to nothing to have us reset streams, by bytes beyond what
    /// was announced for instance, so the figure is small. An honest client makes hardly any such
    /// error: what it sends for a call that is refused meanwhile is taken, and is none.
    pub local_error_reset_streams_max: usize,
    /// Streams that the peer reset before we accepted them; default 20. We accept whenever bytes
    /// have come, so only a call that is reset in the same breath is one of them; a client that
    /// gives up calls, however many, resets what is accepted.
    pub pending_accept_reset_streams_max: usize,
    /// HTTP/2 ping interval; default 30 000 ms.
    pub keepalive_interval_ms: u64,
    /// Wait for the answer to a ping; default 10 000 ms.
    pub keepalive_timeout_ms: u64,
    /// TCP keepalive; default 60 000 ms.
    pub tcp_keepalive_ms: u64,
    /// Age at which a connection is asked to end, less up to a tenth; default 1 800 000 ms (30
    /// minutes).
    pub connection_age_ms_max: u64,
    /// Time for its open calls after that; default 30 000 ms.
    pub connection_age_grace_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_address_max: 64,
            streams_per_connection_max: 128,
            calls_per_connection_max: 64,
            calls_max: 640,
            open_calls_max: 512,
            call_timeout_ms_max: 5_000,
            overload_retry_delay_ms: 200,
            handshake_timeout_ms: 5_000,
            first_bytes_timeout_ms: 10_000,
            header_list_bytes_max: 8 * 1_024,
            stream_window_bytes: 64 * 1_024,
            connection_window_bytes: 256 * 1_024,
            local_error_reset_streams_max: 256,
            pending_accept_reset_streams_max: 20,
            keepalive_interval_ms: 30_000,
            keepalive_timeout_ms: 10_000,
            tcp_keepalive_ms: 60_000,
            connection_age_ms_max: 30 * 60 * 1_000,
            connection_age_grace_ms: 30_000,
        }
    }
}

impl Limits {
    /// Every limit by name, as far as zero would mean "none" or "nothing at all".
    fn zeros(&self) -> Vec<&'static str> {
        let sizes: [(&'static str, u64); 13] = [
            ("connections_max", self.connections_max as u64),
            ("connections_per_address_max", self.connections_per_address_max as u64),
            ("streams_per_connection_max", u64::from(self.streams_per_connection_max)),
            ("calls_per_connection_max", self.calls_per_connection_max as u64),
            ("calls_max", self.calls_max as u64),
            ("open_calls_max", self.open_calls_max as u64),
            ("call_timeout_ms_max", self.call_timeout_ms_max),
            ("handshake_timeout_ms", self.handshake_timeout_ms),
            ("first_bytes_timeout_ms", self.first_bytes_timeout_ms),
            ("keepalive_interval_ms", self.keepalive_interval_ms),
            ("keepalive_timeout_ms", self.keepalive_timeout_ms),
            ("tcp_keepalive_ms", self.tcp_keepalive_ms),
            ("connection_age_ms_max", self.connection_age_ms_max),
        ];
        sizes.iter().filter(|(_, value)| *value == 0).map(|(name, _)| *name).collect()
    }
}

/// How a stop goes: NOT_SERVING, wait, accept no more, let open calls end, cut off the rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrainConfig {
    /// Time between NOT_SERVING and the end of accepting, for load balancers to notice; default 0
    /// ms.
    pub lame_duck_ms: u64,
    /// Longest time for open calls to end; default 10 000 ms.
    pub drain_ms_max: u64,
}

impl Default for DrainConfig {
    fn default() -> Self {
        Self { lame_duck_ms: 0, drain_ms_max: 10_000 }
    }
}

impl ServeConfig {
    /// What breaks a rule, one line each; empty when the settings can be used.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let loopback = self.listen.ip().is_loopback();
        if self.tls.is_none() && !loopback {
            faults.push(format!(
                "serve.listen: plain text is served on loopback only, and {} is not; set serve.tls",
                self.listen
            ));
        }
        if self.identity.development && (self.tls.is_some() || !loopback) {
            faults.push(
                "serve.identity.development: only with plain text on loopback, without override"
                    .to_owned(),
            );
        }
        if self.identity.token.is_some() && self.identity.token_forwarders.is_empty() {
            faults.push("serve.identity.token_forwarders: nobody may forward a token".to_owned());
        }
        if self.tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_none())
            && !self.identity.client_roles.is_empty()
        {
            faults.push("serve.tls.client_ca_file: needed for identity.client_roles".to_owned());
        }
        if !(self.help_base_uri.starts_with("https://")
            || self.help_base_uri.starts_with("http://"))
        {
            faults.push("serve.help_base_uri: not an http(s) address".to_owned());
        }
        for name in self.limits.zeros() {
            faults.push(format!("serve.limits.{name}: must be at least 1"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_and_development_identity_stay_on_loopback() {
        let identity = IdentityConfig { development: true, ..IdentityConfig::default() };
        let local = ServeConfig { identity, ..ServeConfig::default() };
        assert!(local.faults().is_empty());
        for address in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1"] {
            let listen = address.parse().expect("an address");
            let open = ServeConfig { listen, ..local.clone() };
            assert_eq!(open.faults().len(), 2, "{address}");
            let tls = TlsConfig {
                cert_file: PathBuf::new(),
                key_file: PathBuf::new(),
                client_ca_file: None,
            };
            let tls = ServeConfig { listen, tls: Some(tls), ..local.clone() };
            assert_eq!(tls.faults().len(), 1, "TLS does not make x-dev-identity safe");
        }
    }

    #[test]
    fn a_limit_of_zero_is_a_fault() {
        let limits = Limits { calls_max: 0, call_timeout_ms_max: 0, ..Limits::default() };
        let config = ServeConfig { limits, ..ServeConfig::default() };
        assert_eq!(config.faults().len(), 2);
    }
}
