//! Engines behind the ledger port.

pub(crate) mod codec;
pub mod memory;
pub mod sled;
