//! The delivered binaries with real kills, power cuts, damage, failing disks and clocks.

mod actor;
mod asking;
mod clock;
mod crowd;
mod damage;
mod disk_faults;
mod image;
mod installer;
mod owner;
mod power;
mod reckoning;
mod shim;
mod stage;
#[cfg(feature = "mutants")]
mod sync_window;
mod trace;
mod unsynced;
mod walks;
pub mod world;

use crate::campaign::Campaign;
use crate::mutants::Trial;

/// All campaigns of this side.
#[must_use]
pub fn campaigns() -> Vec<Campaign> {
    let [races, histories] = crowd::campaigns();
    vec![
        races,
        walks::campaign(),
        power::campaign(),
        damage::campaign(),
        disk_faults::campaign(),
        clock::campaign(),
        histories,
    ]
}

/// The deliberate bugs that are tried on whole services.
#[must_use]
pub fn trials() -> Vec<Trial> {
    let on_bugs: &[Trial] = &[
        #[cfg(feature = "mutants")]
        sync_window::trial(),
    ];
    [&power::trials(), on_bugs].concat()
}
