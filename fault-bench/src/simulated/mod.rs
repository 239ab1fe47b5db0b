//! Lives of the engine in one thread on a simulated disk, each determined by its seed.

use crate::campaign::Campaign;

/// All campaigns of this side.
#[must_use]
pub fn campaigns() -> Vec<Campaign> {
    Vec::new()
}
