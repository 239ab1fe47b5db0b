//! The service over sockets, with an activation service in the same process that can fail at will.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails, also in its helper functions"
)]

mod command_line;
mod content;
mod delivery;
mod fake;
mod fresh;
mod imports;
mod lists;
mod pane;
mod refusals;
mod reveals;
mod starting;
mod world;
