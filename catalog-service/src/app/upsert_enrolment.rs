//! Creates an enrolment or changes its times; its keys are suspended or resumed with it (F8).

use super::{App, AppError, bad_field};
use crate::domain::enrolment::{Enrolment, EnrolmentState};
use crate::domain::error::Refusal;
use crate::domain::id::PartnerId;
use crate::domain::name::EnrolmentName;
use crate::ports::{EnrolmentRow, PutOutcome};

/// How often a row that others change at the same time is read again.
const ATTEMPTS_MAX: u32 = 8;

impl App {
    /// Creates or changes the enrolment, unless it only validates, and says where it stands now.
    pub async fn upsert_enrolment(
        &self,
        partner: &PartnerId,
        enrolment: &Enrolment,
        validate_only: bool,
    ) -> Result<EnrolmentState, AppError> {
        if self.ports.memberships.partner(partner).await?.is_none() {
            return Err(Refusal::PartnerNotFound.into());
        }
        let name = EnrolmentName { partner: partner.clone(), enrolment: enrolment.id.clone() };
        for _ in 0..ATTEMPTS_MAX {
            let before = self.ports.memberships.enrolment(&name).await?;
            // An offer that left the content keeps its enrolments: their times can still be
            // changed.
            match &before {
                Some(row) if row.enrolment.offer != enrolment.offer => {
                    return Err(bad_field("enrolment.offer", "cannot be changed"));
                }
                None if self.ports.shelf.current().content.offer(&enrolment.offer).is_none() => {
                    return Err(Refusal::OfferNotFound.into());
                }
                _ => {}
            }
            let now_ms = self.now_ms();
            let state = enrolment.term.state_at(now_ms);
            if validate_only {
                return Ok(state);
            }
            let row = EnrolmentRow {
                partner: partner.clone(),
                enrolment: enrolment.clone(),
                keys_suspended: state.suspends_keys(),
                next_change_ms: enrolment.term.next_change_ms(now_ms),
                revision: before.map_or(0, |row| row.revision),
            };
            if self.ports.memberships.put_enrolment(&row, now_ms).await? == PutOutcome::Stored {
                self.bell.notify_one();
                return Ok(state);
            }
        }
        Err(AppError::Contended)
    }
}
