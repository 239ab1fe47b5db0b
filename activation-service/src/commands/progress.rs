//! Progress on standard error: one line that changes on a terminal, plain lines elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use crate::storage::journaled::upkeep::Step;

/// How often a terminal is told.
const TERMINAL_PERIOD: Duration = Duration::from_millis(200);
/// How often a log is told.
const LINE_PERIOD: Duration = Duration::from_secs(5);

/// Tells a person how far a task is.
pub(super) struct Progress {
    is_terminal: bool,
    told: Instant,
    /// True while a terminal's line is not ended.
    is_open: bool,
}

impl Progress {
    pub(super) fn start() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { is_terminal, told: Instant::now(), is_open: false }
    }

    pub(super) fn tell(&mut self, step: Step) {
        let period = if self.is_terminal { TERMINAL_PERIOD } else { LINE_PERIOD };
        if self.told.elapsed() < period {
            return;
        }
        self.told = Instant::now();
        let line = line(step);
        let mut err = std::io::stderr().lock();
        // Whoever cannot read it loses nothing else.
        let _ = if self.is_terminal {
            write!(err, "\r\x1b[K{line}").and_then(|()| err.flush())
        } else {
            writeln!(err, "{line}")
        };
        self.is_open = self.is_terminal;
    }

    /// Gives the terminal's line back.
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.is_open) {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

fn line(step: Step) -> String {
    let Step { task, done, total } = step;
    let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
    format!("{task}: {done} of {total} events, {percent} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_ledger_is_done_from_the_start() {
        let step = |done, total| line(Step { task: "chain", done, total });
        assert_eq!(step(0, 0), "chain: 0 of 0 events, 100 %");
        assert_eq!(step(1, 3), "chain: 1 of 3 events, 33 %");
    }
}
