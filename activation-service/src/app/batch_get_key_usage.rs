//! BatchGetKeyUsage: the counts of many keys at one point of the ledger.

use super::{App, AppError, Caller};
use crate::domain::ids::KeyId;

/// The counts of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage {
    /// The key.
    pub key_id: KeyId,
    /// Counts held.
    pub used: u32,
    /// Most activations.
    pub limit: u32,
    /// Activations left.
    pub remaining: u32,
    /// Computers that hold counts.
    pub computers: u32,
    /// Whether the membership is not in force.
    pub suspended: bool,
    /// Whether an administrator blocked it.
    pub blocked: bool,
}

/// The counts of many keys.
#[derive(Clone, Debug)]
pub struct KeyUsages {
    /// In the order asked, each key once.
    pub usages: Vec<KeyUsage>,
    /// Keys that are unknown or not the caller's.
    pub missing: Vec<KeyId>,
    /// The position that the answer contains.
    pub as_of_sequence: u64,
    /// When it was read, milliseconds since 1970 UTC.
    pub as_of_ms: i64,
}

impl App {
    /// The counts of the keys that the caller may see.
    pub async fn batch_get_key_usage(
        &self,
        caller: &Caller,
        mut keys: Vec<KeyId>,
    ) -> Result<KeyUsages, AppError> {
        let mut asked = std::collections::HashSet::new();
        keys.retain(|key| asked.insert(*key));
        let (heads, as_of_sequence) = self.ledger.heads(keys.clone()).await?;
        let (mut usages, mut missing) = (Vec::new(), Vec::new());
        for (key_id, head) in keys.into_iter().zip(heads) {
            match head.filter(|head| caller.may_see(head)) {
                Some(head) => usages.push(KeyUsage {
                    key_id,
                    used: head.used,
                    limit: head.terms.limit,
                    remaining: head.remaining(),
                    computers: head.computers,
                    suspended: head.suspension.suspended,
                    blocked: head.blocked,
                }),
                None => missing.push(key_id),
            }
        }
        Ok(KeyUsages { usages, missing, as_of_sequence, as_of_ms: self.clock.now_ms() })
    }
}
