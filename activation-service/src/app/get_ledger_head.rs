//! GetLedgerHead: the newest signed statement over everything that is recorded.

use std::sync::Arc;

use super::{App, AppError};

impl App {
    /// The newest durable head in bytes.
    pub async fn get_ledger_head(&self) -> Result<Arc<[u8]>, AppError> {
        let proofs = self.proof.proofs.as_ref().ok_or(AppError::NoLedgerHead)?;
        proofs.head().await?.ok_or(AppError::NoLedgerHead)
    }
}
