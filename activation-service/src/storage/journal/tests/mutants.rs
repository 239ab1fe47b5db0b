//! Every way to be wrong on purpose is caught by the random lives, and the real thing is not.

use super::super::Options;
use super::story::Story;
use super::{Mutant, small};
use crate::storage::disk::sim::TornSize;

/// Tried in this order until one catches the mutant, so it is always the same one.
const SEEDS: std::ops::Range<u64> = 0..2_000;
const STEPS: u64 = 60;

#[test]
fn every_mutant_is_caught_by_a_seed_that_the_real_thing_passes() {
    for mutant in [
        Mutant::NoSync,
        Mutant::AnswersBeforeSync,
        Mutant::RetriesFailedSync,
        Mutant::TrustsTailAfterFailedSync,
    ] {
        let options = Options { mutant, ..small() };
        let play = |seed, options| Story::play(seed, TornSize::Sector512, options, STEPS);
        let caught = SEEDS.into_iter().find_map(|seed| Some((seed, play(seed, options).err()?)));
        let (seed, why) = caught.unwrap_or_else(|| panic!("{mutant:?} was not noticed"));
        println!("{mutant:?} is caught by seed {seed}: {why}");
        assert_eq!(play(seed, small()).err(), None, "seed {seed} says nothing about {mutant:?}");
    }
}
