//! The outside things other than the ledger: clock, randomness, watch over look-ups, development
//! secrets.

pub mod clock;
pub mod development_secrets;
pub mod failed_lookups;
pub mod randomness;
mod use_alarm;
