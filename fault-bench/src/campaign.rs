//! What is promised, and how a promise is tried.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A promise of docs/reliability.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Promise {
    /// No event is counted at or above the limit, under any interleaving.
    P1,
    /// What was acknowledged survives kill -9.
    P2,
    /// What was acknowledged survives power loss, and everything opens afterwards.
    P3,
    /// Repeats never count twice.
    P4,
    /// Damage and rollback are repaired or refused by name.
    P5,
    /// A failing or full disk loses nothing that was acknowledged and hangs nobody.
    P6,
    /// Jumps of the clock change no count, order or receipt.
    P7,
    /// Histories of each key are linearizable.
    P8,
}

impl Promise {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::P1, Self::P2, Self::P3, Self::P4, Self::P5, Self::P6, Self::P7, Self::P8];
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What the faults are injected into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The engine, in one thread, on a simulated disk.
    Simulated,
    /// The delivered binaries.
    Real,
}

/// What one seed showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Injections made for the promise of the campaign; at least one, or the run is worth nothing.
    pub injected: u64,
    /// Injections that also tried another promise, as repeats in every run of P2 and P3 try P4.
    pub also: Vec<(Promise, u64)>,
}

impl Told {
    /// So many injections.
    #[must_use]
    pub const fn of(injected: u64) -> Self {
        Self { injected, also: Vec::new() }
    }
}

/// One promise on one side.
#[derive(Clone, Copy)]
pub struct Campaign {
    /// The promise.
    pub promise: Promise,
    /// The side.
    pub side: Side,
    /// What is injected, in a few words.
    pub about: &'static str,
    /// Runs of `--quick`.
    pub quick: u64,
    /// Runs of `--full`.
    pub full: u64,
    /// Plays one seed; an error is a broken promise, or a run that could not be played, which is no
    /// better.
    pub play: fn(seed: u64) -> anyhow::Result<Told>,
}
