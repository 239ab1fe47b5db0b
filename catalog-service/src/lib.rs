//! Tells partners which products they are entitled to, how to install them, and reveals product
//! keys.
//!
//! `domain` decides and knows nothing but itself; `ports` says what the service needs from outside;
//! `app` holds one use case a file; `grpc` is the wire, `storage` and `adapters` are the outside;
//! only `server` sees all of them.

pub mod adapters;
pub mod app;
pub mod commands;
pub mod config;
pub mod domain;
pub mod grpc;
pub mod ports;
pub mod server;
pub mod storage;
