//! The delivered binaries with real kills, power cuts, damage, failing disks and clocks.

pub mod world;

use crate::campaign::Campaign;

/// All campaigns of this side.
#[must_use]
pub fn campaigns() -> Vec<Campaign> {
    Vec::new()
}
