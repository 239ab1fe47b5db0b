//! The one writer: decides many commands, commits them as one batch, then answers all.
//!
//! Commands of one key are decided one after the other on the same working account, so no two of
//! them see the same last activation left; a key that a thousand clients hit at once costs no more
//! than a thousand keys.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::AppError;
use crate::domain::account::{Account, Head};
use crate::domain::command::{Answer, Command, Context, Decision, decide};
use crate::domain::error::Refusal;
use crate::domain::event::Event;
use crate::domain::ids::{KeyId, RequestId};
use crate::domain::policy::Policy;
use crate::ports::{Change, Committed, KeyRef, Ledger, LedgerError};

/// Most commands that wait; beyond that new work is refused.
const QUEUE_MAX: usize = 4096;
/// Most commands of a batch; a command writes some four rows.
const BATCH_MAX: usize = 64;
/// Most times a command is decided when others change its key.
const ATTEMPTS_MAX: usize = 8;

/// What became of a command.
#[derive(Debug)]
pub(super) struct Settled {
    /// The answer, durable.
    pub result: Result<Answer, Refusal>,
    /// The key after it; none if it is unknown.
    pub head: Option<Head>,
}

/// The door to the writer.
pub(super) struct Committer {
    queue: mpsc::Sender<Job>,
}

struct Job {
    key_id: KeyId,
    command: Command,
    reply: oneshot::Sender<Result<Settled, AppError>>,
}

impl Committer {
    pub(super) fn start(ledger: Arc<dyn Ledger>, policy: Arc<Policy>) -> (Self, JoinHandle<()>) {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let writer = Writer { ledger, policy };
        (Self { queue }, tokio::spawn(writer.run(jobs)))
    }

    /// Decides a command and makes it durable. Dropping the future does not undo what was queued.
    pub(super) async fn settle(
        &self,
        key_id: KeyId,
        command: Command,
    ) -> Result<Settled, AppError> {
        let (reply, settled) = oneshot::channel();
        self.queue.try_send(Job { key_id, command, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => AppError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => AppError::Unavailable,
        })?;
        settled.await.unwrap_or(Err(AppError::Unavailable))
    }
}

struct Writer {
    ledger: Arc<dyn Ledger>,
    policy: Arc<Policy>,
}

/// A key with the undecided and decided work of one batch.
struct Working {
    key_id: KeyId,
    expected_version: u64,
    account: Option<Account>,
    events: Vec<Event>,
    decided: Vec<(Job, Settled)>,
}

impl Writer {
    async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while jobs.recv_many(&mut batch, BATCH_MAX).await > 0 {
            self.settle(std::mem::take(&mut batch)).await;
        }
    }

    async fn settle(&self, mut batch: Vec<Job>) {
        for _ in 0..ATTEMPTS_MAX {
            let mut working: Vec<Working> = Vec::new();
            let mut places = HashMap::new();
            for job in batch {
                let place = *places.entry(job.key_id).or_insert(working.len());
                if let Err((job, error)) = self.decide(&mut working, place, job).await {
                    reply(job, Err(error));
                }
            }
            batch = self.commit(working).await;
            if batch.is_empty() {
                return;
            }
        }
        batch.into_iter().for_each(|job| reply(job, Err(AppError::Contended)));
    }

    /// Decides a job on the working account at `place`, loading it first if it is new.
    async fn decide(
        &self,
        working: &mut Vec<Working>,
        place: usize,
        job: Job,
    ) -> Result<(), (Job, AppError)> {
        let request = job.command.request_id();
        let loaded = match self.ledger.load(KeyRef::Id(job.key_id), request).await {
            Ok(loaded) => loaded,
            Err(error) => return Err((job, error.into())),
        };
        let lookup_owner = match self.lookup_owner(&job.command).await {
            Ok(owner) => owner,
            Err(error) => return Err((job, error.into())),
        };
        if working.len() <= place {
            let account = loaded.as_ref().map(|loaded| loaded.account.as_ref().clone());
            let expected_version = account.as_ref().map_or(0, |account| account.head.version);
            let (key_id, events, decided) = (job.key_id, Vec::new(), Vec::new());
            working.push(Working { key_id, expected_version, account, events, decided });
        }
        let Some(work) = working.get_mut(place) else {
            return Err((job, AppError::Unavailable));
        };
        let recorded = loaded.and_then(|loaded| loaded.recorded);
        let recorded = request.and_then(|id| work.recorded(id)).or(recorded.as_deref());
        let context = Context {
            policy: &self.policy,
            account: work.account.as_ref(),
            recorded,
            lookup_owner,
        };
        let decision = decide(context, &job.command);
        let after = match decision.applied(work.account.as_ref()) {
            Ok(after) => after,
            Err(error) => {
                tracing::error!(%error, "a decision does not fit its account");
                return Err((job, AppError::Unavailable));
            }
        };
        let head = after.as_ref().map(|account| account.head.clone());
        let Decision { events, result } = decision;
        work.account = after;
        work.events.extend(events);
        work.decided.push((job, Settled { result, head }));
        Ok(())
    }

    async fn lookup_owner(&self, command: &Command) -> Result<Option<KeyId>, LedgerError> {
        let Command::Register(register) = command else { return Ok(None) };
        let found = self.ledger.load(KeyRef::Lookup(register.lookups.clone()), None).await?;
        Ok(found.map(|found| found.account.head.key_id))
    }

    /// Commits the batch and answers; gives back the jobs that must be decided again.
    async fn commit(&self, working: Vec<Working>) -> Vec<Job> {
        let (changed, unchanged): (Vec<_>, Vec<_>) =
            working.into_iter().partition(|work| !work.events.is_empty());
        unchanged.into_iter().for_each(|work| work.answer());
        let changes: Vec<_> = changed.iter().filter_map(Working::change).collect();
        if changes.is_empty() {
            return Vec::new();
        }
        let outcomes = match self.ledger.commit(changes).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::error!(%error, "a batch was not committed");
                vec![Committed::Unknown; changed.len()]
            }
        };
        let mut again = Vec::new();
        for (work, outcome) in changed.into_iter().zip(outcomes) {
            match outcome {
                Committed::Committed { .. } => work.answer(),
                Committed::Conflict => again.extend(work.decided.into_iter().map(|(job, _)| job)),
                Committed::Unknown => self.look_up(work).await,
            }
        }
        again
    }

    /// Answers the jobs whose request id is found after all; the others are told to ask again.
    async fn look_up(&self, work: Working) {
        for (job, settled) in work.decided {
            let Some(request) = job.command.request_id() else {
                reply(job, Err(AppError::Unavailable));
                continue;
            };
            let found = self.ledger.load(KeyRef::Id(work.key_id), Some(request)).await;
            match found {
                Ok(Some(loaded)) if loaded.recorded.is_some() => reply(job, Ok(settled)),
                Ok(_) | Err(_) => reply(job, Err(AppError::Unavailable)),
            }
        }
    }
}

impl Working {
    /// The event of this batch that records the request.
    fn recorded(&self, id: RequestId) -> Option<&Event> {
        self.events.iter().find(|event| event.request.is_some_and(|request| request.id == id))
    }

    fn change(&self) -> Option<Change> {
        let account = Arc::new(self.account.clone()?);
        let events = self.events.clone();
        Some(Change { expected_version: self.expected_version, events, account })
    }

    fn answer(self) {
        self.decided.into_iter().for_each(|(job, settled)| reply(job, Ok(settled)));
    }
}

fn reply(job: Job, answer: Result<Settled, AppError>) {
    // A caller that went away is no fault; the ledger has the event, and its retry finds it.
    let _ = job.reply.send(answer);
}
