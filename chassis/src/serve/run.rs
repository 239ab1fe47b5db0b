//! Accepts until told to stop, then drains and cuts off what does not end in time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tonic::service::Routes;
use tonic_reflection::server::Builder as Reflection;

use super::call::Server;
use super::connection::{self, Admission};
use super::methods::Methods;
use super::{Bound, Health, ServeConfig, ServeError};
use crate::auth::Authenticator;

/// Pause after an error of accept, such as too many open files, so that the loop does not spin.
const ACCEPT_ERROR_PAUSE_MS: u64 = 50;

/// What the service brings besides its routes.
pub struct Options {
    /// Domain of ErrorInfo in refusals of the server itself.
    pub domain: &'static str,
    /// Method path → roles that may call it; a method that is not in it is denied.
    pub method_roles: &'static [(&'static str, &'static [&'static str])],
    /// Encoded `FileDescriptorSet` for reflection.
    pub descriptor_set: &'static [u8],
    /// Full names of the services in the routes.
    pub service_names: &'static [&'static str],
    /// Roles that every caller holds. Fixed by the service and not a setting.
    pub anonymous_roles: &'static [&'static str],
    /// Health, which the service turns to SERVING when it can serve.
    pub health: Health,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrainOutcome {
    /// Every connection closed by itself.
    Clean,
    /// The cap came first.
    CutOff {
        /// Connections that were still open.
        connections: usize,
    },
}

impl Bound {
    /// Serves `routes`, health and reflection until `stop` ends, then drains. Answers not sooner
    /// than all connections are closed, and not later than lame duck plus drain cap after `stop`.
    ///
    /// A handler is dropped when the deadline of its call passes or the caller goes away: work that
    /// must not be torn runs in a task of its own.
    pub async fn run(
        self,
        routes: Routes,
        options: Options,
        stop: impl Future<Output = ()>,
    ) -> Result<DrainOutcome, ServeError> {
        let (drain, draining) = watch::channel(false);
        let health = options.health.clone();
        let drain_config = self.config.drain.clone();
        let server = Arc::new(server(self.config, routes, &options, draining)?);
        tracing::info!(address = %self.local_addr, tls = self.tls.is_some(), "serving");
        let closing = async {
            stop.await;
            health.set_serving(false);
            tokio::time::sleep(Duration::from_millis(drain_config.lame_duck_ms)).await;
        };
        let mut connections = accept(self.listener, self.tls, server, closing).await;
        drain.send_replace(true);
        let cap = Duration::from_millis(drain_config.drain_ms_max);
        let all_closed = async { while connections.join_next().await.is_some() {} };
        let outcome = match tokio::time::timeout(cap, all_closed).await {
            Ok(()) => DrainOutcome::Clean,
            Err(_elapsed) => {
                let left = connections.len();
                connections.shutdown().await;
                DrainOutcome::CutOff { connections: left }
            }
        };
        tracing::info!(?outcome, "drained");
        Ok(outcome)
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<tokio_rustls::TlsAcceptor>,
    server: Arc<Server>,
    closing: impl Future<Output = ()>,
) -> JoinSet<()> {
    let admission = Admission::new(&server.limits);
    let mut connections = JoinSet::new();
    let mut closing = std::pin::pin!(closing);
    loop {
        tokio::select! {
            () = closing.as_mut() => return connections,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((tcp, address)) => match admission.admit(address.ip()) {
                    Some(ticket) => {
                        let server = Arc::clone(&server);
                        let tls = tls.clone();
                        connections
                            .spawn(connection::serve(tcp, address, tls, server, ticket));
                    }
                    None => tracing::info!(%address, "connection refused: too many are open"),
                },
                Err(error) => {
                    tracing::warn!(%error, "accept");
                    tokio::time::sleep(Duration::from_millis(ACCEPT_ERROR_PAUSE_MS)).await;
                }
            },
        }
    }
}

fn server(
    config: ServeConfig,
    routes: Routes,
    options: &Options,
    draining: watch::Receiver<bool>,
) -> Result<Server, ServeError> {
    let mut routes = routes.add_service(options.health.service());
    if config.reflection {
        let reflection = || {
            let set = Reflection::configure()
                .register_encoded_file_descriptor_set(options.descriptor_set)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                // So that grpcurl can show the details of a refusal.
                .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
                .with_service_name("grpc.health.v1.Health");
            options.service_names.iter().fold(set, |set, name| set.with_service_name(*name))
        };
        routes = routes.add_service(reflection().build_v1()?);
        routes = routes.add_service(reflection().build_v1alpha()?);
    }
    Ok(Server {
        methods: Methods::new(options.method_roles, options.service_names, config.reflection),
        authenticator: Authenticator::new(config.identity, options.anonymous_roles)?,
        routes: routes.prepare(),
        domain: options.domain,
        help_base_uri: config.help_base_uri,
        calls: Arc::new(Semaphore::new(config.limits.calls_max)),
        open_calls: Arc::new(Semaphore::new(config.limits.open_calls_max)),
        limits: config.limits,
        draining,
    })
}
