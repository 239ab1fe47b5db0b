//! The writer under an engine that conflicts, fails and does not know: no command touches another
//! key, and an unknown outcome is answered with what was recorded.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::domain::command::{Activate, Register, Settings, Update};
use crate::domain::event::{Body, RequestStamp};
use crate::domain::ids::ActivationId;
use crate::domain::specimens::{FULL, PRODUCT, computer, lookup, origin, policy, terms};
use crate::domain::terms::{Platform, Suspension};
use crate::ports::{Loaded, Recorded, Span};
use crate::storage::memory::MemoryLedger;

/// What an engine does to a commit or a load, once.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    LoadFails(KeyId),
    Conflicts(usize),
    UnknownButDone,
    UnknownAndLost,
    /// It does not know, and meanwhile another writer recorded the request as this activation.
    UnknownAndOtherwise(ActivationId),
}

/// The reference engine with one fault.
struct Faulty {
    inner: MemoryLedger,
    fault: Mutex<Option<Fault>>,
    commits: AtomicUsize,
}

impl Faulty {
    fn take(&self, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut fault = self.fault.lock().expect("no panic");
        let found = (*fault).filter(|found| wanted(found))?;
        *fault = match found {
            Fault::Conflicts(left) if left > 1 => Some(Fault::Conflicts(left - 1)),
            _ => None,
        };
        Some(found)
    }
}

#[async_trait]
impl Ledger for Faulty {
    async fn load(
        &self,
        key: KeyRef,
        request: Option<RequestId>,
    ) -> Result<Option<Loaded>, LedgerError> {
        let asked = if let KeyRef::Id(id) = &key { Some(*id) } else { None };
        let fails = |fault: &Fault| matches!(fault, Fault::LoadFails(id) if Some(*id) == asked);
        if self.take(fails).is_some() {
            return Err(LedgerError::Unavailable("a test".to_owned()));
        }
        self.inner.load(key, request).await
    }

    async fn recorded(
        &self,
        key: KeyId,
        request: RequestId,
    ) -> Result<Option<Arc<Event>>, LedgerError> {
        self.inner.recorded(key, request).await
    }

    async fn heads(&self, keys: Vec<KeyId>) -> Result<(Vec<Option<Head>>, u64), LedgerError> {
        self.inner.heads(keys).await
    }

    async fn commit(&self, mut changes: Vec<Change>) -> Result<Vec<Committed>, LedgerError> {
        self.commits.fetch_add(1, Ordering::Relaxed);
        let count = changes.len();
        match self.take(|fault| !matches!(fault, Fault::LoadFails(_))) {
            Some(Fault::Conflicts(_)) => Ok(vec![Committed::Conflict; count]),
            Some(Fault::UnknownAndLost) => Ok(vec![Committed::Unknown; count]),
            Some(Fault::UnknownAndOtherwise(activation)) => {
                for event in changes.iter_mut().flat_map(|change| &mut change.events) {
                    if let Body::Activated(activated) = &mut event.body {
                        activated.activation = activation;
                    }
                }
                self.inner.commit(changes).await?;
                Ok(vec![Committed::Unknown; count])
            }
            Some(Fault::UnknownButDone) => {
                self.inner.commit(changes).await?;
                Ok(vec![Committed::Unknown; count])
            }
            Some(Fault::LoadFails(_)) | None => self.inner.commit(changes).await,
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

const A: KeyId = KeyId([1; 16]);
const B: KeyId = KeyId([2; 16]);

fn register(key_id: KeyId) -> Command {
    Command::Register(Box::new(Register {
        key_id,
        terms: terms(5),
        suspension: Suspension::default(),
        lookups: vec![lookup(key_id.0[0])],
        origin: origin(),
    }))
}

fn block() -> Command {
    let settings = Settings { blocked: Some(true), ..Settings::default() };
    Command::Update(Box::new(Update { settings, origin: origin() }))
}

fn activate(id: u8) -> Command {
    let (evidence, platform) = (computer(&FULL, &[]), Platform::Windows);
    let request = RequestStamp::activate(RequestId([id; 16]), PRODUCT, &evidence, platform);
    Command::Activate(Activate {
        product: PRODUCT.to_owned(),
        evidence: Arc::new(evidence),
        platform,
        request,
        new_activation: ActivationId([id; 16]),
        origin: origin(),
    })
}

/// A writer over a ledger with keys A and B, and then one fault.
async fn writer(fault: Fault) -> (Arc<Faulty>, Writer) {
    let (inner, commits) = (MemoryLedger::default(), AtomicUsize::new(0));
    let ledger = Arc::new(Faulty { inner, fault: Mutex::new(None), commits });
    let policy = Arc::new(policy().clone());
    let writer = Writer { ledger: Arc::clone(&ledger) as Arc<dyn Ledger>, policy };
    for key_id in [A, B] {
        run(&writer, vec![(key_id, register(key_id))]).await;
    }
    *ledger.fault.lock().expect("no panic") = Some(fault);
    (ledger, writer)
}

/// Settles commands, the first ones in one batch, until none is left.
async fn run(writer: &Writer, commands: Vec<(KeyId, Command)>) -> Vec<Result<Settled, AppError>> {
    let (mut jobs, mut answers) = (Vec::new(), Vec::new());
    for (key_id, command) in commands {
        let (reply, answer) = oneshot::channel();
        jobs.push(Job { key_id, command, attempts: 0, reply });
        answers.push(answer);
    }
    while !jobs.is_empty() {
        jobs = writer.settle(jobs).await;
    }
    let mut settled = Vec::new();
    for answer in answers {
        settled.push(answer.await.expect("every job is answered"));
    }
    settled
}

async fn head(ledger: &Faulty, key_id: KeyId) -> Head {
    let loaded = ledger.inner.load(KeyRef::Id(key_id), None).await.expect("answers");
    loaded.expect("known").account.head.clone()
}

fn activation(settled: &Result<Settled, AppError>) -> ActivationId {
    match settled {
        Ok(Settled { result: Ok(Answer::Activated(granted)), .. }) => granted.activation,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_failed_load_moves_no_command_to_another_key() {
    let (ledger, writer) = writer(Fault::LoadFails(A)).await;
    let commands = vec![(A, activate(1)), (B, activate(2)), (A, block())];
    let answers = run(&writer, commands).await;
    assert_eq!(answers[0].as_ref().expect_err("failed"), &AppError::Unavailable);
    assert_eq!(answers[2].as_ref().expect("answered").head.as_ref().map(|h| h.key_id), Some(A));
    let (a, b) = (head(&ledger, A).await, head(&ledger, B).await);
    assert!(a.blocked && !b.blocked, "the block went where it was sent");
    assert_eq!((a.used, b.used), (0, 1));
}

#[tokio::test]
async fn conflicts_are_decided_again_and_in_the_end_given_up() {
    let (ledger, first) = writer(Fault::Conflicts(ATTEMPTS_MAX - 1)).await;
    let answers = run(&first, vec![(A, activate(1))]).await;
    assert_eq!(activation(&answers[0]), ActivationId([1; 16]));
    assert_eq!(head(&ledger, A).await.used, 1);

    let (ledger, second) = writer(Fault::Conflicts(ATTEMPTS_MAX)).await;
    let answers = run(&second, vec![(A, activate(1))]).await;
    assert_eq!(answers[0].as_ref().expect_err("too busy"), &AppError::Contended);
    assert_eq!(head(&ledger, A).await.used, 0);
}

#[tokio::test]
async fn p4_an_unknown_outcome_is_answered_with_what_was_recorded() {
    let (ledger, done) = writer(Fault::UnknownButDone).await;
    let answers = run(&done, vec![(A, activate(1))]).await;
    assert_eq!(activation(&answers[0]), ActivationId([1; 16]));
    assert_eq!(head(&ledger, A).await.used, 1);

    let elsewhere = ActivationId([0xbb; 16]);
    let (_, otherwise) = writer(Fault::UnknownAndOtherwise(elsewhere)).await;
    let answers = run(&otherwise, vec![(A, activate(1))]).await;
    assert_eq!(activation(&answers[0]), elsewhere, "the ledger decides, not the writer");

    let (ledger, lost) = writer(Fault::UnknownAndLost).await;
    let answers = run(&lost, vec![(A, activate(1))]).await;
    assert_eq!(answers[0].as_ref().expect_err("unknown"), &AppError::Unavailable);
    assert_eq!(head(&ledger, A).await.used, 0);
    let retry = run(&lost, vec![(A, activate(1))]).await;
    assert_eq!(activation(&retry[0]), ActivationId([1; 16]));
}

#[tokio::test]
async fn a_hot_key_takes_its_share_of_a_batch_and_the_rest_follows() {
    let (ledger, writer) = writer(Fault::Conflicts(0)).await;
    *ledger.fault.lock().expect("no panic") = None;
    let raise = Settings { limit: Some(100), ..Settings::default() };
    let raise = Command::Update(Box::new(Update { settings: raise, origin: origin() }));
    run(&writer, vec![(A, raise)]).await;
    let before = ledger.commits.load(Ordering::Relaxed);
    let mut commands = Vec::new();
    for id in 0..64 {
        let Command::Activate(mut activate) = activate(id) else { unreachable!() };
        let evidence = crate::domain::specimens::numbered(&FULL, &[], id + 1, 0);
        activate.request =
            RequestStamp::activate(activate.request.id, PRODUCT, &evidence, activate.platform);
        activate.evidence = Arc::new(evidence);
        commands.push((A, Command::Activate(activate)));
    }
    let answers = run(&writer, commands).await;
    let mut ids: Vec<_> = answers.iter().map(activation).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 64);
    assert_eq!(head(&ledger, A).await.used, 64);
    let batches = ledger.commits.load(Ordering::Relaxed) - before;
    assert_eq!(batches, 64_usize.div_ceil(KEY_EVENTS_MAX));
}
