//! What was acknowledged to clients, and the beat by which the killer chooses its moments.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use proto::activation::v1::{
    ActivateRequest, ActivateResponse, ActivationOutcome, ReleaseActivationRequest,
    ReleaseActivationResponse,
};
use tokio::sync::watch;
use tokio::time::{interval, timeout};
use tonic::{Code, Response, Status};

use crate::refusal::Refusal;
use crate::story::{Key, Partner};
use crate::waiting::PATIENCE;

/// How soon the same request is sent again.
const RETRY_PERIOD: Duration = Duration::from_millis(15);
/// Longest wait for one answer before the same request is sent again.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(6);

/// How many calls began, ended, and ended with an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) begun: u64,
    pub(super) ended: u64,
    pub(super) answered: u64,
    /// True once nobody calls any more.
    pub(super) over: bool,
}

/// Says that it is over when it is dropped, however that came.
pub(super) struct Ending(pub(crate) Beat);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.send_modify(|tally| tally.over = true);
    }
}

/// The tally as all watch it.
pub(super) type Beat = Arc<watch::Sender<Tally>>;

/// Sends the same request until it is answered or refused for good.
pub(super) async fn insist<T, F>(
    beat: &Beat,
    what: &str,
    mut call: impl FnMut() -> F,
) -> Result<Result<T, Refusal>>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    let asking = async {
        let mut again = interval(RETRY_PERIOD);
        loop {
            again.tick().await;
            beat.send_modify(|tally| tally.begun += 1);
            let answer = timeout(ANSWER_TIME_MAX, call()).await;
            let told = match answer {
                Ok(Ok(answer)) => Some(Ok(answer.into_inner())),
                Ok(Err(status)) => for_good(&status).map(Err),
                Err(_) => None,
            };
            beat.send_modify(|tally| {
                tally.ended += 1;
                tally.answered += u64::from(told.is_some());
            });
            if let Some(told) = told {
                return told;
            }
        }
    };
    timeout(PATIENCE, asking).await.with_context(|| format!("{what} is never answered"))
}

/// The refusal, unless the same request may be answered yet. What has no details is no answer of
/// a service but a fault of the connection.
fn for_good(status: &Status) -> Option<Refusal> {
    let refusal = Refusal::of(status).ok()?;
    let passes = refusal.retry_delay.is_some() || refusal.code == Code::DeadlineExceeded;
    (!passes).then_some(refusal)
}

/// A request that was acknowledged as recorded, and its answer.
#[derive(Clone, Debug)]
pub(super) enum Recorded {
    Counted(ActivateRequest, ActivateResponse),
    Released(ReleaseActivationRequest, ReleaseActivationResponse),
}

/// All that was acknowledged.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) partner: Partner,
    pub(super) reveals: Vec<String>,
    keys: Vec<(Key, String)>,
    /// By request id: the key and the rest.
    recorded: BTreeMap<Bytes, (String, Recorded)>,
    uncounted: usize,
    refused: BTreeMap<String, usize>,
}

impl Book {
    pub(super) fn new(partner: Partner, keys: Vec<(Key, String)>, reveals: Vec<String>) -> Self {
        Self {
            partner,
            reveals,
            keys,
            recorded: BTreeMap::new(),
            uncounted: 0,
            refused: BTreeMap::new(),
        }
    }

    /// Each key with its benefit.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&Key, &str)> {
        self.keys.iter().map(|(key, benefit)| (key, benefit.as_str()))
    }

    /// Notes the answer to an activation; true if it was counted.
    pub(super) fn activated(
        &mut self,
        key: &Key,
        request: &ActivateRequest,
        answer: &ActivateResponse,
    ) -> bool {
        if answer.outcome() == ActivationOutcome::NotCountedSameComputer {
            self.uncounted += 1;
            return false;
        }
        let recorded = Recorded::Counted(request.clone(), answer.clone());
        self.recorded.insert(request.request_id.clone(), (key.name.clone(), recorded));
        true
    }

    /// Notes an acknowledged release.
    pub(super) fn gave_up(
        &mut self,
        key: &Key,
        request: ReleaseActivationRequest,
        answer: ReleaseActivationResponse,
    ) {
        let id = request.request_id.clone();
        self.recorded.insert(id, (key.name.clone(), Recorded::Released(request, answer)));
    }

    /// Notes a refusal.
    pub(super) fn refused(&mut self, refusal: Refusal) {
        *self.refused.entry(refusal.reason).or_default() += 1;
    }

    /// Takes over what another actor noted.
    pub(super) fn join(&mut self, other: Self) {
        self.reveals.extend(other.reveals);
        self.recorded.extend(other.recorded);
        self.uncounted += other.uncounted;
        for (reason, times) in other.refused {
            *self.refused.entry(reason).or_default() += times;
        }
    }

    /// All requests that were acknowledged as recorded.
    pub(super) fn recorded(&self) -> impl Iterator<Item = &Recorded> {
        self.recorded.values().map(|(_, recorded)| recorded)
    }

    /// The request ids that were acknowledged as counted on a key, in order.
    pub(super) fn counted(&self, key: &str) -> Vec<Bytes> {
        self.ids(key, |recorded| matches!(recorded, Recorded::Counted(..)))
    }

    /// The request ids of acknowledged releases on a key, in order.
    pub(super) fn released(&self, key: &str) -> Vec<Bytes> {
        self.ids(key, |recorded| matches!(recorded, Recorded::Released(..)))
    }

    fn ids(&self, key: &str, wanted: fn(&Recorded) -> bool) -> Vec<Bytes> {
        let found = self.recorded.iter().filter(|(_, (of, what))| of == key && wanted(what));
        found.map(|(id, _)| id.clone()).collect()
    }
}

impl fmt::Display for Book {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_count = |recorded: &&Recorded| matches!(recorded, Recorded::Counted(..));
        let counted = self.recorded().filter(is_count).count();
        let released = self.recorded.len() - counted;
        let (uncounted, reveals) = (self.uncounted, self.reveals.len());
        write!(
            formatter,
            "{counted} counted, {released} released, {uncounted} uncounted, {reveals} reveals, \
             refused {:?}",
            self.refused
        )
    }
}
