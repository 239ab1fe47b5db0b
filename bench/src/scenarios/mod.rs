//! The figures, one file each; every one starts services of its own and verifies them at the end.

mod activate;
mod bare;
mod benefits;
mod filling;
mod growth;
mod hotkey;
mod instructions;
mod known;
mod large;
mod latency;
mod overload;
mod peers;
mod rebuild;
mod restart;
mod single;
mod sustained;
mod yardstick;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use xtask::pair::Process;

use crate::computers::Computers;
use crate::figure::Figure;
use crate::keys::Keys;
use crate::load::Load;
use crate::noop::Method;
use crate::rounds::{Plan, Rounds, Subject};
use crate::stand::Stand;
use crate::tellings::{Activations, Echo, Tellings, Who};

/// Figures with their names.
pub type Figures = Vec<(String, Figure)>;
/// Takes figures that are verified.
pub type Keep<'a> = dyn FnMut(Figures) -> Result<()> + 'a;

/// Most activations of a key that there may be.
const LIMIT_MAX: u32 = 1_000_000;
/// The best stretch of a run that a bar speaks of.
const BEST_STRETCH: Duration = Duration::from_secs(20);
/// Computers of each round begin at a number of their own.
const ROUND_BITS: u32 = 32;

/// What is asked of every figure.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Length of each of our rounds.
    pub length: Duration,
    /// Our rounds.
    pub rounds: usize,
    /// Keys over which new computers are spread.
    pub keys: usize,
    /// Activations in the large ledger.
    pub large: u64,
    /// Activations in the small ledger.
    pub small: u64,
    /// What keys and computers are made from.
    pub seed: u64,
}

/// A figure, or a few that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// The yardstick beside tonic's own example, and the most that the generator can send.
    Yardstick,
    /// New computers over many keys, 128 and 512 at once.
    Activate,
    /// New computers on one key.
    Hotkey,
    /// Unchanged computers again, which records nothing.
    Reactivate,
    /// One client.
    Single,
    /// Keys on which 1, 5, 20 and 5,000 computers are known.
    Known,
    /// Latencies at half and at four fifths of the full rate.
    Latency,
    /// ListBenefits, fifty rows with the use of their keys.
    Benefits,
    /// A long time at full load, with what waits for sled.
    Sustained,
    /// A large ledger beside a small one: rate, memory, bytes on disk.
    Growth,
    /// From a clean stop to serving.
    Restart,
    /// State made anew from the journal: in memory, and as books beside what bare sled takes.
    Rebuild,
    /// Sled alone as it grows, with no service; only if it is named.
    Bare,
    /// The commit slowed down, and more offered than it can take.
    Overload,
    /// The same operation where others keep counts; only if it is named.
    Peers,
    /// Instructions of a call, counted by callgrind; only if it is named, for it needs valgrind.
    Instructions,
}

impl Scenario {
    /// Whether it is played when none is named: it needs nothing that has to be installed.
    #[must_use]
    pub fn is_usual(self) -> bool {
        !matches!(self, Self::Bare | Self::Instructions | Self::Peers)
    }

    /// Whether it is of the large ledger, which takes longest to fill.
    const fn is_of_large(self) -> bool {
        matches!(self, Self::Growth | Self::Restart | Self::Rebuild)
    }

    /// Those that are named, in the order in which they are played. Those of the large ledger are
    /// played together, so that it is filled once.
    #[must_use]
    pub fn turns(named: &[Self]) -> Vec<Vec<Self>> {
        let mut turns: Vec<Vec<Self>> = Vec::new();
        for scenario in named {
            let together = |turn: &&mut Vec<Self>| turn.iter().all(|other| other.is_of_large());
            match turns.iter_mut().find(together).filter(|_| scenario.is_of_large()) {
                Some(turn) => turn.push(*scenario),
                None => turns.push(vec![*scenario]),
            }
        }
        turns
    }

    /// Makes the figures of a turn, and hands them on as soon as they are verified.
    ///
    /// # Errors
    /// A call was not answered as it must be, or a count is wrong: then there is no figure.
    pub async fn play(turn: &[Self], settings: &Settings, keep: &mut Keep<'_>) -> Result<()> {
        let Some(first) = turn.first() else { return Ok(()) };
        let figures = match first {
            Self::Yardstick => yardstick::play(settings).await,
            Self::Activate => activate::play(settings).await,
            Self::Hotkey => hotkey::play(settings).await,
            Self::Reactivate => known::reactivate(settings).await,
            Self::Single => single::play(settings).await,
            Self::Known => known::play(settings).await,
            Self::Latency => latency::play(settings).await,
            Self::Benefits => benefits::play(settings).await,
            Self::Sustained => sustained::play(settings).await,
            Self::Growth | Self::Restart | Self::Rebuild => {
                return large::play(settings, turn, keep).await;
            }
            Self::Bare => bare::play(settings).await,
            Self::Overload => overload::play(settings).await,
            Self::Peers => peers::play(settings).await,
            Self::Instructions => instructions::play(settings).await,
        };
        keep(figures?)
    }
}

impl Settings {
    fn plan(&self) -> Plan {
        let noop_length = self.length.min(BEST_STRETCH);
        Plan { length: self.length, noop_length, rounds: self.rounds }
    }
}

/// An activation service with keys, and what clients were told of them.
struct Ledger {
    stand: Stand,
    tellings: Arc<Tellings>,
}

impl Ledger {
    /// Starts it and registers so many keys with this limit.
    async fn start(settings: &Settings, keys: usize, limit: u32) -> Result<Self> {
        Self::start_as(settings, keys, limit, Process::default()).await
    }

    /// The same with another process in place of the delivered one.
    async fn start_as(
        settings: &Settings,
        keys: usize,
        limit: u32,
        process: Process,
    ) -> Result<Self> {
        let stand = Stand::start_as(true, process).await?;
        let computers = Computers::new(settings.seed, stand.world.salt())?;
        let tellings = Tellings::new(Keys::issue(settings.seed, keys)?, computers);
        stand.register(&tellings, limit).await?;
        Ok(Self { stand, tellings })
    }

    /// Plays rounds of Activate beside the yardstick.
    async fn play(
        &self,
        plan: &Plan,
        in_flight: usize,
        who: impl Fn(u64) -> Who,
    ) -> Result<Rounds> {
        let ours = |round: usize| {
            let who = who(u64::try_from(round).unwrap_or(0));
            // Where the ledger lags it refuses with RetryInfo. That is no answer and in no rate,
            // and the figure tells how often it was.
            Arc::new(Activations::new(&self.tellings, who).patient()) as Arc<dyn Load>
        };
        self.play_loads(plan, in_flight, ours).await
    }

    /// The same with loads of any kind.
    async fn play_loads(
        &self,
        plan: &Plan,
        in_flight: usize,
        ours: impl FnMut(usize) -> Arc<dyn Load>,
    ) -> Result<Rounds> {
        let subject = Subject {
            stand: &self.stand,
            target: self.stand.activate()?,
            beside: None,
            pid: self.stand.pid()?,
            method: Method::Activate,
            in_flight,
        };
        let echo = |answer| Echo::new(&self.tellings, answer) as Arc<dyn Load>;
        subject.play(plan, ours, echo).await
    }

    /// Verifies the ledger, and with it the figures.
    async fn verify(mut self, mut figures: Figures) -> Result<Figures> {
        self.settle(&mut figures).await?;
        Ok(figures)
    }

    /// The same of a ledger that is needed again; its service is stopped.
    async fn settle(&mut self, figures: &mut Figures) -> Result<()> {
        let told = self.tellings.counted_in_all();
        self.stand.settle(&self.tellings).await.context("the ledger after the run")?;
        for (_, figure) in figures {
            figure.verified = true;
            figure.add("counts_verified", told as f64);
        }
        Ok(())
    }
}

/// New computers on the keys in turn, others in each round.
fn new_computers(round: u64) -> Who {
    Who::New { first: round << ROUND_BITS }
}

#[cfg(test)]
mod tests {
    use super::Scenario::{Activate, Growth, Rebuild, Restart, Single};
    use super::*;

    #[test]
    fn what_is_of_the_large_ledger_is_played_together() {
        let named = [Growth, Activate, Rebuild, Single, Restart];
        let turns = Scenario::turns(&named);
        assert_eq!(turns, [vec![Growth, Rebuild, Restart], vec![Activate], vec![Single]]);
        assert_eq!(Scenario::turns(&[Restart]), [vec![Restart]]);
        assert_eq!(Scenario::turns(&[Single, Activate]).len(), 2);
    }
}
