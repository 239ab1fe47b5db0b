//! GetKey: one key with its terms and counts.

use super::{App, AppError, Caller};
use crate::domain::account::Head;
use crate::domain::ids::KeyId;

/// A key as of a point of the ledger.
#[derive(Clone, Debug)]
pub struct KeyAsOf {
    /// The key.
    pub head: Head,
    /// The position that the answer contains.
    pub as_of_sequence: u64,
}

impl App {
    /// The key, if the caller may see it.
    pub async fn get_key(&self, caller: &Caller, key_id: KeyId) -> Result<KeyAsOf, AppError> {
        let loaded = self.visible(caller, key_id).await?;
        let head = loaded.account.head.clone();
        Ok(KeyAsOf { head, as_of_sequence: loaded.as_of_sequence })
    }
}
