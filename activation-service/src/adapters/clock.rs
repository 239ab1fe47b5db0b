//! The wall clock of the machine, with an alarm when it jumps.

use std::sync::{Mutex, PoisonError};
use std::time::{Instant, UNIX_EPOCH};

use crate::ports::Clock;

/// Steps back of this size and less are corrections of a running clock.
const BACK_MS_MAX: i64 = 1_000;
/// A step ahead of more than an hour is no correction.
const AHEAD_MS_MAX: i64 = 3_600_000;

/// The wall clock. No count depends on it; the activate-by date and the times shown do.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
    last: Mutex<Option<Reading>>,
}

/// Both clocks at one moment, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Reading {
    wall: i64,
    steady: i64,
}

impl SystemClock {
    /// A clock that compares each reading with the one before.
    #[must_use]
    pub fn new() -> Self {
        Self { origin: Instant::now(), last: Mutex::new(None) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let steady = i64::try_from(self.origin.elapsed().as_millis()).unwrap_or(i64::MAX);
        let now = Reading { wall: wall_ms(), steady };
        let jump_ms = last.replace(now).and_then(|last| jump_ms(last, now));
        drop(last);
        if let Some(jump_ms) = jump_ms {
            metrics::counter!("activation_clock_jumps_total").increment(1);
            tracing::error!(jump_ms, "the wall clock jumped: activate-by dates may be misjudged");
        }
        now.wall
    }
}

#[expect(clippy::disallowed_methods, reason = "this adapter is where time enters the service")]
fn wall_ms() -> i64 {
    match std::time::SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

/// How far the wall clock went beside the steady one, if that is more than a correction.
fn jump_ms(last: Reading, now: Reading) -> Option<i64> {
    let wall = now.wall.saturating_sub(last.wall);
    let beside = wall.saturating_sub(now.steady.saturating_sub(last.steady));
    (!(-BACK_MS_MAX..=AHEAD_MS_MAX).contains(&beside)).then_some(beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_told_from_waiting_and_from_corrections() {
        const HOUR: i64 = 3_600_000;
        let at = |wall, steady| Reading { wall, steady };
        let start = at(1_000_000, 0);
        assert_eq!(jump_ms(start, at(1_000_000 + 5 * HOUR, 5 * HOUR)), None);
        assert_eq!(jump_ms(start, at(1_000_000 - 900, 0)), None);
        assert_eq!(jump_ms(start, at(1_000_000 - 5_000, 1_000)), Some(-6_000));
        assert_eq!(jump_ms(start, at(1_000_000 + HOUR, 0)), None);
        assert_eq!(jump_ms(start, at(1_000_000 + HOUR + 1, 0)), Some(HOUR + 1));
        assert_eq!(jump_ms(at(i64::MAX, 0), at(i64::MIN, 0)), Some(i64::MIN));
    }

    #[test]
    fn the_clock_tells_this_century() {
        assert!(SystemClock::new().now_ms() > 1_700_000_000_000);
    }
}
