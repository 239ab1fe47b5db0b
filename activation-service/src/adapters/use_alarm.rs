//! Counts what happens in a minute, and says once a minute that it happens too often.

use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(60);

/// What happened in the current minute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Minute {
    started: Duration,
    count: u32,
}

impl Minute {
    /// Notes one more at `now`; true for the one that exceeds `most` in its minute.
    pub(super) fn exceeds(&mut self, now: Duration, most: u32) -> bool {
        if now.saturating_sub(self.started) >= WINDOW {
            *self = Self { started: now, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count == most.saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alarm_sounds_once_a_minute() {
        let mut minute = Minute::default();
        let told = |minute: &mut Minute, second: u64| {
            (0..10).filter(|_| minute.exceeds(Duration::from_secs(second), 3)).count()
        };
        assert_eq!(told(&mut minute, 0), 1);
        assert_eq!(told(&mut minute, 59), 0);
        assert_eq!(told(&mut minute, 60), 1);
    }
}
