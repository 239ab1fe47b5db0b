//! Decides whether an installation counts and owns the ledger of key and hardware counts.
//!
//! Rooms: [`domain`] are the rules, [`ports`] what they need, [`app`] the use cases, [`storage`]
//! the engines behind the ledger port, [`adapters`] the other outside things, [`grpc`] the wire,
//! [`server`] the only wiring, [`commands`] the command line, [`mutants`] the switch of the fault
//! bench.

pub mod adapters;
pub mod app;
pub mod commands;
pub mod config;
pub mod domain;
pub mod grpc;
pub mod mutants;
pub mod ports;
pub mod server;
pub mod storage;
