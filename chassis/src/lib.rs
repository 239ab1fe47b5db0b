//! What a service has before it has a business: settings, logs, identity, serving, shutdown.
//!
//! | module | what it gives |
//! |---|---|
//! | [`config`] | one typed struct: flag > environment > file > default; [`config::Secret`] |
//! | [`telemetry`] | log lines, once a process |
//! | [`metrics`] | the `/metrics` page on a listener of its own |
//! | [`auth`] | credentials of a call → [`auth::Principal`]; table method → roles |
//! | [`status`] | refusals with machine-readable details, in the caller's language |
//! | [`page_token`] | opaque, signed cursors of lists |
//! | [`serve`] | the gRPC server with limits, deadlines, health, reflection and a bounded drain |
//! | [`shutdown`] | SIGTERM and ctrl-c as one future |
//! | [`channel`], [`healthcheck`] | the client side: a channel to a peer, the container's probe |
//!
//! A service is `serve::bind(&config)`, then `Bound::run(routes, options, stop)`; tests and `main`
//! use the same two.

pub mod auth;
pub mod channel;
pub mod config;
pub mod healthcheck;
pub mod metrics;
pub mod page_token;
pub mod serve;
pub mod shutdown;
pub mod status;
pub mod telemetry;
