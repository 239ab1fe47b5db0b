//! The wire over real sockets: what callers of every kind see, and that nothing else is counted.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails, also in its helper functions"
)]

mod canary;
mod changes;
mod command_line;
mod counting;
mod fields;
#[path = "../ledger/filler.rs"]
mod filler;
mod full_disk;
mod history;
mod mending;
#[path = "../ledger/mounted.rs"]
mod mounted;
mod policy;
mod races;
mod receipts;
mod refusals;
mod releases;
mod roles;
mod stubborn;
mod transport;
mod world;
