//! Both services under the shim, with their data in a folder of their own each, and actors who
//! work with them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use system_tests::{Dice, Service, World, WorldOptions};
use tempfile::TempDir;
use tokio::task::block_in_place;
use xtask::pair::Process;

use super::actor::Actor;
use super::image::Image;
use super::shim::Shim;
use super::trace::{Loss, cut};
use super::world;

/// Lines of the log that are told before the one that must not be there.
const LINES_BEFORE: usize = 3;
/// What sled says, in two sentences, when the summary of its log is damaged.
const SUMMARY_IS_DAMAGED: &str = "corrupt snapshot file found";
/// Both services.
pub(super) const SERVICES: [Service; 2] = [Service::Activation, Service::Catalog];

/// A world whose disk and power are ours.
pub(super) struct Stage {
    pub(super) shim: Shim,
    pub(super) world: World,
    /// What the activation service is, if not the delivered one.
    activation: Process,
    /// Whose disk lies about the later syncs.
    pub(super) liar: Option<Service>,
    /// The data of each service as the last cut left it.
    images: [Image; 2],
    /// Cuts so far; what is done between two of them is one trace.
    cuts: u64,
    /// Traces and the control file, which are no data of a service.
    desk: TempDir,
}

impl Stage {
    /// Starts both services as they are delivered.
    pub(super) async fn begin() -> Result<Self> {
        Self::begin_with(Process::default()).await
    }

    /// Starts both services, with this one as the activation service.
    pub(super) async fn begin_with(activation: Process) -> Result<Self> {
        let (desk, folder) = (world::folder()?, world::folder()?);
        let shim = Shim::new(desk.path())?;
        let [ledger, store] = SERVICES.map(|service| data(folder.path(), service));
        fs::create_dir_all(&ledger)?;
        fs::create_dir_all(&store)?;
        let [watched, catalog_process] =
            SERVICES.map(|service| process(&shim, &desk, folder.path(), 0, service));
        let activation_process = both(&activation, watched);
        let path = |path: PathBuf| path.display().to_string();
        let quiet = ("telemetry.filter", "warn".to_owned());
        let options = WorldOptions {
            activation: vec![("storage.sled.folder", path(ledger.join("ledger"))), quiet.clone()],
            catalog: vec![("store.file", path(store.join("store/catalog.sqlite"))), quiet],
            activation_process,
            catalog_process,
            ..WorldOptions::default()
        };
        let world = world::start(folder, options).await?;
        let images = [Image::default(), Image::default()];
        Ok(Self { shim, world, activation, liar: None, images, cuts: 0, desk })
    }

    /// So many actors with dice of their own.
    pub(super) fn actors(&self, count: u32, dice: &Dice) -> Result<Vec<Actor>> {
        let actor = |number| Actor::new(&self.world, number, dice.apart(u64::from(number)));
        (0..count).map(actor).collect()
    }

    /// Everybody works until the power is gone, or they are done.
    pub(super) async fn work(&self, actors: Vec<Actor>, steps: usize) -> Result<Vec<Actor>> {
        let working = actors.into_iter().map(|mut actor| async move {
            for _ in 0..steps {
                if !actor.step().await? && self.shim.is_cut()? {
                    break;
                }
            }
            Ok(actor)
        });
        futures_util::future::try_join_all(working).await
    }

    /// The power goes, unless it is gone, takes what it may of what was not synced, and comes back.
    pub(super) fn cut(&mut self, loss: Loss, dice: &Dice) -> Result<()> {
        self.shim.cut()?;
        self.kill()?;
        let [ledger, store] = SERVICES.map(|service| {
            let dice = dice.apart(u64::from(service == Service::Catalog));
            self.image(service, loss, &dice)
        });
        self.images = [ledger?, store?];
        for (image, service) in self.images.iter().zip(SERVICES) {
            image.restore(&data(self.world.folder(), service))?;
        }
        self.cuts += 1;
        self.shim.restore()
    }

    /// What a power cut now would leave of the ledger.
    #[cfg(feature = "mutants")]
    pub(super) fn ledger_image(&self, loss: Loss, dice: &Dice) -> Result<Image> {
        self.image(Service::Activation, loss, dice)
    }

    /// Starts the activation service alone, on this.
    #[cfg(feature = "mutants")]
    pub(super) fn start_ledger_on(&mut self, image: Image) -> Result<()> {
        image.restore(&data(self.world.folder(), Service::Activation))?;
        let [_, store] = std::mem::take(&mut self.images);
        self.images = [image, store];
        self.cuts += 1;
        self.prepare();
        block_in_place(|| self.world.pair.start_activation())
    }

    /// What a power cut now would leave of a service's data.
    fn image(&self, service: Service, loss: Loss, dice: &Dice) -> Result<Image> {
        let trace = trace(&self.desk, self.cuts, service);
        // A service that was not started has written nothing.
        let bytes = if trace.exists() { fs::read(&trace)? } else { Vec::new() };
        let [ledger, store] = &self.images;
        let before = if service == Service::Activation { ledger } else { store };
        let honest = if self.liar == Some(service) { bytes.len() / 2 } else { usize::MAX };
        cut(before, &bytes, honest, loss, dice).with_context(|| format!("the trace of {service:?}"))
    }

    /// Ends both at once, as far as they run.
    pub(super) fn kill(&mut self) -> Result<()> {
        let pair = &mut self.world.pair;
        if pair.activation().pid().is_some() {
            pair.kill_activation()?;
        }
        if pair.catalog().pid().is_some() {
            pair.kill_catalog()?;
        }
        Ok(())
    }

    /// Ends both in good order, as far as they run and can.
    pub(super) fn stop(&mut self) -> Result<()> {
        let pair = &mut self.world.pair;
        block_in_place(|| {
            if pair.catalog().pid().is_some() {
                pair.stop_catalog()?;
            }
            if pair.activation().pid().is_some() {
                pair.stop_activation()?;
            }
            Ok(())
        })
    }

    /// Starts both on what is there; false if the power goes before they serve.
    pub(super) fn start(&mut self) -> Result<bool> {
        self.prepare();
        let pair = &mut self.world.pair;
        let start = || pair.start_activation().and_then(|()| pair.start_catalog());
        match block_in_place(start) {
            Ok(()) => Ok(true),
            Err(_) if self.shim.is_cut()? => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Starts whichever does not run.
    pub(super) fn start_missing(&mut self) -> Result<()> {
        self.prepare();
        let pair = &mut self.world.pair;
        block_in_place(|| {
            if !pair.is_activation_alive()? {
                pair.start_activation()?;
            }
            if !pair.is_catalog_alive()? {
                pair.start_catalog()?;
            }
            Ok(())
        })
    }

    /// What is started from now on is watched and writes its own trace.
    fn prepare(&mut self) {
        let [activation, catalog] = SERVICES.map(|service| {
            process(&self.shim, &self.desk, self.world.folder(), self.cuts, service)
        });
        let pair = &mut self.world.pair;
        pair.set_processes(both(&self.activation, activation), catalog);
    }

    /// Compares what was acknowledged with what is there; gives the number of repeats.
    pub(super) async fn reckon(&self, mut actors: Vec<Actor>) -> Result<u64> {
        for actor in &actors {
            actor.verify(&self.world).await?;
        }
        let mut repeats = 0;
        for actor in &mut actors {
            repeats += actor.settle(&self.world).await?;
        }
        Ok(repeats)
    }

    /// No service panicked, and the books were made again for one reason only: the power went while
    /// sled wrote the summary of its log, without which it does not open. They are not trusted
    /// then, and everything comes from the journal.
    pub(super) fn check_books(&self) -> Result<()> {
        self.check_logs(&["panicked"], &[])?;
        let text = fs::read_to_string(self.world.pair.activation().log())?;
        let lines: Vec<&str> = text.lines().collect();
        for (place, line) in lines.iter().enumerate() {
            let before = lines.get(place.saturating_sub(LINES_BEFORE)..place).unwrap_or_default();
            let is_summary = before.iter().any(|line| line.contains(SUMMARY_IS_DAMAGED));
            if line.contains("set aside") && !is_summary {
                bail!("the log says: {}\n{line}", before.join("\n"));
            }
        }
        Ok(())
    }

    /// No line of a log of a service has one of these words, unless it is excused by another.
    pub(super) fn check_logs(&self, words: &[&str], excuses: &[&str]) -> Result<()> {
        for log in [self.world.pair.activation().log(), self.world.pair.catalog().log()] {
            let text = fs::read_to_string(log)?;
            let lines: Vec<&str> = text.lines().collect();
            let has = |line: &str, words: &[&str]| words.iter().any(|word| line.contains(word));
            let is_found = |line: &&str| has(line, words) && !has(line, excuses);
            if let Some(found) = lines.iter().position(is_found) {
                // What led to it stands before it.
                let told = lines.get(found.saturating_sub(LINES_BEFORE)..=found);
                bail!(
                    "the log says: {}",
                    told.unwrap_or_default().join(
                        "
"
                    )
                );
            }
        }
        Ok(())
    }
}

/// A process of another program, watched.
fn both(program: &Process, mut watched: Process) -> Process {
    watched.program.clone_from(&program.program);
    watched.environment.extend(program.environment.iter().cloned());
    watched
}

fn process(shim: &Shim, desk: &TempDir, world: &Path, cuts: u64, service: Service) -> Process {
    shim.process(service, &data(world, service), Some(&trace(desk, cuts, service)))
}

/// The folder of a service's data in a world.
fn data(world: &Path, service: Service) -> PathBuf {
    world.join("data").join(format!("{service:?}").to_lowercase())
}

/// The trace of a service's processes after so many cuts.
fn trace(desk: &TempDir, cuts: u64, service: Service) -> PathBuf {
    desk.path().join(format!("trace-{cuts}-{service:?}"))
}
