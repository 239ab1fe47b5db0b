//! Creates a partner or changes its display name.

use super::{App, AppError};
use crate::ports::PartnerRow;

impl App {
    /// Creates or changes the partner, unless it only validates.
    pub async fn upsert_partner(
        &self,
        partner: &PartnerRow,
        validate_only: bool,
    ) -> Result<(), AppError> {
        if !validate_only {
            self.ports.memberships.put_partner(partner, self.now_ms()).await?;
        }
        Ok(())
    }
}
