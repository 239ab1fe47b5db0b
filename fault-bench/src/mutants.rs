//! Deliberate bugs: each must be noticed on a fixed seed that the real thing passes.

use crate::campaign::Promise;
use crate::{real, simulated};

/// One deliberate bug.
#[derive(Clone, Copy)]
pub struct Trial {
    /// The name in the report.
    pub name: &'static str,
    /// The promise whose campaign must notice it.
    pub promise: Promise,
    /// The seeds, tried in this order until one notices it.
    pub seeds: &'static [u64],
    /// Plays a seed with the bug switched on, or off; an error is a broken promise.
    pub play: fn(seed: u64, is_mutated: bool) -> anyhow::Result<()>,
}

/// All of them.
#[must_use]
pub fn trials() -> Vec<Trial> {
    [simulated::trials(), real::trials()].concat()
}
