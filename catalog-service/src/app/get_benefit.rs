//! Finds one benefit of a partner, with the use of its key.

use std::sync::Arc;
use std::time::Duration;

use super::view::{self, BenefitView, Usage};
use super::{App, AppError, Caller};
use crate::domain::benefit::KeyState;
use crate::domain::language::LanguageTag;
use crate::domain::name::BenefitName;

impl App {
    /// One benefit, if it is visible now.
    pub async fn get_benefit(
        &self,
        caller: &Caller,
        name: &BenefitName,
        reader: &LanguageTag,
        time_left: Option<Duration>,
    ) -> Result<BenefitView, AppError> {
        caller.must_act_for(&name.partner)?;
        let content = self.ports.shelf.current().content;
        let now_ms = self.now_ms();
        let mut benefit = self.visible_benefit(&content, name, now_ms).await?;
        let key = self.ports.keys.key_for(name).await?.map(|(key, _)| key);
        if let (KeyState::NotAssigned, Some(key)) = (benefit.key_state, &key) {
            benefit.key_state = key.state();
        }
        let mut row = view::row(&benefit, key.as_ref(), name.clone(), reader, now_ms);
        if let (Some(key), true) = (&row.key_id, row.usage != Usage::NotApplicable) {
            let usage = self.usage_of(&Arc::from([key.clone()]), time_left, now_ms).await;
            row.usage = usage.of(key);
        }
        Ok(row)
    }
}
