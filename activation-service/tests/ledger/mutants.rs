//! Deliberately broken engines: each breaks one promise of the port, and the races must notice.

use std::sync::Arc;

use activation_service::domain::account::Head;
use activation_service::domain::counts::Counts;
use activation_service::domain::event::Event;
use activation_service::domain::ids::{ActivationId, KeyId, RequestId};
use activation_service::ports::{
    Change, Committed, KeyRef, Ledger, LedgerError, Loaded, Recorded, Span,
};
use activation_service::storage::memory::MemoryLedger;
use async_trait::async_trait;

use crate::hot_key::race;

/// A promise that a mutant breaks.
#[derive(Clone, Copy, Debug)]
enum Broken {
    /// Request ids are not found again.
    ForgetsRequests,
    /// It says committed and throws the change away.
    AnswersWithoutCommitting,
    /// It loads accounts as they were before their counts.
    LoadsStaleCounts,
    /// Nothing, but it answers nothing at once, as engines across a network do.
    Slow,
    /// Nothing: the mutant must pass then, or the test proves nothing.
    Nothing,
}

struct Mutant {
    broken: Broken,
    inner: MemoryLedger,
}

impl Mutant {
    async fn wait(&self) {
        if let Broken::Slow = self.broken {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Ledger for Mutant {
    async fn load(
        &self,
        key: KeyRef,
        request: Option<RequestId>,
    ) -> Result<Option<Loaded>, LedgerError> {
        self.wait().await;
        let request = request.filter(|_| !matches!(self.broken, Broken::ForgetsRequests));
        let mut loaded = self.inner.load(key, request).await?;
        if let (Broken::LoadsStaleCounts, Some(loaded)) = (self.broken, &mut loaded) {
            let account = Arc::make_mut(&mut loaded.account);
            (account.head.used, account.head.computers) = (0, 0);
            account.counts = Counts::default();
        }
        Ok(loaded)
    }

    async fn recorded(
        &self,
        key: KeyId,
        request: RequestId,
        after: u64,
    ) -> Result<Option<Arc<Event>>, LedgerError> {
        self.wait().await;
        match self.broken {
            Broken::ForgetsRequests => Ok(None),
            _ => self.inner.recorded(key, request, after).await,
        }
    }

    async fn heads(&self, keys: Vec<KeyId>) -> Result<(Vec<Option<Head>>, u64), LedgerError> {
        self.inner.heads(keys).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, LedgerError> {
        let registers = changes.iter().any(|change| change.expected_version == 0);
        match self.broken {
            Broken::AnswersWithoutCommitting if !registers => {
                let committed = |change: Change| Committed::Committed {
                    chain_id: [0; 16],
                    sequence: 1,
                    account_version: change.account.head.version,
                    proofs: Vec::new(),
                };
                Ok(changes.into_iter().map(committed).collect())
            }
            _ => self.inner.commit(changes).await,
        }
    }

    async fn events(&self, key: KeyId, span: Span) -> Result<(Vec<Recorded>, u64), LedgerError> {
        self.inner.events(key, span).await
    }

    async fn note_seen(&self, key: KeyId, activation: ActivationId, time_ms: i64) {
        self.inner.note_seen(key, activation, time_ms).await;
    }

    async fn last_seen(
        &self,
        key: KeyId,
        activations: Vec<ActivationId>,
    ) -> Result<Vec<Option<i64>>, LedgerError> {
        self.inner.last_seen(key, activations).await
    }

    async fn ready(&self) -> Result<(), LedgerError> {
        self.inner.ready().await
    }
}

async fn caught(broken: Broken) -> Result<(), String> {
    let ledger = Arc::new(Mutant { broken, inner: MemoryLedger::default() });
    race(ledger, 3).await.map_err(|error| error.to_string())?.verdict(3)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_unmutated_engine_passes() {
    assert_eq!(caught(Broken::Nothing).await, Ok(()));
    assert_eq!(caught(Broken::Slow).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_mutant_is_caught() {
    for broken in
        [Broken::ForgetsRequests, Broken::AnswersWithoutCommitting, Broken::LoadsStaleCounts]
    {
        let verdict = caught(broken).await;
        assert!(verdict.is_err(), "{broken:?} was not noticed");
    }
}
