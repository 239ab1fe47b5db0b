//! Mending the books in process: closed, opened again or made anew from the journal, and given what
//! they lack, while the journal keeps what was acknowledged.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Shared;
use super::ailment::Ailment;
use super::open::JournaledError;
use super::restore::{Trouble, bring_up};
use crate::storage::sled::OpenError;

/// Most times in a row that books which fail are opened again before they are made anew.
const REOPENINGS_MAX: u32 = 5;
/// Most times that books are made anew before the engine stops for good: what is wrong then is not
/// the books.
pub(super) const REBUILDS_MAX: u32 = 3;
/// Most times in a row that books which are to be set aside cannot be.
const SET_ASIDES_MAX: u32 = 20;
/// Shortest pause after an attempt in vain; it doubles.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Longest pause; space that has come back is found after it at the latest.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Mends the books, one attempt at a time.
#[derive(Default)]
pub(super) struct Mender {
    /// What was wrong at the last attempt, if it was in vain.
    trouble: Option<Ailment>,
    /// Attempts in a row for the same reason.
    attempts: u32,
    /// Times that books were made anew since the ledger was opened.
    rebuilds: u32,
    /// The books that are brought up are new.
    is_anew: bool,
}

/// What an attempt came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The books are whole and up to date.
    Mended,
    /// In vain; the next one is worth its while after this pause.
    Later(Duration),
    /// The engine stopped for good.
    Stopped,
}

impl Mender {
    /// Tries once to mend the books.
    pub(super) fn attempt(&mut self, shared: &Shared) -> Attempt {
        if shared.has_stopped() {
            return Attempt::Stopped;
        }
        let ailment = match (self.trouble.take(), shared.books.ailment()) {
            (Some(trouble), _) => trouble,
            (None, Some(ailment)) => ailment,
            (None, None) => return Attempt::Mended,
        };
        let cause = ailment.name();
        shared.books.close();
        match ailment {
            Ailment::Full => {
                if let Err(attempt) = Self::lend_reserve(shared) {
                    return attempt;
                }
            }
            Ailment::Failed(_) if self.attempts < REOPENINGS_MAX => {}
            Ailment::Failed(_) | Ailment::Damaged(_) => {
                if let Err(attempt) = self.set_aside(shared, ailment) {
                    return attempt;
                }
            }
        }
        match bring_up(&shared.shelf, &shared.reader, &shared.is_ending) {
            Ok(up) => {
                tracing::info!(events = up.replayed, "the books are mended: serving again");
                metrics::counter!("activation_ledger_mendings_total", "cause" => cause)
                    .increment(1);
                self.attempts = 0;
                let mut overlay = shared.overlay_mut();
                overlay.applied_to(up.applied);
                if std::mem::take(&mut self.is_anew) {
                    // What was read from the old ones is worth as little as they are.
                    overlay.accounts.forget_what_was_read(up.applied);
                }
                drop(overlay);
                shared.books.replace(up.books);
                Attempt::Mended
            }
            // Threads of an engine that broke down hold its files: new books have others.
            Err(Trouble::Final(JournaledError::Books(OpenError::InUse(folder)))) => {
                self.again(Ailment::Damaged(format!("{} is held", folder.display())))
            }
            Err(Trouble::Final(error)) => {
                shared.stop(format!("the books cannot be mended: {error}"));
                Attempt::Stopped
            }
            Err(Trouble::Books(ailment)) => self.again(ailment),
        }
    }

    /// Gives the reserve away, so that there is space to apply what the journal holds.
    fn lend_reserve(shared: &Shared) -> Result<(), Attempt> {
        let Ok(mut writer) = shared.writer() else { return Err(Attempt::Stopped) };
        let Some(writer) = writer.as_mut() else { return Ok(()) };
        match writer.journal.release_reserve() {
            Ok(true) => {
                tracing::warn!("the reserve is given away, so that the books can be brought up");
                shared.is_low.store(true, Ordering::Relaxed);
                Ok(())
            }
            Ok(false) => Ok(()),
            Err(error) => {
                shared.stop(format!("the journal failed: {error}"));
                Err(Attempt::Stopped)
            }
        }
    }

    fn set_aside(&mut self, shared: &Shared, ailment: Ailment) -> Result<(), Attempt> {
        if self.rebuilds == REBUILDS_MAX {
            shared.stop(format!(
                "the books were made anew {REBUILDS_MAX} times and something is wrong again: \
                 {ailment}"
            ));
            return Err(Attempt::Stopped);
        }
        let moved = match shared.shelf.set_aside() {
            // Not even a folder was made for them.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            moved => moved.map(drop),
        };
        match moved {
            Ok(()) => {
                self.rebuilds += 1;
                self.attempts = 0;
                self.is_anew = true;
                metrics::counter!("activation_ledger_rebuilds_total").increment(1);
                Ok(())
            }
            Err(error) if self.attempts == SET_ASIDES_MAX => {
                shared.stop(format!("the books cannot be set aside: {error}"));
                Err(Attempt::Stopped)
            }
            Err(error) => {
                tracing::error!(%error, "the books cannot be set aside");
                Err(self.again(ailment))
            }
        }
    }

    fn again(&mut self, ailment: Ailment) -> Attempt {
        tracing::warn!(what = %ailment, attempts = self.attempts, "the books are not mended yet");
        self.attempts = self.attempts.saturating_add(1);
        self.trouble = Some(ailment);
        let doubled = PAUSE_MIN.saturating_mul(1 << self.attempts.min(16));
        Attempt::Later(doubled.min(PAUSE_MAX))
    }
}
