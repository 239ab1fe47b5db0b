//! Makes the passing of time felt: enrolments whose state changed have their keys suspended or
//! resumed (F8).

use super::{App, AppError};
use crate::ports::{EnrolmentRow, PutOutcome};

/// Enrolments in one reading.
const BATCH_ENROLMENTS_MAX: u32 = 100;

/// Readings in one call; what is left is done in the next.
const ROUNDS_MAX: u32 = 100;

impl App {
    /// Settles every enrolment that is due, also those whose moment passed while nothing ran, and
    /// says when the next one is.
    pub async fn settle_enrolments(&self) -> Result<Option<i64>, AppError> {
        for _ in 0..ROUNDS_MAX {
            let now_ms = self.now_ms();
            let due = self.ports.memberships.due_enrolments(now_ms, BATCH_ENROLMENTS_MAX).await?;
            if due.is_empty() {
                break;
            }
            for row in due {
                let settled = settled(row, now_ms);
                let outcome = self.ports.memberships.put_enrolment(&settled, now_ms).await?;
                // A stale row was changed by someone who settled it as well.
                if outcome == PutOutcome::Stored {
                    tracing::info!(
                        partner = %settled.partner,
                        enrolment = %settled.enrolment.id,
                        keys_suspended = settled.keys_suspended,
                        "enrolment changed with time"
                    );
                }
            }
        }
        Ok(self.ports.memberships.next_change_ms().await?)
    }
}

fn settled(row: EnrolmentRow, now_ms: i64) -> EnrolmentRow {
    EnrolmentRow {
        keys_suspended: row.enrolment.term.state_at(now_ms).suspends_keys(),
        next_change_ms: row.enrolment.term.next_change_ms(now_ms),
        ..row
    }
}
