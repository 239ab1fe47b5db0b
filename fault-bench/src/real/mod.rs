//! The delivered binaries with real kills, power cuts, damage, failing disks and clocks.

mod actor;
mod asking;
mod image;
mod installer;
mod owner;
mod power;
mod reckoning;
mod shim;
mod stage;
mod trace;
mod unsynced;
mod walks;
pub mod world;

use crate::campaign::Campaign;

/// All campaigns of this side.
#[must_use]
pub fn campaigns() -> Vec<Campaign> {
    vec![power::campaign(), walks::campaign()]
}
