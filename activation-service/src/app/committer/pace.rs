//! How many commands may wait for the writer: as many as it settles within a time that is bounded,
//! found from how fast it settled the last ones.
//!
//! A queue need be only so long that the writer always has a next batch. What is longer makes
//! everybody wait and nothing faster: who would wait longer than a refused caller does is better
//! off refused, and who is admitted is answered in a time that does not grow with the crowd.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{BATCH_MAX, QUEUE_MAX};

/// Longest time that a command waits for its batch at the pace of the last ones; what a refused
/// caller is told to wait.
const WAIT_MAX: Duration = Duration::from_millis(200);
/// So many may always wait, however slow the last batches were: three that are full, with which the
/// writer never runs dry while the next ones come in.
const WAITING_MIN: usize = 3 * BATCH_MAX;
/// Each batch moves the pace by this part of the difference, so that one slow sync of the disk is
/// no overload.
const SMOOTHING: u64 = 4;

/// Nanoseconds that the writer takes for a command while others wait; 0 if none waited lately.
#[derive(Debug, Default)]
pub(super) struct Pace(AtomicU64);

impl Pace {
    /// Notes that the writer settled so many commands in so much time. Only while others wait does
    /// that tell how fast it can be: alone, a command has a whole sync of the disk for itself.
    pub(super) fn note(&self, took: Duration, settled: usize, others_wait: bool) {
        if !others_wait {
            return self.0.store(0, Ordering::Relaxed);
        }
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let each = took / settled.max(1) as u64;
        let before = self.0.load(Ordering::Relaxed);
        let now = match before {
            0 => each,
            _ => before - before / SMOOTHING + each / SMOOTHING,
        };
        self.0.store(now, Ordering::Relaxed);
    }

    /// How many commands may wait now.
    pub(super) fn waiting_max(&self) -> usize {
        let each = self.0.load(Ordering::Relaxed);
        if each == 0 {
            return QUEUE_MAX;
        }
        let in_time = WAIT_MAX.as_nanos() / u128::from(each);
        usize::try_from(in_time).unwrap_or(QUEUE_MAX).clamp(WAITING_MIN, QUEUE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: usize = BATCH_MAX;

    fn after(batches: &[(u64, usize)]) -> usize {
        let pace = Pace::default();
        for (ms, settled) in batches {
            pace.note(Duration::from_millis(*ms), *settled, true);
        }
        pace.waiting_max()
    }

    #[test]
    fn as_many_wait_as_are_settled_in_time() {
        assert_eq!(Pace::default().waiting_max(), QUEUE_MAX, "nobody waited yet");
        assert_eq!(after(&[(16, FULL)]), 1_600, "8,000 a second");
        assert_eq!(after(&[(1, FULL)]), QUEUE_MAX, "128,000 a second");
        assert_eq!(after(&[(128, FULL)]), WAITING_MIN, "1,000 a second");
        assert_eq!(after(&[(60_000, 1)]), WAITING_MIN, "a disk that stands still");
    }

    #[test]
    fn one_slow_sync_is_no_overload_and_many_are() {
        let slow_once = [(8, FULL), (8, FULL), (20, FULL)];
        assert!(after(&slow_once) > 2_000, "{}", after(&slow_once));
        let mut slow = vec![(8, FULL)];
        slow.extend([(64, FULL); 20]);
        assert!(after(&slow) < 450, "{}", after(&slow));
    }

    #[test]
    fn an_overload_that_is_over_is_forgotten() {
        let pace = Pace::default();
        pace.note(Duration::from_secs(1), FULL, true);
        assert_eq!(pace.waiting_max(), WAITING_MIN);
        pace.note(Duration::from_secs(1), 1, false);
        assert_eq!(pace.waiting_max(), QUEUE_MAX);
    }
}
