//! The gRPC server: `bind`, then `run` until told to stop, then a drain that always ends.
//!
//! We serve on hyper directly instead of tonic's own server: its connection age never turns into a
//! graceful close, it keeps TLS 1.2, has no limit on connections and answers a passed deadline with
//! CANCELLED.

mod body;
mod call;
mod config;
mod connection;
mod deadline;
mod health;
mod late_body;
mod methods;
mod run;
mod tls;
mod transport_fault;

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::{TcpListener, TcpSocket};

pub use config::{DrainConfig, Limits, ServeConfig, TlsConfig};
pub use deadline::Deadline;
pub use health::Health;
pub use run::{DrainOutcome, Options};

use crate::auth::TokenKeyError;

/// Connections that the system holds for us until we accept them.
const BACKLOG: u32 = 1_024;

/// Why a server cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The settings contradict each other or break a rule; each line names one.
    #[error("{}", .0.join("\n"))]
    Settings(Vec<String>),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// The system's answer.
        cause: std::io::Error,
    },
    /// A certificate or key file cannot be used.
    #[error("cannot use {path}: {message}")]
    TlsFile {
        /// The file as it was named.
        path: PathBuf,
        /// What is wrong with it; never its content.
        message: String,
    },
    /// Certificate and key do not make a TLS server.
    #[error("TLS: {0}")]
    Tls(String),
    /// A key that should verify tokens cannot be used.
    #[error(transparent)]
    TokenKey(#[from] TokenKeyError),
    /// The descriptor set cannot be offered by reflection.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Where a call came from; found in the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The address of the other end of the connection.
    pub address: SocketAddr,
}

impl Peer {
    /// The peer of the call with these extensions.
    pub fn of(extensions: &http::Extensions) -> Option<Self> {
        extensions.get::<Self>().copied()
    }
}

/// A server that holds its address and accepts nothing yet.
pub struct Bound {
    listener: TcpListener,
    local_addr: SocketAddr,
    tls: Option<tokio_rustls::TlsAcceptor>,
    config: ServeConfig,
}

/// Checks the settings, reads the TLS files and takes the address; port 0 takes any free port.
pub async fn bind(config: &ServeConfig) -> Result<Bound, ServeError> {
    let faults = config.faults();
    if !faults.is_empty() {
        return Err(ServeError::Settings(faults));
    }
    let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
    let address = config.listen;
    let (listener, local_addr) =
        listen(address).map_err(|cause| ServeError::Listen { address, cause })?;
    Ok(Bound { listener, local_addr, tls, config: config.clone() })
}

fn listen(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let local_addr = listener.local_addr()?;
    Ok((listener, local_addr))
}

impl Bound {
    /// The address with the port that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }
}
