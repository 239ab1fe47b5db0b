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
use crate::domain::event::{Body, Event};
use crate::domain::ids::{KeyId, RequestId};
use crate::domain::policy::Policy;
use crate::mutants::{self, Mutant};
use crate::ports::{Change, Committed, KeyRef, Ledger, LedgerError};

/// Most commands that wait; beyond that new work is refused.
const QUEUE_MAX: usize = 4096;
/// Most commands of a batch.
const BATCH_MAX: usize = 64;
/// Most events of one key in a batch; an engine writes them together, and an event with the most
/// evidence that a report may have takes some two kibibytes.
const KEY_EVENTS_MAX: usize = 24;
/// Most times a command is decided when others change its key.
const ATTEMPTS_MAX: usize = 8;

/// What became of a command.
#[derive(Debug)]
pub(super) struct Settled {
    /// The answer, durable.
    pub result: Result<Answer, Refusal>,
    /// The key after it; none if it is unknown.
    pub head: Option<Head>,
    /// The proof of the answer, where the engine gave it with the commit.
    pub receipt: Option<Arc<[u8]>>,
}

/// The door to the writer.
pub(super) struct Committer {
    queue: mpsc::Sender<Job>,
}

struct Job {
    key_id: KeyId,
    command: Command,
    attempts: usize,
    reply: oneshot::Sender<Result<Settled, AppError>>,
}

impl Committer {
    pub(super) fn start(ledger: Arc<dyn Ledger>, policy: Arc<Policy>) -> (Self, JoinHandle<()>) {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let writer = Writer { ledger, policy };
        (Self { queue }, tokio::spawn(writer.run(jobs)))
    }

    /// False once the writer is gone: nothing more can be decided.
    pub(super) fn is_alive(&self) -> bool {
        !self.queue.is_closed()
    }

    /// Decides a command and makes it durable. Dropping the future does not undo what was queued.
    pub(super) async fn settle(
        &self,
        key_id: KeyId,
        command: Command,
    ) -> Result<Settled, AppError> {
        let (reply, settled) = oneshot::channel();
        let job = Job { key_id, command, attempts: 0, reply };
        self.queue.try_send(job).map_err(|error| match error {
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

/// A key with the decided work of one batch.
struct Working {
    key_id: KeyId,
    expected_version: u64,
    account: Option<Account>,
    events: Vec<Event>,
    decided: Vec<(Job, Settled)>,
}

/// The keys of one batch, and the jobs that must wait for the next.
#[derive(Default)]
struct Batch {
    working: Vec<Working>,
    places: HashMap<KeyId, usize>,
    again: Vec<Job>,
}

impl Batch {
    fn of(&mut self, key_id: KeyId) -> Option<&mut Working> {
        let place = *self.places.get(&key_id)?;
        self.working.get_mut(place)
    }

    fn open(&mut self, key_id: KeyId, account: Option<Account>) {
        let expected_version = account.as_ref().map_or(0, |account| account.head.version);
        self.places.insert(key_id, self.working.len());
        let (events, decided) = (Vec::new(), Vec::new());
        self.working.push(Working { key_id, expected_version, account, events, decided });
    }
}

impl Writer {
    async fn run(self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            if batch.is_empty() {
                if jobs.recv_many(&mut batch, BATCH_MAX).await == 0 {
                    return;
                }
            } else {
                // What the last batch left over goes first; whatever else waits comes along.
                while batch.len() < BATCH_MAX
                    && let Ok(job) = jobs.try_recv()
                {
                    batch.push(job);
                }
            }
            batch = self.settle(batch).await;
        }
    }

    /// Decides, commits and answers; gives back the jobs that must be decided in a further batch.
    async fn settle(&self, jobs: Vec<Job>) -> Vec<Job> {
        let mut batch = Batch::default();
        for job in jobs {
            if job.attempts == ATTEMPTS_MAX {
                reply(job, Err(AppError::Contended));
                continue;
            }
            match self.decide(&mut batch, &job).await {
                Ok(Some(settled)) => match batch.of(job.key_id) {
                    Some(work) => work.decided.push((job, settled)),
                    None => reply(job, Err(AppError::Unavailable)),
                },
                Ok(None) => batch.again.push(job),
                Err(error) => reply(job, Err(error)),
            }
        }
        let Batch { working, mut again, .. } = batch;
        again.extend(self.commit(working).await);
        again
    }

    /// Decides a job on the working account of its key, loading it first if it is new to the
    /// batch. None if the key has had its share of the batch.
    async fn decide(&self, batch: &mut Batch, job: &Job) -> Result<Option<Settled>, AppError> {
        let (key_id, request) = (job.key_id, job.command.request_id());
        let lookup_owner = self.lookup_owner(&job.command).await?;
        let recorded = match batch.of(key_id) {
            Some(work) if work.events.len() >= KEY_EVENTS_MAX => return Ok(None),
            Some(work) => match request {
                Some(id) => match work.recorded(id) {
                    Some(event) => Some(Arc::new(event.clone())),
                    None => self.ledger.recorded(key_id, id).await?,
                },
                None => None,
            },
            None => {
                let loaded = self.ledger.load(KeyRef::Id(key_id), request).await?;
                let account = loaded.as_ref().map(|loaded| loaded.account.as_ref().clone());
                batch.open(key_id, account);
                loaded.and_then(|loaded| loaded.recorded)
            }
        };
        let work = batch.of(key_id).ok_or(AppError::Unavailable)?;
        let context = Context {
            policy: &self.policy,
            account: work.account.as_ref(),
            recorded: recorded.as_deref(),
            lookup_owner,
        };
        let as_loaded =
            mutants::is_on(Mutant::CheckOutsideDecision).then(|| work.as_loaded()).flatten();
        let context = Context { account: as_loaded.as_ref().or(context.account), ..context };
        let decision = decide(context, &job.command);
        work.take_in(decision).map(Some)
    }

    async fn lookup_owner(&self, command: &Command) -> Result<Option<KeyId>, LedgerError> {
        let Command::Register(register) = command else { return Ok(None) };
        let found = self.ledger.load(KeyRef::Lookup(register.lookups.clone()), None).await?;
        Ok(found.map(|found| found.account.head.key_id))
    }

    /// Commits the batch and answers; gives back the jobs that must be decided again.
    async fn commit(&self, working: Vec<Working>) -> Vec<Job> {
        let (mut changes, mut waiting) = (Vec::new(), Vec::new());
        for work in working {
            let Working { key_id, expected_version, account, events, decided } = work;
            match account {
                Some(account) if !events.is_empty() => {
                    let account = Arc::new(account);
                    changes.push(Change { expected_version, events, account });
                    waiting.push((key_id, expected_version, decided));
                }
                // Nothing to record: the account held all that was durable when it was loaded.
                Some(_) | None => answer(decided),
            }
        }
        if changes.is_empty() {
            return Vec::new();
        }
        let outcomes = match self.ledger.commit(changes).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::error!(%error, "a batch was not committed");
                vec![Committed::Unknown; waiting.len()]
            }
        };
        let mut again = Vec::new();
        for ((key_id, version, mut decided), outcome) in waiting.into_iter().zip(outcomes) {
            match outcome {
                Committed::Committed { proofs, .. } => {
                    decided.iter_mut().for_each(|(_, settled)| settled.prove(version, &proofs));
                    answer(decided);
                }
                Committed::Conflict => again.extend(decided.into_iter().map(|(mut job, _)| {
                    job.attempts += 1;
                    job
                })),
                Committed::Unknown => self.look_up(key_id, decided).await,
                Committed::DiskFull => {
                    decided.into_iter().for_each(|(job, _)| reply(job, Err(AppError::DiskFull)));
                }
                Committed::Overloaded => {
                    decided.into_iter().for_each(|(job, _)| reply(job, Err(AppError::Overloaded)));
                }
            }
        }
        again
    }

    /// Answers the jobs whose request id is found after all, with what was recorded; the others
    /// are told to ask again.
    async fn look_up(&self, key_id: KeyId, decided: Vec<(Job, Settled)>) {
        for (job, _) in decided {
            let Some(request) = job.command.request_id() else {
                reply(job, Err(AppError::Unavailable));
                continue;
            };
            let found = self.ledger.load(KeyRef::Id(key_id), Some(request)).await;
            let Some(loaded) = found.ok().flatten().filter(|found| found.recorded.is_some()) else {
                reply(job, Err(AppError::Unavailable));
                continue;
            };
            let context = Context {
                policy: &self.policy,
                account: Some(&loaded.account),
                recorded: loaded.recorded.as_deref(),
                lookup_owner: None,
            };
            let Decision { result, .. } = decide(context, &job.command);
            let head = Some(loaded.account.head.clone());
            reply(job, Ok(Settled { result, head, receipt: None }));
        }
    }
}

impl Settled {
    /// Takes its proof from those of the events that followed account version `before`.
    fn prove(&mut self, before: u64, proofs: &[Arc<[u8]>]) {
        let version = self.result.as_ref().ok().and_then(Answer::proof);
        // An answer may also rest on an event of an earlier batch, whose proof is not here.
        let place = version.and_then(|version| version.checked_sub(before)?.checked_sub(1));
        let place = place.and_then(|place| usize::try_from(place).ok());
        self.receipt = place.and_then(|place| proofs.get(place)).cloned();
    }
}

impl Working {
    /// The event of this batch that records the request.
    fn recorded(&self, id: RequestId) -> Option<&Event> {
        self.events.iter().find(|event| event.request.is_some_and(|request| request.id == id))
    }

    /// The deliberate bug: the account with as many activations left as when it was loaded.
    fn as_loaded(&self) -> Option<Account> {
        let mut account = self.account.clone()?;
        let counted =
            |event: &&Event| matches!(&event.body, Body::Activated(it) if it.outcome.is_counted());
        let counted = self.events.iter().filter(counted).count();
        account.head.used = account.head.used.saturating_sub(u32::try_from(counted).unwrap_or(0));
        Some(account)
    }

    /// Applies what was decided, so that the next decision of the batch sees it.
    fn take_in(&mut self, decision: Decision) -> Result<Settled, AppError> {
        for event in &decision.events {
            let applied = match &mut self.account {
                Some(account) => account.apply(event),
                None => Account::open(event).map(|account| self.account = Some(account)),
            };
            if let Err(error) = applied {
                tracing::error!(key = %self.key_id, %error, "a decision does not fit its account");
                return Err(AppError::Unavailable);
            }
        }
        self.events.extend(decision.events);
        let head = self.account.as_ref().map(|account| account.head.clone());
        Ok(Settled { result: decision.result, head, receipt: None })
    }
}

fn answer(decided: Vec<(Job, Settled)>) {
    decided.into_iter().for_each(|(job, settled)| reply(job, Ok(settled)));
}

fn reply(job: Job, answer: Result<Settled, AppError>) {
    // A caller that went away is no fault; the ledger has the event, and its retry finds it.
    let _ = job.reply.send(answer);
}

#[cfg(test)]
mod tests;
