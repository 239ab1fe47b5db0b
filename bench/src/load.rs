//! Closed and open loops over sixteen connections.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use tokio::task::JoinSet;
use tonic::Status;

use crate::connection::{Connection, Target};
use crate::run::{Run, Tally};

/// Connections of every load.
pub const CONNECTIONS: usize = 16;

/// What is called, and what must be answered.
pub trait Load: Send + Sync {
    /// The next call: a number by which its answer is known, and the message; none when all is
    /// sent.
    fn next(&self) -> Option<(u64, Bytes)>;

    /// Looks at the answer to a call.
    ///
    /// # Errors
    /// It is not what it must be; the whole run is no result then.
    fn accept(&self, number: u64, answer: &Bytes) -> Result<()>;

    /// Looks at a refusal, and says how long its caller waits before the next call.
    ///
    /// # Errors
    /// It must not be; the whole run is no result then.
    fn refused(&self, number: u64, status: &Status) -> Result<Duration>;
}

/// A connection, and what its calls came to.
pub(crate) struct Lane {
    connection: Connection,
    tally: Mutex<Tally>,
}

/// Has so many callers call, each again when it is answered, for so long.
///
/// # Errors
/// A call was not answered as it must be.
pub async fn closed(
    target: &Target,
    load: Arc<dyn Load>,
    in_flight: usize,
    length: Duration,
) -> Result<Run> {
    let lanes = lanes(target, in_flight.min(CONNECTIONS), length).await?;
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for number in 0..in_flight {
        let lane = lanes.get(number % lanes.len()).context("a connection")?;
        let (lane, load) = (Arc::clone(lane), Arc::clone(&load));
        callers.spawn(async move {
            while start.elapsed() < length {
                let Some(call) = load.next() else { break };
                let wait = lane.call(load.as_ref(), call, start, Instant::now()).await?;
                if let Some(wait) = wait {
                    tokio::time::sleep(wait).await;
                }
            }
            anyhow::Ok(())
        });
    }
    // The first failure ends the others: nothing of this run counts any more.
    while let Some(done) = callers.join_next().await {
        done.context("a caller")??;
    }
    gather(&lanes, length)
}

/// What becomes of a run in which nothing may be refused.
///
/// # Errors
/// Always: that a call was refused.
pub fn refuse_nothing(number: u64, status: &Status) -> Result<Duration> {
    let (code, message) = (status.code(), status.message());
    // What became of a connection stands behind the status.
    let mut causes = String::new();
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        causes.push_str(&format!(": {error}"));
        cause = error.source();
    }
    bail!("call {number} was refused: {code:?}: {message}{causes}")
}

/// Opens the connections.
pub(crate) async fn lanes(
    target: &Target,
    count: usize,
    length: Duration,
) -> Result<Vec<Arc<Lane>>> {
    let mut lanes = Vec::new();
    for _ in 0..count.max(1) {
        let connection = Connection::open(target).await?;
        lanes.push(Arc::new(Lane { connection, tally: Mutex::new(Tally::new(length)?) }));
    }
    Ok(lanes)
}

/// Adds up what the lanes came to.
pub(crate) fn gather(lanes: &[Arc<Lane>], length: Duration) -> Result<Run> {
    let mut run = Run::new(length)?;
    for lane in lanes {
        run.add(&lane.tally.lock().unwrap_or_else(PoisonError::into_inner))?;
    }
    Ok(run)
}

impl Lane {
    /// Calls once; its latency counts from the moment when it was meant to be sent. Gives how long
    /// a refused caller waits.
    pub(crate) async fn call(
        &self,
        load: &dyn Load,
        (number, message): (u64, Bytes),
        start: Instant,
        intended: Instant,
    ) -> Result<Option<Duration>> {
        let answered = self.connection.clone().call(number, message).await;
        let now = Instant::now();
        let took = now.duration_since(intended);
        match answered {
            Ok(answer) => {
                load.accept(number, &answer)?;
                self.tally(|tally| tally.answered(now.duration_since(start), took, answer));
                Ok(None)
            }
            Err(status) => {
                let wait = load.refused(number, &status)?;
                self.tally(|tally| tally.refused(took));
                Ok(Some(wait))
            }
        }
    }

    fn tally(&self, add: impl FnOnce(&mut Tally)) {
        add(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
