//! What an answer rests on besides the question, so that one that was given can be told from one
//! that still holds.

use super::{App, AppError};
use crate::domain::enrolment::Enrolment;
use crate::ports::{Mark, Published};

/// The content, the store and the time at one moment.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The content that is served.
    pub(super) published: Published,
    /// The mark of the store. What is read later may be newer and is never older.
    pub(super) mark: Mark,
    /// The time.
    pub now_ms: i64,
}

/// The moments at which an answer holds: same content, nothing committed since, and no enrolment
/// in another state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    generation: u64,
    mark: Mark,
    since_ms: i64,
    until_ms: i64,
}

impl Moment {
    /// The stamp of an answer that is made of these enrolments at this moment.
    pub(super) fn stamp(&self, enrolments: &[Enrolment]) -> Stamp {
        let changes = enrolments.iter().filter_map(|one| one.term.next_change_ms(self.now_ms));
        Stamp {
            generation: self.published.generation,
            mark: self.mark,
            since_ms: self.now_ms,
            until_ms: changes.min().unwrap_or(i64::MAX),
        }
    }
}

impl Stamp {
    /// A stamp that no moment has.
    #[cfg(test)]
    pub(crate) fn of_no_moment() -> Self {
        let mark = Mark { watch: 0, version: 0 };
        Self { generation: 0, mark, since_ms: 0, until_ms: 0 }
    }

    /// Whether the same question has the same answer at this moment. A clock that was put back
    /// ends it as well.
    pub fn holds_at(&self, moment: &Moment) -> bool {
        self.generation == moment.published.generation
            && self.mark == moment.mark
            && (self.since_ms..self.until_ms).contains(&moment.now_ms)
    }
}

impl App {
    /// This moment. Whatever was committed before the call is in what is read with it.
    pub async fn moment(&self) -> Result<Moment, AppError> {
        let published = self.ports.shelf.current();
        let mark = self.ports.changes.mark().await?;
        Ok(Moment { published, mark, now_ms: self.now_ms() })
    }

    /// The same moment for who had to wait since: later, and nothing is asked again.
    pub fn still(&self, moment: Moment) -> Moment {
        Moment { now_ms: self.now_ms(), ..moment }
    }
}
