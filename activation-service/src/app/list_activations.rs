//! ListActivations: the computers of a key, oldest first, paged.

use super::{App, AppError, Caller};
use crate::domain::account::Count;
use crate::domain::ids::{ActivationId, KeyId};
use crate::domain::terms::Platform;

/// Most counts shown of one computer, the latest.
const COUNTS_SHOWN_MAX: usize = 100;

/// One computer of a key.
#[derive(Clone, Debug)]
pub struct ComputerRow {
    /// Its handle.
    pub activation: ActivationId,
    /// Whether it holds a count.
    pub active: bool,
    /// Its counts, oldest first, the latest if there are many.
    pub counts: Vec<Count>,
    /// Platform of its first activation.
    pub platform: Option<Platform>,
    /// Time of its first activation.
    pub created_ms: i64,
    /// When it was last seen, approximately.
    pub last_seen_ms: i64,
    /// Whether two installations claimed the same hardware.
    pub clone_suspected: bool,
}

/// A page of computers.
#[derive(Clone, Debug)]
pub struct ActivationsPage {
    /// The computers.
    pub rows: Vec<ComputerRow>,
    /// Where the next page starts: number of the first count of the last computer shown.
    pub next: Option<u64>,
    /// The position that the answer contains.
    pub as_of_sequence: u64,
}

impl App {
    /// The computers after the one whose first count has the number `after`.
    pub async fn list_activations(
        &self,
        caller: &Caller,
        key_id: KeyId,
        after: Option<u64>,
        page_size: usize,
    ) -> Result<ActivationsPage, AppError> {
        let loaded = self.visible(caller, key_id).await?;
        let first = |counts: &[&Count]| counts.first().map_or(0, |count| count.number);
        let mut computers = loaded.account.computers();
        computers.retain(|computer| after.is_none_or(|after| first(&computer.counts) > after));
        let more = computers.len() > page_size;
        computers.truncate(page_size);
        let next = computers.last().filter(|_| more).map(|last| first(&last.counts));

        let ids = computers.iter().map(|computer| computer.id).collect();
        let seen = self.ledger.last_seen(key_id, ids).await?;
        let row = |(computer, seen): (crate::domain::account::Computer<'_>, Option<i64>)| {
            let counted = computer.counts.iter().map(|c| c.created_ms).max().unwrap_or_default();
            let skipped = computer.counts.len().saturating_sub(COUNTS_SHOWN_MAX);
            ComputerRow {
                activation: computer.id,
                active: computer.is_active(),
                platform: computer.counts.first().map(|count| count.platform),
                created_ms: computer.counts.first().map_or(0, |count| count.created_ms),
                last_seen_ms: seen.unwrap_or(counted).max(counted),
                clone_suspected: computer.counts.iter().any(|count| count.clone_suspected),
                counts: computer.counts.into_iter().skip(skipped).cloned().collect(),
            }
        };
        let rows = computers.into_iter().zip(seen).map(row).collect();
        Ok(ActivationsPage { rows, next, as_of_sequence: loaded.as_of_sequence })
    }
}
