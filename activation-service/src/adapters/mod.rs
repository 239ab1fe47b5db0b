//! The outside things other than the ledger: clock, randomness, watch over look-ups, development
//! secrets, and the file of the hardware policy.

pub mod clock;
pub mod development_secrets;
pub mod failed_lookups;
pub mod policy_file;
pub mod randomness;
mod use_alarm;
