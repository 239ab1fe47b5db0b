//! The server over real sockets: limits, deadlines, identity, health, reflection and drain.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise, and clippy allows it in test functions only"
)]

mod access;
mod deadlines;
mod drain;
mod health;
mod identity;
mod limits;
mod logs;
mod page;
mod reflection;
mod transport_faults;
mod world;
