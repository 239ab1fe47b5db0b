//! The rules: who may activate what and how it counts. Pure: no async, no clock, no I/O.

pub mod account;
pub mod activate;
pub mod command;
pub mod counts;
pub mod error;
pub mod event;
pub mod evidence;
pub mod ids;
pub mod installs;
pub mod matching;
pub mod policy;
pub mod popularity;
pub mod product_key;
pub mod register;
pub mod release;
pub mod replay;
#[cfg(test)]
pub(crate) mod specimens;
pub mod terms;
pub mod update;
