//! Injects faults into the ledger, simulated and on the real binaries, and counts broken promises.
//!
//! A [`campaign`] is one promise on one side; each of its seeds is a run that can be had again.
//! [`simulated`] plays thousands of lives of the engine on a simulated disk, [`real`] kills,
//! starves and damages the delivered binaries; [`linear`] judges what concurrent clients saw;
//! [`mutants`] are deliberate bugs that the campaigns must notice.

pub mod campaign;
pub mod cli;
pub mod fuzzing;
pub mod linear;
pub mod mutants;
#[cfg(feature = "mutants")]
mod mutated_service;
pub mod real;
mod record;
mod report;
mod runner;
pub mod simulated;
