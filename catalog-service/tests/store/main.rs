//! What the ports of the store promise, tried on the embedded engine, also after reopening.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on fails, also in its helper functions"
)]

mod changes;
mod keys;
mod memberships;
mod opening;
mod outbox;
mod rollbacks;
mod world;
