//! The clock and the randomness of a life.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use activation_service::ports::{Clock, Randomness};
use activation_service::storage::disk::sim::Dice;

/// When every life begins, milliseconds since 1970 UTC.
pub(crate) const BEGINNING_MS: i64 = 1_800_000_000_000;

/// A clock that stands still until it is set.
pub(super) struct SimClock(AtomicI64);

impl SimClock {
    pub(super) const fn new() -> Self {
        Self(AtomicI64::new(BEGINNING_MS))
    }

    pub(super) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Ids from dice; nobody in a simulation guesses.
pub(super) struct SimRandomness(Mutex<Dice>);

impl SimRandomness {
    pub(super) const fn new(seed: u64) -> Self {
        Self(Mutex::new(Dice::new(seed)))
    }
}

impl Randomness for SimRandomness {
    fn id_bytes(&self) -> [u8; 16] {
        id(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Sixteen bytes.
pub(super) fn id(dice: &mut Dice) -> [u8; 16] {
    let (high, low) = (dice.roll(), dice.roll());
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}
