//! What was acknowledged to clients, and the beat by which the killer chooses its moments.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use proto::activation::v1::{ActivateResponse, ActivationOutcome};
use system_tests::{Key, PATIENCE, Partner, Refusal};
use tokio::sync::watch;
use tokio::time::{interval, timeout};
use tonic::{Code, Response, Status};

/// How soon the same request is sent again.
const RETRY_PERIOD: Duration = Duration::from_millis(15);
/// Longest wait for one answer before the same request is sent again.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(6);

/// How many calls began, ended, and ended with an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) begun: u64,
    pub(crate) ended: u64,
    pub(crate) answered: u64,
    /// True once nobody calls any more.
    pub(crate) over: bool,
}

/// Says that it is over when it is dropped, however that came.
pub(crate) struct Ending(pub(crate) Beat);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.send_modify(|tally| tally.over = true);
    }
}

/// The tally as all watch it.
pub(crate) type Beat = Arc<watch::Sender<Tally>>;

/// Sends the same request until it is answered or refused for good.
pub(crate) async fn insist<T, F>(
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

/// All that was acknowledged.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) partner: Partner,
    pub(crate) reveals: Vec<String>,
    keys: Vec<(Key, String)>,
    counted: BTreeMap<Bytes, String>,
    released: BTreeMap<Bytes, String>,
    uncounted: usize,
    refused: BTreeMap<String, usize>,
}

impl Book {
    pub(crate) fn new(partner: Partner, keys: Vec<(Key, String)>, reveals: Vec<String>) -> Self {
        Self {
            partner,
            reveals,
            keys,
            counted: BTreeMap::new(),
            released: BTreeMap::new(),
            uncounted: 0,
            refused: BTreeMap::new(),
        }
    }

    /// Each key with its benefit.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&Key, &str)> {
        self.keys.iter().map(|(key, benefit)| (key, benefit.as_str()))
    }

    /// Notes the answer to an activation.
    pub(crate) fn activated(&mut self, key: &Key, id: &Bytes, answer: &ActivateResponse) {
        if answer.outcome() == ActivationOutcome::NotCountedSameComputer {
            self.uncounted += 1;
        } else {
            self.counted.insert(id.clone(), key.name.clone());
        }
    }

    /// Notes an acknowledged release.
    pub(crate) fn gave_up(&mut self, key: &Key, id: &Bytes) {
        self.released.insert(id.clone(), key.name.clone());
    }

    /// Notes a refusal.
    pub(crate) fn refused(&mut self, refusal: Refusal) {
        *self.refused.entry(refusal.reason).or_default() += 1;
    }

    /// Takes over what another actor noted.
    pub(crate) fn join(&mut self, other: Self) {
        self.reveals.extend(other.reveals);
        self.counted.extend(other.counted);
        self.released.extend(other.released);
        self.uncounted += other.uncounted;
        for (reason, times) in other.refused {
            *self.refused.entry(reason).or_default() += times;
        }
    }

    /// The request ids that were acknowledged as counted on a key, in order.
    pub(crate) fn counted(&self, key: &str) -> Vec<Bytes> {
        of(&self.counted, key)
    }

    /// The request ids of acknowledged releases on a key, in order.
    pub(crate) fn released(&self, key: &str) -> Vec<Bytes> {
        of(&self.released, key)
    }
}

fn of(ids: &BTreeMap<Bytes, String>, key: &str) -> Vec<Bytes> {
    ids.iter().filter(|(_, of)| *of == key).map(|(id, _)| id.clone()).collect()
}

impl fmt::Display for Book {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (counted, released) = (self.counted.len(), self.released.len());
        let (uncounted, reveals) = (self.uncounted, self.reveals.len());
        write!(
            formatter,
            "{counted} counted, {released} released, {uncounted} uncounted, {reveals} reveals, \
             refused {:?}",
            self.refused
        )
    }
}
