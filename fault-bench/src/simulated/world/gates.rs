//! Where tasks stand between two steps until the life lets one of them go on.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use activation_service::domain::account::Head;
use activation_service::domain::event::Event;
use activation_service::domain::ids::{ActivationId, KeyId, RequestId};
use activation_service::ports::{
    Change, Committed, KeyRef, Ledger, LedgerError, Loaded, Proofs, Recorded, Span,
};
use activation_service::storage::disk::sim::Dice;
use activation_service::storage::journaled::JournaledLedger;
use async_trait::async_trait;

/// All gates of a life; clones are the same.
#[derive(Clone)]
pub(super) struct Gates {
    state: Arc<Mutex<State>>,
}

struct State {
    dice: Dice,
    /// How many of a hundred who come by need not stand.
    open_percent: u64,
    next: u64,
    standing: BTreeMap<u64, Standing>,
}

struct Standing {
    waker: Waker,
    may_go: bool,
}

/// One who comes by.
struct Pass {
    state: Arc<Mutex<State>>,
    number: Option<u64>,
}

impl Gates {
    pub(super) fn new(seed: u64, open_percent: u64) -> Self {
        let (dice, standing) = (Dice::new(seed), BTreeMap::new());
        let state = State { dice, open_percent, next: 0, standing };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The numbers of those who stand.
    pub(super) fn standing(&self) -> Vec<u64> {
        let state = lock(&self.state);
        state.standing.iter().filter(|(_, who)| !who.may_go).map(|(number, _)| *number).collect()
    }

    /// Lets one of them go on.
    pub(super) fn let_go(&self, number: u64) {
        let waker = lock(&self.state).standing.get_mut(&number).map(|who| {
            who.may_go = true;
            who.waker.clone()
        });
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Nobody stands any more, now and later.
    pub(super) fn open(&self) {
        lock(&self.state).open_percent = 100;
        self.standing().into_iter().for_each(|number| self.let_go(number));
    }

    async fn pass(&self) {
        Pass { state: Arc::clone(&self.state), number: None }.await;
    }
}

impl Future for Pass {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let shared = Arc::clone(&self.state);
        let mut state = lock(&shared);
        let Some(number) = self.number else {
            let open_percent = state.open_percent;
            if state.dice.chance(open_percent) {
                return Poll::Ready(());
            }
            state.next += 1;
            let standing = Standing { waker: context.waker().clone(), may_go: false };
            let number = state.next;
            state.standing.insert(number, standing);
            self.number = Some(number);
            return Poll::Pending;
        };
        match state.standing.get_mut(&number) {
            Some(standing) if !standing.may_go => {
                standing.waker = context.waker().clone();
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            lock(&self.state).standing.remove(&number);
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The engine with a gate before and behind its calls: what was read may be old once it arrives,
/// and what is durable may be answered late.
pub(super) struct Gated {
    pub(super) engine: Arc<JournaledLedger>,
    pub(super) gates: Gates,
}

#[async_trait]
impl Ledger for Gated {
    async fn load(
        &self,
        key: KeyRef,
        request: Option<RequestId>,
    ) -> Result<Option<Loaded>, LedgerError> {
        self.gates.pass().await;
        let loaded = self.engine.load(key, request).await;
        self.gates.pass().await;
        loaded
    }

    async fn recorded(
        &self,
        key: KeyId,
        request: RequestId,
        after: u64,
    ) -> Result<Option<Arc<Event>>, LedgerError> {
        self.gates.pass().await;
        self.engine.recorded(key, request, after).await
    }

    async fn heads(&self, keys: Vec<KeyId>) -> Result<(Vec<Option<Head>>, u64), LedgerError> {
        self.gates.pass().await;
        self.engine.heads(keys).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, LedgerError> {
        self.gates.pass().await;
        let committed = self.engine.commit(changes).await;
        self.gates.pass().await;
        committed
    }

    async fn events(&self, key: KeyId, span: Span) -> Result<(Vec<Recorded>, u64), LedgerError> {
        self.gates.pass().await;
        self.engine.events(key, span).await
    }

    async fn note_seen(&self, key: KeyId, activation: ActivationId, time_ms: i64) {
        self.engine.note_seen(key, activation, time_ms).await;
    }

    async fn last_seen(
        &self,
        key: KeyId,
        activations: Vec<ActivationId>,
    ) -> Result<Vec<Option<i64>>, LedgerError> {
        self.gates.pass().await;
        self.engine.last_seen(key, activations).await
    }

    async fn ready(&self) -> Result<(), LedgerError> {
        self.engine.ready().await
    }
}

#[async_trait]
impl Proofs for Gated {
    async fn receipt(&self, key: KeyId, version: u64) -> Result<Option<Arc<[u8]>>, LedgerError> {
        self.gates.pass().await;
        self.engine.receipt(key, version).await
    }

    async fn head(&self) -> Result<Option<Arc<[u8]>>, LedgerError> {
        self.gates.pass().await;
        self.engine.head().await
    }
}
