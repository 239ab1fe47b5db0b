//! Says whether what concurrent clients saw of one key can have happened one after the other.
//!
//! The checker is that of Wing and Gong with the memory of Lowe: it looks for an order of the
//! operations in which each lies between its call and its return, and in which each answer is the
//! one that a sequential `machine` gives there. Keys share nothing, so each has a [`History`] of
//! its own. An operation without an answer may have happened at any time after its call, or never,
//! and may have been refused before: its sender may have tried more than once.
//!
//! The machine says by itself what a key is; no rule of the service is called here, for a judge
//! that asks the accused finds no fault. It knows keys that count tolerantly, and computers that
//! are the same or have nothing in common.

mod history;
mod machine;
mod recorder;
mod search;
#[cfg(test)]
mod tests;

pub use history::{Action, Answer, History, No, Operation, Start, View};
pub use recorder::{Call, Recorder};
pub use search::{CONFIGURATIONS_MAX, Fault, check};
