//! A batch in the making: the working account of each of its keys, and what was decided on it.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt as _;

use super::{AppError, Job, Reply, Settled};
use crate::domain::account::Account;
use crate::domain::command::{Answer, Command, Context, Decision, decide};
use crate::domain::event::{Body, Event};
use crate::domain::ids::{KeyId, RequestId};
use crate::domain::policy::Policy;
use crate::mutants::{Mutant, is_on};
use crate::ports::{KeyRef, Ledger, LedgerError};

/// Most events of one key in a batch; an engine writes them together, and an event with the most
/// evidence that a report may have takes some two kibibytes.
pub(super) const KEY_EVENTS_MAX: usize = 24;

/// The keys of one batch, and the jobs that must wait for the next.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) works: Vec<Work>,
    pub(super) later: Vec<Job>,
    places: HashMap<KeyId, usize>,
}

/// A key with the decided work of one batch.
pub(super) struct Work {
    key_id: KeyId,
    /// Version of the account before it.
    pub(super) expected_version: u64,
    /// The account after it; it is shared until an event changes it.
    pub(super) account: Option<Arc<Account>>,
    pub(super) events: Vec<Event>,
    /// Where the events are that record a request.
    requests: HashMap<RequestId, usize>,
    /// Answers that rest on the events.
    pub(super) decided: Vec<(Job, Settled)>,
}

/// What is known of an earlier request with the same id.
enum Earlier {
    /// The event of this batch.
    Here(usize),
    /// The event that recorded it; none if it is surely not recorded.
    Known(Option<Arc<Event>>),
    /// Only the engine's storage knows.
    Away,
}

impl Batch {
    /// Decides a job on the working account of its key. It is answered at once if its answer rests
    /// on nothing of this batch, and sent back if what it saw is not enough any more.
    pub(super) fn decide(&mut self, ledger: &dyn Ledger, policy: &Policy, mut job: Job) {
        let place = match self.place(ledger, &job) {
            Ok(place) => place,
            Err(error) => return job.fail(error.into()),
        };
        let Some(work) = self.works.get_mut(place) else { return job.fail(AppError::Unavailable) };
        let is_old = work.expected_version < job.seen.version();
        if work.events.len() >= KEY_EVENTS_MAX || (is_old && !work.events.is_empty()) {
            self.later.push(job);
            return;
        }
        if is_old {
            *work = Work::new(work.key_id, job.seen.account.clone());
        }
        let earlier = match work.earlier(ledger, &job) {
            Ok(earlier) => earlier,
            Err(error) => return job.fail(error.into()),
        };
        let recorded = match &earlier {
            Earlier::Here(place) => work.events.get(*place),
            Earlier::Known(event) => event.as_deref(),
            Earlier::Away => return job.reply(Reply::Again),
        };
        let is_as_seen = work.events.is_empty() && work.expected_version == job.seen.version();
        let decided = job.seen.decided.take().filter(|_| is_as_seen);
        let as_loaded = is_on(Mutant::CheckOutsideDecision).then(|| work.as_loaded()).flatten();
        let account = as_loaded.as_ref().or(work.account.as_deref());
        let lookup_owner = job.seen.lookup_owner;
        let context = Context { policy, account, recorded, lookup_owner };
        let decision = decided.unwrap_or_else(|| decide(context, &job.command));
        match work.take_in(decision, &job.command) {
            Ok(settled) if work.events.is_empty() => job.answer(settled),
            Ok(settled) => work.decided.push((job, settled)),
            Err(error) => job.fail(error),
        }
    }

    /// Where the work on the job's key is. The first job of a key brings the account: the newest
    /// one if the engine has it in memory, else the one that was seen, and the commit tells whether
    /// that is still the newest.
    fn place(&mut self, ledger: &dyn Ledger, job: &Job) -> Result<usize, LedgerError> {
        let key_id = job.seen.key_id;
        if let Some(place) = self.places.get(&key_id) {
            return Ok(*place);
        }
        let newest = match &job.seen.account {
            Some(seen) => match ledger.load(KeyRef::Id(key_id), None).now_or_never() {
                Some(loaded) => loaded?.map(|loaded| loaded.account),
                None => Some(Arc::clone(seen)),
            },
            None => None,
        };
        let place = self.works.len();
        self.places.insert(key_id, place);
        self.works.push(Work::new(key_id, newest));
        Ok(place)
    }
}

impl Work {
    fn new(key_id: KeyId, account: Option<Arc<Account>>) -> Self {
        let expected_version = account.as_ref().map_or(0, |account| account.head.version);
        Self {
            key_id,
            expected_version,
            account,
            events: Vec::new(),
            requests: HashMap::new(),
            decided: Vec::new(),
        }
    }

    /// What recorded the job's request before: an event of this batch, or one that the job saw, or
    /// one that came between that and the batch.
    fn earlier(&self, ledger: &dyn Ledger, job: &Job) -> Result<Earlier, LedgerError> {
        let Some(id) = job.command.request_id() else { return Ok(Earlier::Known(None)) };
        if let Some(place) = self.requests.get(&id) {
            return Ok(Earlier::Here(*place));
        }
        if job.seen.recorded.is_some() || job.seen.version() >= self.expected_version {
            return Ok(Earlier::Known(job.seen.recorded.clone()));
        }
        match ledger.recorded(self.key_id, id, job.seen.version()).now_or_never() {
            Some(recorded) => Ok(Earlier::Known(recorded?)),
            None => Ok(Earlier::Away),
        }
    }

    /// The deliberate bug: the account with as many activations left as when it was loaded.
    fn as_loaded(&self) -> Option<Account> {
        let mut account = self.account.as_deref()?.clone();
        let counted =
            |event: &&Event| matches!(&event.body, Body::Activated(it) if it.outcome.is_counted());
        let counted = self.events.iter().filter(counted).count();
        account.head.used = account.head.used.saturating_sub(u32::try_from(counted).unwrap_or(0));
        Some(account)
    }

    /// Applies what was decided, so that the next decision of the batch sees it.
    fn take_in(&mut self, decision: Decision, command: &Command) -> Result<Settled, AppError> {
        let Decision { events, result } = decision;
        for event in events {
            let applied = match &mut self.account {
                Some(account) => Arc::make_mut(account).apply(&event),
                None => Account::open(&event).map(|opened| self.account = Some(Arc::new(opened))),
            };
            if let Err(error) = applied {
                tracing::error!(key = %self.key_id, %error, "a decision does not fit its account");
                return Err(AppError::Unavailable);
            }
            if let Some(request) = event.request {
                self.requests.insert(request.id, self.events.len());
            }
            self.events.push(event);
        }
        // Copying the head costs more than deciding; where the answer says all, nobody looks.
        let says_all = matches!(
            (command, &result),
            (Command::Activate(_), Ok(Answer::Activated(_)))
                | (Command::Release(_), Ok(Answer::Released(..)))
        );
        let head = self.account.as_ref().filter(|_| !says_all);
        let head = head.map(|account| account.head.clone());
        Ok(Settled { result, head, receipt: None })
    }
}
