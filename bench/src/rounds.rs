//! Ours and the yardstick in turns: A B A B A, so that whatever else the machine does falls on
//! both, and each of our rounds is compared with those beside it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use hdrhistogram::Histogram;
use tokio::task::block_in_place;

use crate::connection::Target;
use crate::cpu;
use crate::disk::Disk;
use crate::load::{Load, closed};
use crate::noop::{Method, Noop};
use crate::run::Run;
use crate::stand::{Drained, Stand};

/// Longest warm-up.
const WARM_UP_MAX: Duration = Duration::from_secs(3);
/// Longest look at the disk at a time.
const DISK_TIME_MAX: Duration = Duration::from_secs(1);

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Length of each of our rounds.
    pub length: Duration,
    /// Length of each round of the yardstick.
    pub noop_length: Duration,
    /// Our rounds.
    pub rounds: usize,
}

/// One round, and what it took of the processors.
pub struct Round {
    /// What was answered.
    pub run: Run,
    /// Time of the service on processors while it was called.
    pub cpu: Duration,
    /// The same with what it did afterwards, until sled had caught up.
    pub cpu_drained: Duration,
    /// Time of the service that it calls; none if it calls none.
    pub cpu_beside: Option<Duration>,
    /// Share of all processors that the generator had.
    pub generator_share: f64,
    /// Share of all processors that neither service nor generator had, and that was not idle.
    pub other_share: f64,
    /// How sled caught up; none of the yardstick.
    pub drained: Option<Drained>,
    /// Bytes of memory at the end of the load.
    pub resident_bytes: u64,
}

/// Rounds in their order: the yardstick first, last, and between any two of ours.
pub struct Rounds {
    /// Ours.
    pub ours: Vec<Round>,
    /// Those of the yardstick, one more.
    pub noop: Vec<Round>,
    /// Bytes of the yardstick's answer.
    pub noop_answer_bytes: usize,
    /// Microseconds of the disk's own yardstick, taken beside each round of the other.
    pub disk: Vec<Histogram<u64>>,
}

/// What is called in turns with the yardstick.
pub struct Subject<'a> {
    /// The services.
    pub stand: &'a Stand,
    /// Where ours is called.
    pub target: Target,
    /// The process whose time counts.
    pub pid: u32,
    /// Another service that it calls, whose time is told beside.
    pub beside: Option<u32>,
    /// The method, for the yardstick.
    pub method: Method,
    /// Callers at once.
    pub in_flight: usize,
}

impl Plan {
    fn warm_up(&self) -> Duration {
        self.length.min(WARM_UP_MAX)
    }

    fn disk_length(&self) -> Duration {
        self.length.min(DISK_TIME_MAX)
    }
}

impl Subject<'_> {
    /// Warms up, then plays rounds in turns. `ours` makes the load of a round, the warm-up being
    /// round 0; `echo` makes the load of the yardstick from its answer.
    ///
    /// # Errors
    /// A call is not answered as it must be.
    pub async fn play(
        &self,
        plan: &Plan,
        mut ours: impl FnMut(usize) -> Arc<dyn Load>,
        echo: impl Fn(Bytes) -> Arc<dyn Load>,
    ) -> Result<Rounds> {
        let warm_up = closed(&self.target, ours(0), self.in_flight, plan.warm_up()).await?;
        self.stand.drain().await?;
        let answer = warm_up.sample;
        let noop = Noop::start(self.stand.folder(), self.method, &answer)?;
        let target = Target { address: noop.address(), ..self.target.clone() };
        closed(&target, echo(answer.clone()), self.in_flight, plan.warm_up()).await?;
        let mut disk = Disk::in_folder(self.stand.folder())?;
        let mut rounds = Rounds {
            ours: Vec::new(),
            noop: Vec::new(),
            noop_answer_bytes: answer.len(),
            disk: Vec::new(),
        };
        for number in 0..=plan.rounds {
            if number > 0 {
                let load = ours(number);
                let round = self.round(&self.target, self.pid, load, plan.length, true).await?;
                rounds.ours.push(round);
            }
            let load = echo(answer.clone());
            let noop = self.round(&target, noop.pid(), load, plan.noop_length, false).await?;
            rounds.noop.push(noop);
            let synced = block_in_place(|| disk.measure(plan.disk_length()))?;
            rounds.disk.push(synced);
        }
        Ok(rounds)
    }

    async fn round(
        &self,
        target: &Target,
        pid: u32,
        load: Arc<dyn Load>,
        length: Duration,
        is_ours: bool,
    ) -> Result<Round> {
        let own = std::process::id();
        let used = || anyhow::Ok((cpu::used_by(pid)?, cpu::used_by(own)?, cpu::used_by_all()?));
        let beside = self.beside.filter(|_| is_ours);
        let used_beside = || beside.map(cpu::used_by).transpose();
        let (before, before_beside) = (used()?, used_beside()?);
        let run = closed(target, load, self.in_flight, length).await?;
        let (after, after_beside) = (used()?, used_beside()?);
        let resident_bytes = cpu::resident_bytes(pid)?;
        let drained = if is_ours { Some(self.stand.drain().await?) } else { None };
        let cpu = after.0.saturating_sub(before.0);
        let generator = after.1.saturating_sub(before.1);
        let all = after.2.saturating_sub(before.2);
        let share =
            |time: Duration| time.as_secs_f64() / length.as_secs_f64() / cpu::processors() as f64;
        Ok(Round {
            run,
            cpu,
            cpu_drained: cpu::used_by(pid)?.saturating_sub(before.0),
            cpu_beside: after_beside.zip(before_beside).map(|(now, then)| now.saturating_sub(then)),
            generator_share: share(generator),
            other_share: share(all.saturating_sub(cpu + generator)),
            drained,
            resident_bytes,
        })
    }
}

impl Round {
    /// Time on processors for each answer.
    #[must_use]
    pub fn cpu_us_per_call(&self) -> f64 {
        self.us_per_call(self.cpu)
    }

    /// So much time, for each answer.
    #[must_use]
    pub fn us_per_call(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.run.answered_in_all.max(1) as f64
    }

    /// The same with what was done until sled had caught up.
    #[must_use]
    pub fn cpu_us_per_call_drained(&self) -> f64 {
        self.us_per_call(self.cpu_drained)
    }
}

impl Rounds {
    /// Each of our rounds with the two of the yardstick beside it.
    ///
    /// # Errors
    /// A round of the yardstick is missing.
    pub fn compared<T>(&self, compare: impl Fn(&Round, [&Round; 2]) -> T) -> Result<Vec<T>> {
        let rounds = self.ours.iter().enumerate();
        rounds.map(|(number, round)| Ok(compare(round, beside(&self.noop, number)?))).collect()
    }
}

/// What was measured before our round of this number, and after it.
fn beside<T>(turns: &[T], number: usize) -> Result<[&T; 2]> {
    let pair = turns.get(number).zip(turns.get(number + 1));
    pair.map(|(before, after)| [before, after]).context("a round of the yardstick")
}
