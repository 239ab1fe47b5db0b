//! The open loop: calls at a rate, whether or not the earlier ones are answered.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::connection::Target;
use crate::load::{CONNECTIONS, Lane, Load, gather, lanes};
use crate::run::Run;

/// How often it is looked whether a call is due; finer than the timers of the runtime.
const PACE: Duration = Duration::from_micros(200);
/// Most calls that are sent and not answered; beyond that the rate is none that can be measured.
const OPEN_CALLS_MAX: usize = 100_000;

/// Calls at a rate (a second) for so long. Latencies count from the moment at which a call was due.
///
/// # Errors
/// A call was not answered as it must be, or too many were not answered in time.
pub async fn open(
    target: &Target,
    load: Arc<dyn Load>,
    rate: f64,
    length: Duration,
) -> Result<Run> {
    let lanes = lanes(target, CONNECTIONS, length).await?;
    let runtime = Handle::current();
    let pacing = {
        let lanes = lanes.clone();
        move || pace(&runtime, &lanes, &load, rate, length)
    };
    let calls = tokio::task::spawn_blocking(pacing).await.context("the pacer")??;
    for call in calls.join_all().await {
        call?;
    }
    gather(&lanes, length)
}

fn pace(
    runtime: &Handle,
    lanes: &[Arc<Lane>],
    load: &Arc<dyn Load>,
    rate: f64,
    length: Duration,
) -> Result<JoinSet<Result<()>>> {
    ensure!(rate > 0.0, "a rate above zero");
    let between = Duration::from_secs_f64(1.0 / rate);
    let start = Instant::now();
    let (mut calls, mut due) = (JoinSet::new(), start);
    let mut turns = lanes.iter().cycle();
    while start.elapsed() < length {
        while due <= Instant::now() {
            let (lane, load) = (Arc::clone(turns.next().context("a lane")?), Arc::clone(load));
            let Some(next) = load.next() else { return Ok(calls) };
            let intended = due;
            let call = async move {
                // Who is refused does not come again: the loop is open.
                lane.call(load.as_ref(), next, start, intended).await.map(|_| ())
            };
            calls.spawn_on(call, runtime);
            due += between;
        }
        while let Some(done) = calls.try_join_next() {
            done.context("a call")??;
        }
        if calls.len() > OPEN_CALLS_MAX {
            bail!("{} calls are not answered: {rate:.0} a second are too many", calls.len());
        }
        thread::park_timeout(PACE);
    }
    Ok(calls)
}
