//! Engines behind the ledger port, and what they are made of.

pub(crate) mod codec;
pub mod disk;
pub mod journal;
pub mod journaled;
pub mod memory;
pub(crate) mod rows;
pub mod sled;
pub mod store;
