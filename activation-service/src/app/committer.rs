//! The one writer: decides many commands, commits them as one batch, then answers all.
//!
//! Commands of one key are decided one after the other on the same working account, so no two of
//! them see the same last activation left; a key that a thousand clients hit at once costs no more
//! than a thousand keys. Nothing is loaded here: whoever asks looks first, and the writer takes
//! what the engine has in memory. A command for which that is not enough goes back to look again.

mod batch;
mod pace;

use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::AppError;
use crate::domain::account::{Account, Head};
use crate::domain::command::{Answer, Command, Context, Decision, decide};
use crate::domain::error::Refusal;
use crate::domain::event::Event;
use crate::domain::ids::KeyId;
use crate::domain::policy::Policy;
use crate::ports::{Change, Committed, KeyRef, Ledger, LedgerError};
use batch::{Batch, Work};
use pace::Pace;

/// Most commands that wait, however fast the writer is; beyond that, or beyond what it settles in
/// time, new work is refused.
const QUEUE_MAX: usize = 4096;
/// Most commands of a batch. A batch takes what waits, so alone a command waits for nobody.
const BATCH_MAX: usize = 128;
/// Most times a command is decided when others change its key.
const ATTEMPTS_MAX: usize = 8;
/// Most times a command is looked up for, when its key moves on faster than its books are read.
const LOOKS_MAX: usize = 64;

/// What became of a command.
#[derive(Debug)]
pub(super) struct Settled {
    /// The answer, durable.
    pub result: Result<Answer, Refusal>,
    /// The key after it; none if it is unknown, and where the answer says all.
    pub head: Option<Head>,
    /// The proof of the answer, where the engine gave it with the commit.
    pub receipt: Option<Arc<[u8]>>,
}

/// What was seen of a key before a command was queued.
pub(super) struct Seen {
    /// The key.
    pub key_id: KeyId,
    /// Its account; none if it was unknown.
    pub account: Option<Arc<Account>>,
    /// The event that had recorded the request. If there is none, no event of this account had.
    pub recorded: Option<Arc<Event>>,
    /// The key that had one of the look-up digests to be registered.
    pub lookup_owner: Option<KeyId>,
    /// What deciding came to on just this, if that was tried. It holds as long as the key is what
    /// was seen, for a decision depends on nothing else.
    pub decided: Option<Decision>,
}

/// The door to the writer.
pub(super) struct Committer {
    ledger: Arc<dyn Ledger>,
    policy: Arc<Policy>,
    queue: mpsc::Sender<Job>,
    pace: Arc<Pace>,
}

struct Job {
    seen: Seen,
    command: Command,
    reply: oneshot::Sender<Reply>,
}

/// What the writer says to a job.
enum Reply {
    Settled(Settled),
    Failed(AppError),
    /// The key was changed by others; nothing is recorded.
    Conflict(Command),
    /// What was seen is not enough any more: look again; nothing is recorded.
    Again(Command),
    /// Perhaps it is recorded.
    Unknown(Command),
}

impl Seen {
    /// Looks at a key with all that deciding the command needs.
    async fn of(
        ledger: &dyn Ledger,
        key_id: KeyId,
        command: &Command,
    ) -> Result<Self, LedgerError> {
        // The owner before the account: were it the other way round, a registration in between
        // would make the key its own rival.
        let lookup_owner = match command {
            Command::Register(register) => {
                let found = ledger.load(KeyRef::Lookup(register.lookups.clone()), None).await?;
                found.map(|found| found.account.head.key_id)
            }
            Command::Activate(_) | Command::Release(_) | Command::Update(_) => None,
        };
        let loaded = ledger.load(KeyRef::Id(key_id), command.request_id()).await?;
        let (account, recorded) = match loaded {
            Some(loaded) => (Some(loaded.account), loaded.recorded),
            None => (None, None),
        };
        Ok(Self { key_id, account, recorded, lookup_owner, decided: None })
    }

    fn version(&self) -> u64 {
        self.account.as_ref().map_or(0, |account| account.head.version)
    }
}

impl Committer {
    pub(super) fn start(ledger: Arc<dyn Ledger>, policy: Arc<Policy>) -> (Self, JoinHandle<()>) {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let pace = Arc::new(Pace::default());
        let writer = Writer {
            ledger: Arc::clone(&ledger),
            policy: Arc::clone(&policy),
            pace: Arc::clone(&pace),
        };
        let writing = match Handle::current().runtime_flavor() {
            // With one thread for everything it is a task like any other.
            RuntimeFlavor::CurrentThread => tokio::spawn(writer.run(jobs)),
            // Committing waits for the disk, so it has a thread of its own, which others are not
            // woken up for.
            _ => tokio::task::spawn_blocking(|| Handle::current().block_on(writer.run(jobs))),
        };
        (Self { ledger, policy, queue, pace }, writing)
    }

    /// False once the writer is gone: nothing more can be decided.
    pub(super) fn is_alive(&self) -> bool {
        !self.queue.is_closed()
    }

    /// Looks at a key, decides a command on it and makes that durable.
    pub(super) async fn settle(
        &self,
        key_id: KeyId,
        command: Command,
    ) -> Result<Settled, AppError> {
        let seen = Seen::of(self.ledger.as_ref(), key_id, &command).await?;
        self.settle_seen(seen, command).await
    }

    /// Decides a command and makes it durable. Dropping the future does not undo what was queued.
    pub(super) async fn settle_seen(
        &self,
        mut seen: Seen,
        mut command: Command,
    ) -> Result<Settled, AppError> {
        let key_id = seen.key_id;
        let (mut conflicts, mut looks) = (0, 0);
        while conflicts < ATTEMPTS_MAX && looks < LOOKS_MAX {
            if QUEUE_MAX - self.queue.capacity() >= self.pace.waiting_max() {
                return Err(AppError::Overloaded);
            }
            let (reply, replied) = oneshot::channel();
            let job = Job { seen, command, reply };
            self.queue.try_send(job).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => AppError::Overloaded,
                mpsc::error::TrySendError::Closed(_) => AppError::Unavailable,
            })?;
            command = match replied.await.map_err(|_gone| AppError::Unavailable)? {
                Reply::Settled(settled) => return Ok(settled),
                Reply::Failed(error) => return Err(error),
                Reply::Unknown(command) => return self.look_up(key_id, &command).await,
                Reply::Conflict(command) => {
                    conflicts += 1;
                    command
                }
                Reply::Again(command) => {
                    looks += 1;
                    command
                }
            };
            seen = Seen::of(self.ledger.as_ref(), key_id, &command).await?;
        }
        Err(AppError::Contended)
    }

    /// The answer to a command that is recorded after all; without one its caller must ask again.
    async fn look_up(&self, key_id: KeyId, command: &Command) -> Result<Settled, AppError> {
        let request = command.request_id().ok_or(AppError::Unavailable)?;
        let found = self.ledger.load(KeyRef::Id(key_id), Some(request)).await;
        let found = found.ok().flatten().filter(|found| found.recorded.is_some());
        let found = found.ok_or(AppError::Unavailable)?;
        let context = Context {
            policy: &self.policy,
            account: Some(&found.account),
            recorded: found.recorded.as_deref(),
            lookup_owner: None,
        };
        let Decision { result, .. } = decide(context, command);
        Ok(Settled { result, head: Some(found.account.head.clone()), receipt: None })
    }
}

impl Job {
    fn answer(self, settled: Settled) {
        self.reply(|_| Reply::Settled(settled));
    }

    fn fail(self, error: AppError) {
        self.reply(|_| Reply::Failed(error));
    }

    fn reply(self, reply: impl FnOnce(Command) -> Reply) {
        // A caller that went away is no fault; the ledger has the event, and its retry finds it.
        let _ = self.reply.send(reply(self.command));
    }
}

struct Writer {
    ledger: Arc<dyn Ledger>,
    policy: Arc<Policy>,
    pace: Arc<Pace>,
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
            let (begun, asked) = (Instant::now(), batch.len());
            batch = self.settle(batch).await;
            let settled = asked.saturating_sub(batch.len());
            self.pace.note(begun.elapsed(), settled, !jobs.is_empty() || !batch.is_empty());
        }
    }

    /// Decides, commits and answers; gives back the jobs that must wait for a further batch.
    async fn settle(&self, jobs: Vec<Job>) -> Vec<Job> {
        let mut batch = Batch::default();
        for job in jobs {
            batch.decide(self.ledger.as_ref(), &self.policy, job);
        }
        let Batch { works, later, .. } = batch;
        self.commit(works).await;
        later
    }

    /// Commits the batch and answers.
    async fn commit(&self, works: Vec<Work>) {
        let (mut changes, mut waiting) = (Vec::new(), Vec::new());
        for work in works {
            let Work { expected_version, account, events, decided, .. } = work;
            // What needs no event is answered already.
            if let Some(account) = account.filter(|_| !events.is_empty()) {
                changes.push(Change { expected_version, events, account });
                waiting.push((expected_version, decided));
            }
        }
        if changes.is_empty() {
            return;
        }
        let outcomes = match self.ledger.commit(changes).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::error!(%error, "a batch was not committed");
                vec![Committed::Unknown; waiting.len()]
            }
        };
        for ((version, decided), outcome) in waiting.into_iter().zip(outcomes) {
            for (job, mut settled) in decided {
                match &outcome {
                    Committed::Committed { proofs, .. } => {
                        settled.prove(version, proofs);
                        job.answer(settled);
                    }
                    Committed::Conflict => job.reply(Reply::Conflict),
                    Committed::Unknown => job.reply(Reply::Unknown),
                    Committed::DiskFull => job.fail(AppError::DiskFull),
                    Committed::Overloaded => job.fail(AppError::Overloaded),
                }
            }
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

#[cfg(test)]
mod tests;
