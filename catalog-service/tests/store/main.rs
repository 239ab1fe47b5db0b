//! What the ports of the store promise, tried on the embedded engine, also after reopening.

mod keys;
mod memberships;
mod opening;
mod outbox;
mod world;
