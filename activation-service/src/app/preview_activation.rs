//! PreviewActivation: what Activate would answer, decided by the same rules; nothing is written.

use super::activate::{Activation, granted};
use super::{App, AppError, Caller};
use crate::domain::activate;
use crate::domain::command::Granted;
use crate::domain::ids::KeyId;

/// What an activation would come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The key.
    pub key_id: KeyId,
    /// What would be granted; the activation means nothing unless the computer is known.
    pub granted: Granted,
}

impl App {
    /// Decides an activation and forgets the decision.
    pub async fn preview_activation(
        &self,
        caller: &Caller,
        activation: Activation,
    ) -> Result<Preview, AppError> {
        let (loaded, command) = self.prepare(caller, activation, None).await?;
        let decision = activate::decide(&self.policy, &loaded.account, &command);
        let head = &loaded.account.head;
        Ok(Preview { key_id: head.key_id, granted: granted(decision.result, Some(head))? })
    }
}
