//! The writer under an engine that conflicts, fails and does not know: no command touches another
//! key, and an unknown outcome is answered with what was recorded.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;

use super::batch::KEY_EVENTS_MAX;
use super::*;
use crate::domain::command::{Activate, Register, Settings, Update};
use crate::domain::event::{Body, RequestStamp};
use crate::domain::evidence::Evidence;
use crate::domain::ids::{ActivationId, RequestId};
use crate::domain::specimens::{FULL, PRODUCT, computer, lookup, numbered, origin, policy, terms};
use crate::domain::terms::{Platform, Suspension};
use crate::ports::{Loaded, Recorded, Span};
use crate::storage::memory::MemoryLedger;

/// What an engine does to a commit or a load, once.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// After so many that succeed.
    LoadFails(KeyId, usize),
    Overloaded,
    /// After a load, another writer registers this key.
    Registers(KeyId),
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
    /// It has nothing in memory: whoever asks waits.
    is_away: bool,
}

impl Faulty {
    fn take(&self, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut fault = self.fault.lock().expect("no panic");
        let found = (*fault).filter(|found| wanted(found))?;
        *fault = match found {
            Fault::Conflicts(left) if left > 1 => Some(Fault::Conflicts(left - 1)),
            Fault::LoadFails(key_id, left) if left > 0 => Some(Fault::LoadFails(key_id, left - 1)),
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
        if self.is_away {
            tokio::task::yield_now().await;
        }
        let fails = |fault: &Fault| matches!(fault, Fault::LoadFails(id, _) if Some(*id) == asked);
        if let Some(Fault::LoadFails(_, 0)) = self.take(fails) {
            return Err(LedgerError::Unavailable("a test".to_owned()));
        }
        let loaded = self.inner.load(key, request).await;
        if let Some(Fault::Registers(key_id)) =
            self.take(|fault| matches!(fault, Fault::Registers(_)))
        {
            let context =
                Context { policy: policy(), account: None, recorded: None, lookup_owner: None };
            let Decision { events, .. } = decide(context, &register(key_id));
            let account = Arc::new(Account::open(&events[0]).expect("fits"));
            self.inner.commit(vec![Change { expected_version: 0, events, account }]).await?;
        }
        loaded
    }

    async fn recorded(
        &self,
        key: KeyId,
        request: RequestId,
        after: u64,
    ) -> Result<Option<Arc<Event>>, LedgerError> {
        if self.is_away {
            tokio::task::yield_now().await;
        }
        self.inner.recorded(key, request, after).await
    }

    async fn heads(&self, keys: Vec<KeyId>) -> Result<(Vec<Option<Head>>, u64), LedgerError> {
        self.inner.heads(keys).await
    }

    async fn commit(&self, mut changes: Vec<Change>) -> Result<Vec<Committed>, LedgerError> {
        self.commits.fetch_add(1, Ordering::Relaxed);
        let count = changes.len();
        match self.take(|fault| !matches!(fault, Fault::LoadFails(..))) {
            Some(Fault::Overloaded) => Ok(vec![Committed::Overloaded; count]),
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
            Some(Fault::LoadFails(..) | Fault::Registers(_)) | None => {
                self.inner.commit(changes).await
            }
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

/// An activation of one computer, the same for every request id.
fn activate(id: u8) -> Command {
    activate_on(id, computer(&FULL, &[]))
}

/// An activation of a computer of its own.
fn activate_another(id: u8) -> Command {
    activate_on(id, numbered(&FULL, &[], id + 1, 0))
}

fn activate_on(id: u8, evidence: Evidence) -> Command {
    let platform = Platform::Windows;
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
    let (ledger, writer) = sound(false).await;
    *ledger.fault.lock().expect("no panic") = Some(fault);
    (ledger, writer)
}

/// A writer over a ledger with keys A and B.
async fn sound(is_away: bool) -> (Arc<Faulty>, Writer) {
    let (inner, commits) = (MemoryLedger::default(), AtomicUsize::new(0));
    let ledger = Arc::new(Faulty { inner, fault: Mutex::new(None), commits, is_away });
    let policy = Arc::new(policy().clone());
    let pace = Arc::default();
    let writer = Writer { ledger: Arc::clone(&ledger) as Arc<dyn Ledger>, policy, pace };
    for key_id in [A, B] {
        run(&writer, vec![(key_id, register(key_id))]).await;
    }
    (ledger, writer)
}

/// Settles commands, the first ones in one batch, until none is left.
async fn run(writer: &Writer, commands: Vec<(KeyId, Command)>) -> Vec<Result<Settled, AppError>> {
    let (queue, mut jobs) = mpsc::channel(QUEUE_MAX);
    let Writer { ledger, policy, pace } = writer;
    let (ledger, policy, pace) = (Arc::clone(ledger), Arc::clone(policy), Arc::clone(pace));
    let committer = Committer { ledger, policy, queue, pace };
    let settle = commands.into_iter().map(|(key_id, command)| committer.settle(key_id, command));
    let mut settling = std::pin::pin!(futures_util::future::join_all(settle));
    let mut batch = Vec::new();
    loop {
        // Everybody looks and asks before the next batch begins.
        if let Some(settled) = settling.as_mut().now_or_never() {
            return settled;
        }
        while let Ok(job) = jobs.try_recv() {
            batch.push(job);
        }
        batch = writer.settle(batch).await;
        // An engine with nothing in memory waits for the runtime.
        tokio::task::yield_now().await;
    }
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
    // The first look of the first command fails, or the writer's own after two that succeed.
    for after in [0, 2] {
        let (ledger, writer) = writer(Fault::LoadFails(A, after)).await;
        let commands = vec![(A, activate(1)), (B, activate(2)), (A, block())];
        let answers = run(&writer, commands).await;
        assert_eq!(answers[0].as_ref().expect_err("failed"), &AppError::Unavailable);
        assert_eq!(answers[2].as_ref().expect("answered").head.as_ref().map(|h| h.key_id), Some(A));
        let (a, b) = (head(&ledger, A).await, head(&ledger, B).await);
        assert!(a.blocked && !b.blocked, "the block went where it was sent");
        assert_eq!((a.used, b.used), (0, 1));
    }
}

#[tokio::test]
async fn what_rests_on_nothing_new_is_answered_though_the_ledger_takes_nothing() {
    let (ledger, writer) = writer(Fault::Overloaded).await;
    let commands = vec![(A, register(A)), (A, activate(1)), (A, register(A)), (B, register(B))];
    let answers = run(&writer, commands).await;
    assert_eq!(answers[1].as_ref().expect_err("refused"), &AppError::Overloaded);
    for repeat in [&answers[0], &answers[3]] {
        assert_eq!(repeat.as_ref().expect("answered").result, Ok(Answer::Key));
    }
    // This one saw the activation that was not taken.
    assert_eq!(answers[2].as_ref().expect_err("refused"), &AppError::Overloaded);
    assert_eq!(head(&ledger, A).await.used, 0);
    let again = run(&writer, vec![(A, activate(1))]).await;
    assert_eq!(activation(&again[0]), ActivationId([1; 16]));
}

#[tokio::test]
async fn a_registration_that_comes_meanwhile_is_a_repeat_and_no_rival() {
    const C: KeyId = KeyId([3; 16]);
    let (ledger, writer) = writer(Fault::Registers(C)).await;
    let answers = run(&writer, vec![(C, register(C))]).await;
    assert_eq!(answers[0].as_ref().expect("answered").result, Ok(Answer::Key));
    assert_eq!(head(&ledger, C).await.version, 1);
}

#[tokio::test]
async fn p4_an_engine_with_nothing_in_memory_makes_no_difference() {
    let (ledger, writer) = sound(true).await;
    let commands = vec![(A, activate(1)), (A, activate(1)), (B, activate(2)), (A, activate(1))];
    let answers = run(&writer, commands).await;
    for place in [0, 1, 3] {
        assert_eq!(activation(&answers[place]), ActivationId([1; 16]));
    }
    let again = run(&writer, vec![(A, activate(1)), (A, block()), (A, activate(1))]).await;
    assert_eq!(activation(&again[0]), ActivationId([1; 16]));
    assert_eq!(activation(&again[2]), ActivationId([1; 16]), "even if it is blocked since");
    let (a, b) = (head(&ledger, A).await, head(&ledger, B).await);
    assert_eq!((a.used, a.blocked, b.used), (1, true, 1));
}

/// A job with what was seen before it, and where its reply comes.
async fn job(ledger: &Faulty, key_id: KeyId, command: Command) -> (Job, oneshot::Receiver<Reply>) {
    let seen = Seen::of(ledger, key_id, &command).await.expect("answers");
    let (reply, replied) = oneshot::channel();
    (Job { seen, command, reply }, replied)
}

fn granted(reply: &mut oneshot::Receiver<Reply>) -> ActivationId {
    match reply.try_recv().expect("replied") {
        Reply::Settled(settled) => activation(&Ok(settled)),
        Reply::Failed(error) => panic!("{error}"),
        Reply::Conflict(_) | Reply::Again(_) | Reply::Unknown(_) => panic!("sent back"),
    }
}

#[tokio::test]
async fn no_command_is_decided_on_less_than_what_it_saw() {
    let (ledger, writer) = sound(true).await;
    let (stale, mut stale_reply) = job(&ledger, A, activate(1)).await;
    run(&writer, vec![(A, block())]).await;
    // It saw the block; the other did not, and its account is the first in the batch.
    let (fresh, mut fresh_reply) = job(&ledger, A, register(A)).await;
    let later = writer.settle(vec![stale, fresh]).await;
    assert!(matches!(stale_reply.try_recv(), Ok(Reply::Conflict(_))), "it must look again");
    assert_eq!(later.len(), 1);
    assert!(writer.settle(later).await.is_empty());
    let Ok(Reply::Settled(settled)) = fresh_reply.try_recv() else { panic!("not settled") };
    assert!(settled.head.expect("told").blocked);
    assert_eq!(head(&ledger, A).await.used, 0);
}

#[tokio::test]
async fn a_repeat_that_came_between_the_look_and_the_batch_is_found() {
    for is_away in [false, true] {
        let (ledger, writer) = sound(is_away).await;
        let (mut first, mut first_reply) = job(&ledger, A, activate_another(1)).await;
        run(&writer, vec![(A, activate_another(2)), (A, activate_another(1))]).await;
        let (other, mut other_reply) = job(&ledger, A, activate_another(2)).await;
        let mut batch = vec![other, first];
        while !writer.settle(std::mem::take(&mut batch)).await.is_empty() {}
        assert_eq!(granted(&mut other_reply), ActivationId([2; 16]));
        if is_away {
            let Ok(Reply::Again(command)) = first_reply.try_recv() else { panic!("not sent back") };
            (first, first_reply) = job(&ledger, A, command).await;
            assert!(writer.settle(vec![first]).await.is_empty());
        }
        assert_eq!(granted(&mut first_reply), ActivationId([1; 16]));
        assert_eq!(head(&ledger, A).await.used, 2);
    }
}

#[tokio::test]
async fn conflicts_are_decided_again_and_in_the_end_given_up() {
    let (ledger, first) = writer(Fault::Conflicts(ATTEMPTS_MAX - 1)).await;
    let answers = run(&first, vec![(A, activate_another(1))]).await;
    assert_eq!(activation(&answers[0]), ActivationId([1; 16]));
    assert_eq!(head(&ledger, A).await.used, 1);

    let (ledger, second) = writer(Fault::Conflicts(ATTEMPTS_MAX)).await;
    let answers = run(&second, vec![(A, activate_another(1))]).await;
    assert_eq!(answers[0].as_ref().expect_err("too busy"), &AppError::Contended);
    assert_eq!(head(&ledger, A).await.used, 0);
}

#[tokio::test]
async fn p4_an_unknown_outcome_is_answered_with_what_was_recorded() {
    let (ledger, done) = writer(Fault::UnknownButDone).await;
    let answers = run(&done, vec![(A, activate_another(1))]).await;
    assert_eq!(activation(&answers[0]), ActivationId([1; 16]));
    assert_eq!(head(&ledger, A).await.used, 1);

    let elsewhere = ActivationId([0xbb; 16]);
    let (_, otherwise) = writer(Fault::UnknownAndOtherwise(elsewhere)).await;
    let answers = run(&otherwise, vec![(A, activate_another(1))]).await;
    assert_eq!(activation(&answers[0]), elsewhere, "the ledger decides, not the writer");

    let (ledger, lost) = writer(Fault::UnknownAndLost).await;
    let answers = run(&lost, vec![(A, activate_another(1))]).await;
    assert_eq!(answers[0].as_ref().expect_err("unknown"), &AppError::Unavailable);
    assert_eq!(head(&ledger, A).await.used, 0);
    let retry = run(&lost, vec![(A, activate_another(1))]).await;
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
        commands.push((A, activate_another(id)));
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

#[tokio::test]
async fn who_would_wait_too_long_is_refused_at_once_and_all_others_are_answered() {
    let (_, writer) = sound(false).await;
    writer.pace.note(Duration::from_secs(1), 1, true);
    let admitted = writer.pace.waiting_max();
    let crowd = (0..2 * admitted).map(|_| (A, activate(1))).collect();
    let answers = run(&writer, crowd).await;
    let (first, rest) = answers.split_at(admitted);
    assert!(first.iter().all(|answer| activation(answer) == ActivationId([1; 16])));
    for refused in rest {
        assert_eq!(refused.as_ref().expect_err("refused"), &AppError::Overloaded);
    }
}
