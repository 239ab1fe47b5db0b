//! What is measured: the delivered services in a folder on the disk, and what they say of
//! themselves.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use proto::activation::v1::{BatchGetKeyUsageRequest, BatchRegisterKeysRequest};
use system_tests::{Person, Service, World, WorldOptions};
use tokio::task::block_in_place;
use tokio::time::{MissedTickBehavior, interval};
use xtask::pair::Process;

use crate::connection::Target;
use crate::cpu;
use crate::noop::Method;
use crate::tellings::Tellings;

/// Keys of a call, the most that there may be.
const KEYS_PER_CALL: u64 = 500;
/// Calls at once while keys are registered or asked for.
const CALLS: usize = 4;
/// How often it is looked whether sled has caught up.
const DRAIN_PERIOD: Duration = Duration::from_millis(100);
/// Longest wait for it.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(3_600);
/// Tries of a call that is told to come again.
const TRIES_MAX: u32 = 1_000;
/// The figure of events in the journal that are not in sled yet.
const UNAPPLIED: &str = "activation_ledger_unapplied_events";

/// The services that are measured, as they are delivered.
pub struct Stand {
    /// The services.
    pub world: World,
}

/// How sled caught up after a load.
#[derive(Clone, Copy, Debug)]
pub struct Drained {
    /// Events that waited when the load ended.
    pub events: u64,
    /// How long it took.
    pub took: Duration,
}

impl Stand {
    /// Starts the activation service alone, or both.
    ///
    /// # Errors
    /// They do not start.
    pub async fn start(is_alone: bool) -> Result<Self> {
        Self::start_as(is_alone, Process::default()).await
    }

    /// The same with another process in place of the delivered one of the activation service.
    ///
    /// # Errors
    /// They do not start.
    pub async fn start_as(is_alone: bool, activation_process: Process) -> Result<Self> {
        // Beside what was built: the temporary folder of a system may be in memory.
        let parent = xtask::process::root().join("target").join("bench");
        std::fs::create_dir_all(&parent)?;
        let folder = tempfile::tempdir_in(&parent).context("a folder")?;
        let bytes = |mebibytes: u64| (mebibytes * 1024 * 1024).to_string();
        let activation = vec![
            ("metrics.listen", "127.0.0.1:0".to_owned()),
            // The pair of the tests takes small ones; these are the delivered ones again.
            ("storage.sled.segment_bytes", bytes(64)),
            ("storage.sled.reserve_bytes", bytes(64)),
            ("storage.sled.low_water_bytes", bytes(256)),
        ];
        let options =
            WorldOptions { activation, is_alone, activation_process, ..WorldOptions::default() };
        Ok(Self { world: World::start_in(folder, options).await? })
    }

    /// Where its data is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.world.folder()
    }

    /// The folder of the ledger.
    #[must_use]
    pub fn ledger(&self) -> PathBuf {
        self.folder().join("ledger")
    }

    /// Where Activate is called, with a product key alone.
    ///
    /// # Errors
    /// The service was never started.
    pub fn activate(&self) -> Result<Target> {
        let address = self.world.address(Service::Activation)?;
        let path = http::uri::PathAndQuery::from_static(Method::Activate.path());
        Ok(Target { address, path, callers: Vec::new() })
    }

    /// The process of the activation service.
    ///
    /// # Errors
    /// It does not run.
    pub fn pid(&self) -> Result<u32> {
        self.world.pair.activation().pid().context("the activation service runs")
    }

    /// Registers all keys with this limit.
    ///
    /// # Errors
    /// They are refused.
    pub async fn register(&self, tellings: &Tellings, limit: u32) -> Result<()> {
        let client = self.world.activation(&Person::catalog())?;
        let calls = (0..tellings.keys.len() as u64).step_by(KEYS_PER_CALL as usize).map(|first| {
            let mut client = client.clone();
            async move {
                let last = (first + KEYS_PER_CALL).min(tellings.keys.len() as u64);
                let keys = (first..last).map(|key| tellings.keys.registration(key, limit));
                let request = BatchRegisterKeysRequest { keys: keys.collect::<Result<_>>()? };
                for _ in 0..TRIES_MAX {
                    match client.batch_register_keys(request.clone()).await {
                        Ok(_) => return anyhow::Ok(()),
                        // The ledger is behind: the same again is what it asks for.
                        Err(status) if status.code() == tonic::Code::ResourceExhausted => {
                            self.drain().await?;
                        }
                        Err(status) => return Err(status.into()),
                    }
                }
                bail!("keys were not registered in {TRIES_MAX} tries")
            }
        });
        futures_util::stream::iter(calls).buffer_unordered(CALLS).try_collect::<()>().await?;
        self.drain().await?;
        Ok(())
    }

    /// Events in the journal that are not in sled yet.
    ///
    /// # Errors
    /// The metrics page does not tell.
    pub async fn unapplied(&self) -> Result<u64> {
        let page = self.world.metrics(Service::Activation).await?;
        let line = page.lines().find_map(|line| line.strip_prefix(UNAPPLIED));
        let value: f64 = line.with_context(|| format!("no {UNAPPLIED}"))?.trim().parse()?;
        Ok(value as u64)
    }

    /// Waits until sled has all that is in the journal.
    ///
    /// # Errors
    /// It never has.
    pub async fn drain(&self) -> Result<Drained> {
        let start = Instant::now();
        let events = self.unapplied().await?;
        let mut again = interval(DRAIN_PERIOD);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut left = events;
        while left > 0 {
            let waited = start.elapsed();
            ensure!(waited < DRAIN_TIME_MAX, "sled lags {left} events after {waited:?}");
            again.tick().await;
            left = self.unapplied().await?;
        }
        Ok(Drained { events, took: start.elapsed() })
    }

    /// Compares what clients were told with what the service holds, key by key.
    ///
    /// # Errors
    /// One count is another.
    pub async fn compare(&self, tellings: &Tellings) -> Result<()> {
        let client = self.world.activation(&Person::catalog())?;
        let calls = (0..tellings.keys.len() as u64).step_by(KEYS_PER_CALL as usize).map(|first| {
            let mut client = client.clone();
            async move {
                let last = (first + KEYS_PER_CALL).min(tellings.keys.len() as u64);
                let names: Vec<_> = (first..last).map(|key| tellings.keys.name(key)).collect();
                let request = BatchGetKeyUsageRequest { names: names.clone() };
                let usages = client.batch_get_key_usage(request).await?.into_inner().usages;
                ensure!(usages.len() == names.len(), "{} of {}", usages.len(), names.len());
                for (key, usage) in (first..last).zip(usages) {
                    let (told, name) = (tellings.counted(key), &usage.name);
                    let used = usage.used;
                    ensure!(used == told, "{name}: {used} used, and clients were told of {told}");
                }
                anyhow::Ok(())
            }
        });
        futures_util::stream::iter(calls).buffer_unordered(CALLS).try_collect::<()>().await
    }

    /// Compares, stops in good order, and has `ledger verify` look at everything that is on disk.
    ///
    /// # Errors
    /// A count is another, or the ledger is not good.
    pub async fn verify(mut self, tellings: &Arc<Tellings>) -> Result<()> {
        self.settle(tellings).await
    }

    /// The same of a stand whose files are needed again.
    ///
    /// # Errors
    /// As above.
    pub async fn settle(&mut self, tellings: &Arc<Tellings>) -> Result<()> {
        self.compare(tellings).await?;
        block_in_place(|| {
            if self.world.pair.catalog().pid().is_some() {
                self.world.pair.stop_catalog()?;
            }
            let ended = self.world.pair.stop_activation()?;
            ensure!(ended.success(), "the activation service ended with {ended}");
            self.check()
        })
    }

    /// Has `ledger verify` look at everything that is on disk; the service is stopped.
    ///
    /// # Errors
    /// The ledger is not good.
    pub fn check(&self) -> Result<()> {
        let folder = self.folder().display().to_string();
        self.upkeep("verify", &["--scratch", &folder]).map(drop)
    }

    /// Runs a command of `activation-service ledger` on the ledger of the stopped service, and
    /// gives what it printed. It blocks.
    ///
    /// # Errors
    /// The command fails.
    pub fn upkeep(&self, command: &str, words: &[&str]) -> Result<String> {
        let mut upkeep = std::process::Command::new(xtask::pair::binary("activation-service")?);
        upkeep.args(["ledger", command]).args(words);
        for (key, value) in self.world.pair.activation_settings() {
            upkeep.arg("--set").arg(format!("{key}={value}"));
        }
        xtask::process::read(&mut upkeep)
    }

    /// Time that the activation service had on processors.
    ///
    /// # Errors
    /// It does not run.
    pub fn cpu(&self) -> Result<Duration> {
        cpu::used_by(self.pid()?)
    }
}
