//! One call with its outcome: an answer, a refusal, or nobody knows; and never a wait without end.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use system_tests::{Activation, Catalog, PATIENCE, Partner, Person, Refusal, World};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tonic::{Code, Response, Status};

/// Longest wait for the outcome of a call, whatever the disk does (P6).
const OUTCOME_TIME_MAX: Duration = Duration::from_secs(5);
/// How soon the same request is sent again.
const RETRY_PERIOD: Duration = Duration::from_millis(10);

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told<T> {
    /// Acknowledged.
    Answer(T),
    /// Refused for good.
    Refused(Box<Refusal>),
    /// It may have been done or not; the same request may be sent again.
    Unknown,
}

impl<T> Told<T> {
    /// Answered or refused.
    pub(super) const fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown)
    }
}

/// Clients of everybody who calls, which find the services again after a restart.
#[derive(Clone)]
pub(super) struct Clients {
    /// Has a product key alone.
    pub(super) installer: Activation,
    /// Looks after the ledger.
    pub(super) ops: Activation,
    /// Registers keys.
    pub(super) registrar: Activation,
    /// Looks after partners.
    pub(super) operator: Catalog,
    /// The partner's own.
    pub(super) admin: Catalog,
}

impl Clients {
    pub(super) fn new(world: &World, partner: &Partner) -> Result<Self> {
        Ok(Self {
            installer: world.activation(&Person::installer())?,
            ops: world.activation(&Person::ops_admin())?,
            registrar: world.activation(&Person::catalog())?,
            operator: world.catalog(&Person::ops_admin())?,
            admin: world.catalog(&partner.admin())?,
        })
    }
}

/// Calls once.
///
/// # Errors
/// There is no outcome in time, or one that no caller should ever see.
pub(super) async fn ask<T>(
    what: &str,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<Told<T>> {
    let ended = timeout(OUTCOME_TIME_MAX, call).await;
    let seconds = OUTCOME_TIME_MAX.as_secs();
    let ended = ended.with_context(|| format!("{what} had no outcome within {seconds} s"))?;
    let status = match ended {
        Ok(answer) => return Ok(Told::Answer(answer.into_inner())),
        Err(status) => status,
    };
    // What has no details is no answer of a service but a fault of the connection.
    let Ok(refusal) = Refusal::of(&status) else { return Ok(Told::Unknown) };
    if [Code::Internal, Code::DataLoss, Code::Unknown].contains(&refusal.code) {
        bail!("{what}: {refusal:?}");
    }
    let passes = refusal.retry_delay.is_some() || refusal.code == Code::DeadlineExceeded;
    Ok(if passes { Told::Unknown } else { Told::Refused(Box::new(refusal)) })
}

/// Does the same until its outcome is known, which it tells by an answer.
///
/// # Errors
/// It never is.
pub(super) async fn until<T>(
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let asking = async {
        let mut again = interval(RETRY_PERIOD);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            again.tick().await;
            if let Some(answer) = ask().await? {
                return anyhow::Ok(answer);
            }
        }
    };
    let answer = timeout(PATIENCE, asking).await;
    answer.with_context(|| format!("{what}: not within {} s", PATIENCE.as_secs()))?
}

/// Sends the same request until it is answered or refused for good.
///
/// # Errors
/// It never is.
pub(super) async fn insist<T, F>(
    what: &str,
    mut call: impl FnMut() -> F,
) -> Result<Result<T, Refusal>>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    until(what, async || {
        Ok(match ask(what, call()).await? {
            Told::Answer(answer) => Some(Ok(answer)),
            Told::Refused(refusal) => Some(Err(*refusal)),
            Told::Unknown => None,
        })
    })
    .await
}
