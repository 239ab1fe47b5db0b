//! The deliberate bugs that lives must notice, each in the campaign of the promise that it breaks.

use activation_service::mutants::Mutant;
use anyhow::Result;

use super::{cuts, damage, limits, nth_call, repeats};
use crate::campaign::{Promise, Told};
use crate::mutants::Trial;

/// Seeds on which a bug may be noticed; the first that does is the same each time.
const SEEDS: [u64; 30] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
    27, 28, 29, 30,
];
/// Runs of the script in which one of the first calls of the journal's disk fails.
const SCRIPT_SEEDS: [u64; 30] = [
    1, 5, 9, 13, 17, 21, 25, 29, 33, 37, 41, 45, 49, 53, 57, 61, 65, 69, 73, 77, 81, 85, 89, 93,
    97, 101, 105, 109, 113, 117,
];

/// Seeds of P5 that flip a bit in a row.
const FLIP_SEEDS: [u64; 63] = [
    1, 2, 3, 20, 21, 22, 23, 40, 41, 42, 43, 60, 61, 62, 63, 80, 81, 82, 83, 100, 101, 102, 103,
    120, 121, 122, 123, 140, 141, 142, 143, 160, 161, 162, 163, 180, 181, 182, 183, 200, 201, 202,
    203, 220, 221, 222, 223, 240, 241, 242, 243, 260, 261, 262, 263, 280, 281, 282, 283, 300, 301,
    302, 303,
];

/// All of them.
pub(crate) fn trials() -> Vec<Trial> {
    let of = |name, promise, play| Trial { name, promise, seeds: &SEEDS, play };
    vec![
        of("no fsync", Promise::P3, |seed, on| play(Mutant::NoSync, on, seed, cuts)),
        of("answer before fsync", Promise::P3, |seed, on| {
            play(Mutant::AnswerBeforeSync, on, seed, cuts)
        }),
        of("check outside the decision", Promise::P1, |seed, on| {
            play(Mutant::CheckOutsideDecision, on, seed, limits)
        }),
        of("no request id", Promise::P4, |seed, on| play(Mutant::NoRequestId, on, seed, repeats)),
        of("sync window of 2,000 (simulated)", Promise::P3, |seed, on| {
            play(Mutant::WideSyncWindow, on, seed, cuts)
        }),
        of("evict without the pin", Promise::P1, |seed, on| {
            play(Mutant::EvictWithoutPin, on, seed, limits)
        }),
        of("receipt without chain", Promise::P5, |seed, on| {
            play(Mutant::ReceiptWithoutChain, on, seed, damage::play)
        }),
        Trial {
            name: "skipped verification at load",
            promise: Promise::P5,
            seeds: &FLIP_SEEDS,
            play: |seed, on| play(Mutant::SkipVerification, on, seed, damage::play),
        },
        Trial {
            name: "tail trusted after a failed fsync",
            promise: Promise::P6,
            seeds: &SCRIPT_SEEDS,
            play: |seed, on| play(Mutant::TrustTailAfterFailedSync, on, seed, nth_call::play),
        },
    ]
}

/// Plays a seed of a campaign, with the bug or without.
fn play(mutant: Mutant, is_on: bool, seed: u64, play: fn(u64) -> Result<Told>) -> Result<()> {
    let _switch = Switch::set(is_on.then_some(mutant));
    play(seed).map(drop)
}

/// Switches everything off when it goes, even over a panic.
struct Switch;

impl Switch {
    #[cfg(feature = "mutants")]
    fn set(mutant: Option<Mutant>) -> Self {
        activation_service::mutants::switch(mutant);
        Self
    }

    /// Without the feature there are no bugs, and none is noticed.
    #[cfg(not(feature = "mutants"))]
    const fn set(_: Option<Mutant>) -> Self {
        Self
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        #[cfg(feature = "mutants")]
        activation_service::mutants::switch(None);
    }
}
