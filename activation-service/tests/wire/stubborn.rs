//! A ledger that conflicts, hangs or forgets: the refusals that a healthy engine never causes.

use std::sync::Arc;

use activation_service::adapters::clock::SystemClock;
use activation_service::adapters::failed_lookups::LookupWatch;
use activation_service::adapters::randomness::SystemRandomness;
use activation_service::app::{App, ProofTerms};
use activation_service::config::FailedLookups;
use activation_service::domain::account::Head;
use activation_service::domain::event::Event;
use activation_service::domain::ids::{ActivationId, KeyId, RequestId};
use activation_service::domain::policy::{Policy, Rules};
use activation_service::domain::product_key::{Pepper, PepperId, Peppers};
use activation_service::grpc::{ActivationRpcs, AppSlot};
use activation_service::ports::{
    Change, Committed, KeyRef, Ledger, LedgerError, Loaded, Recorded, Span,
};
use activation_service::storage::memory::MemoryLedger;
use async_trait::async_trait;
use chassis::auth::Principal;
use chassis::page_token::Sealer;
use hardware_evidence::{DeploymentSalt, JunkDigests};
use proto::activation::v1 as pb;
use proto::activation::v1::activation_service_server::ActivationService;
use tonic::{Code, Request};

use crate::world::{HELP, activate, computer, preview, refusal, registration};

/// Commands that wait and commands of one batch (app/committer.rs).
const QUEUED_MAX: u32 = 4096 + 64;

#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Conflict,
    Unknown,
    Full,
    Hang,
}

/// Registers as the memory engine does, and commits nothing else.
struct Stubborn {
    ledger: MemoryLedger,
    mood: Mood,
}

#[async_trait]
impl Ledger for Stubborn {
    async fn load(
        &self,
        key: KeyRef,
        request: Option<RequestId>,
    ) -> Result<Option<Loaded>, LedgerError> {
        self.ledger.load(key, request).await
    }

    async fn recorded(
        &self,
        key: KeyId,
        request: RequestId,
        after: u64,
    ) -> Result<Option<Arc<Event>>, LedgerError> {
        self.ledger.recorded(key, request, after).await
    }

    async fn heads(&self, keys: Vec<KeyId>) -> Result<(Vec<Option<Head>>, u64), LedgerError> {
        self.ledger.heads(keys).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Committed>, LedgerError> {
        if changes.iter().all(|change| change.expected_version == 0) {
            return self.ledger.commit(changes).await;
        }
        match self.mood {
            Mood::Conflict => Ok(vec![Committed::Conflict; changes.len()]),
            Mood::Unknown => Ok(vec![Committed::Unknown; changes.len()]),
            Mood::Full => Ok(vec![Committed::DiskFull; changes.len()]),
            Mood::Hang => std::future::pending().await,
        }
    }

    async fn events(&self, key: KeyId, span: Span) -> Result<(Vec<Recorded>, u64), LedgerError> {
        self.ledger.events(key, span).await
    }

    async fn note_seen(&self, key: KeyId, activation: ActivationId, time_ms: i64) {
        self.ledger.note_seen(key, activation, time_ms).await;
    }

    async fn last_seen(
        &self,
        key: KeyId,
        activations: Vec<ActivationId>,
    ) -> Result<Vec<Option<i64>>, LedgerError> {
        self.ledger.last_seen(key, activations).await
    }

    async fn ready(&self) -> Result<(), LedgerError> {
        self.ledger.ready().await
    }
}

fn closed() -> ActivationRpcs {
    ActivationRpcs {
        app: AppSlot::default(),
        guard: Arc::new(LookupWatch::new(FailedLookups::default())),
        sealer: Sealer::new(b"a secret of the tests"),
        help_base_uri: HELP.to_owned(),
        rules: Arc::new(Rules::hw_v1()),
    }
}

async fn with(mood: Mood) -> Arc<ActivationRpcs> {
    let ledger = Arc::new(Stubborn { ledger: MemoryLedger::default(), mood });
    let salt = DeploymentSalt::new([7; 32]);
    let policy = Policy::hw_v1(JunkDigests::new(&salt));
    let peppers = Peppers::new(Pepper::new(PepperId(1), [9; 32]), None);
    let (clock, randomness) = (Arc::new(SystemClock::new()), Arc::new(SystemRandomness));
    let (app, _background) =
        App::start(ledger, clock, randomness, policy, peppers, salt, ProofTerms::default());
    let rpcs = closed();
    assert!(rpcs.app.set(app).is_ok(), "the slot is empty");
    let keys = vec![registration(1)];
    let mut request = Request::new(pb::BatchRegisterKeysRequest { keys });
    request.extensions_mut().insert(Principal::new("catalog", ["CATALOG"], None));
    rpcs.batch_register_keys(request).await.expect("registered");
    Arc::new(rpcs)
}

#[tokio::test]
async fn a_key_that_others_change_at_each_attempt_is_busy() {
    let rpcs = with(Mood::Conflict).await;
    let status = rpcs.activate(Request::new(activate(1, computer(1), 1))).await;
    refusal(&status.expect_err("busy"), Code::Aborted, "KEY_BUSY");
}

#[tokio::test]
async fn an_answer_that_nobody_knows_is_unavailable() {
    let rpcs = with(Mood::Unknown).await;
    let status = rpcs.activate(Request::new(activate(1, computer(1), 1))).await;
    refusal(&status.expect_err("unknown"), Code::Unavailable, "LEDGER_UNAVAILABLE");
}

#[tokio::test]
async fn a_ledger_without_space_refuses_what_must_be_recorded_and_nothing_else() {
    let rpcs = with(Mood::Full).await;
    let status = rpcs.activate(Request::new(activate(1, computer(1), 1))).await;
    refusal(&status.expect_err("full"), Code::Unavailable, "DISK_FULL");
    let preview = preview(activate(1, computer(1), 1));
    rpcs.preview_activation(Request::new(preview)).await.expect("nothing has to be recorded");
}

#[tokio::test]
async fn before_the_ledger_is_open_every_call_is_told_to_come_back() {
    let rpcs = closed();
    let status = rpcs.activate(Request::new(activate(1, computer(1), 1))).await;
    refusal(&status.expect_err("closed"), Code::Unavailable, "LEDGER_UNAVAILABLE");
}

#[tokio::test]
async fn a_full_queue_refuses_new_work() {
    let rpcs = with(Mood::Hang).await;
    let mut waiting = tokio::task::JoinSet::new();
    // One more than there is room for, whatever the writer has taken out already.
    for number in 0..=QUEUED_MAX {
        let rpcs = Arc::clone(&rpcs);
        waiting.spawn(async move {
            let request = Request::new(activate(1, computer(number), number));
            rpcs.activate(request).await
        });
    }
    let first = waiting.join_next().await.expect("one ends").expect("no panic");
    refusal(&first.expect_err("overloaded"), Code::ResourceExhausted, "OVERLOADED");
    waiting.shutdown().await;
}
