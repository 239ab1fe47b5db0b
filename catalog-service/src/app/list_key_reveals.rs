//! Lists who revealed which key of a partner and when, newest first (F7).

use super::{App, AppError, Caller};
use crate::domain::id::PartnerId;
use crate::domain::key::Reveal;
use crate::ports::RevealCursor;

/// A page of reveals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevealPage {
    /// Its rows.
    pub reveals: Vec<Reveal>,
    /// Where the next page begins.
    pub next: Option<RevealCursor>,
}

impl App {
    /// A page of the reveals of a partner; operators may look at every partner.
    pub async fn list_key_reveals(
        &self,
        caller: &Caller,
        partner: &PartnerId,
        size: usize,
        after: Option<&RevealCursor>,
    ) -> Result<RevealPage, AppError> {
        if !caller.operator {
            caller.must_act_for(partner)?;
        }
        // One more than the page holds tells whether there is a next one.
        let limit = u32::try_from(size.saturating_add(1)).unwrap_or(u32::MAX);
        let mut reveals = self.ports.keys.reveals(partner, after, limit).await?;
        let more = reveals.len() > size;
        reveals.truncate(size);
        let last = reveals.last().filter(|_| more);
        let next = last.map(|last| RevealCursor { at_ms: last.at_ms, id: last.id.clone() });
        Ok(RevealPage { reveals, next })
    }
}
