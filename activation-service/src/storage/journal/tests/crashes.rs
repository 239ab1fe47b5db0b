//! Thousands of random lives with kills, power cuts and faults (P2, P3, P6).

use super::story::{Story, Tally};
use super::{seeds, small};
use crate::storage::disk::sim::TornSize;

const STEPS: u64 = 60;

fn play_all(torn: TornSize, all: std::ops::Range<u64>) {
    let mut sum = Tally::default();
    for seed in seeds(all) {
        let told = Story::play(seed, torn, small(), STEPS);
        let tally = told.unwrap_or_else(|why| panic!("SEED={seed} {torn:?}: {why}"));
        sum.opened += tally.opened;
        sum.frames += tally.frames;
        sum.unsynced_kept += tally.unsynced_kept;
        sum.unsynced_lost += tally.unsynced_lost;
        sum.torn += tally.torn;
        sum.erased += tally.erased;
        sum.segments = sum.segments.max(tally.segments);
    }
    println!("{torn:?}: {sum:?}");
    if std::env::var_os("SEED").is_none() {
        // The lives are worth nothing if nothing happens in them.
        assert!(sum.unsynced_kept > 0 && sum.unsynced_lost > 0 && sum.torn > 0, "{sum:?}");
        assert!(sum.erased > 0 && sum.segments > 3, "{sum:?}");
    }
}

#[test]
fn p3_what_was_synced_survives_power_cuts_torn_at_512_bytes() {
    play_all(TornSize::Sector512, 0..1_500);
}

#[test]
fn p3_what_was_synced_survives_power_cuts_torn_at_4096_bytes() {
    play_all(TornSize::Sector4096, 0..1_500);
}
