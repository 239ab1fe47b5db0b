//! A whole world in one thread: the real service on a simulated ground, its clients, and all that
//! befalls them. The same seed gives the same life.

mod asks;
mod boot;
mod chance;
mod clients;
mod computers;
mod gates;
mod shape;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use activation_service::domain::ids::{ActivationId, RequestId};
use activation_service::storage::disk::SimDisk;
use activation_service::storage::disk::sim::{Calls, Dice, Fault, FaultKind};
use activation_service::storage::journal;
use activation_service::storage::journaled::{
    Ground, JournaledError, JournaledLedger, JournaledOptions,
};
use activation_service::storage::sled::SledOptions;
use anyhow::{Result, anyhow, bail, ensure};
use receipt::{SigningKey, TrustedKeys};

use super::store::{Rows, SimShelf, StoreCalls, StoreFault, StoreFaultKind};
pub(crate) use asks::{Ask, Told, key_id, key_of};
use chance::{SimClock, SimRandomness};
pub(crate) use shape::{Shape, pick};

/// Where the journal is on the simulated disk.
pub(crate) const JOURNAL: &str = "journal";
/// The chain of every life.
pub(crate) const CHAIN: journal::ChainId = journal::ChainId([7; 16]);
/// What the signing key of every life is made of.
const SIGNING_SEED: [u8; 32] = [4; 32];
/// Openings that may fail one after the other while faults strike.
const OPENINGS_MAX: u32 = 8;

/// One sending of a request and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The place of the request among the asks.
    pub(crate) ask: usize,
    /// When it was sent; moments are counted through the whole life.
    pub(crate) began: u64,
    /// When it was answered, and what; none if the client never knew.
    pub(crate) told: Option<(u64, Told)>,
}

/// What befell a life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) openings: u64,
    pub(crate) kills: u64,
    pub(crate) cuts: u64,
    pub(crate) stops: u64,
    pub(crate) faults: u64,
    pub(crate) jumps: u64,
    pub(crate) left: u64,
    pub(crate) lost: u64,
    pub(crate) repeats: u64,
    pub(crate) set_aside: u64,
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stop,
    Kill,
    Cut,
}

/// An activation that a client was told of.
#[derive(Clone, Copy, Debug)]
struct Known {
    key: u8,
    computer: u64,
    activation: ActivationId,
}

/// A ledger as it was once, stopped in good order.
#[derive(Clone)]
pub(crate) struct Keepsake {
    pub(crate) disk: SimDisk,
    pub(crate) rows: Rows,
}

/// A world with its past.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) disk: SimDisk,
    pub(crate) shelf: SimShelf,
    pub(crate) shape: Shape,
    pub(crate) asks: Vec<Ask>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) tally: Tally,
    /// The place of the first sending after which nothing happened any more.
    pub(crate) looks_from: usize,
    /// Calls of the disk and of the books that had changed something when peace came.
    pub(crate) calls_in_war: (u64, u64),
    /// The ledger at each stop in good order, if the shape wants them kept.
    pub(crate) keepsakes: Vec<Keepsake>,
    /// The ledger was damaged from outside.
    pub(crate) is_injured: bool,
    /// A head that somebody remembers.
    pub(crate) anchor: Option<journal::Known>,
    dice: Dice,
    clock: Arc<SimClock>,
    randomness: Arc<SimRandomness>,
    known: Vec<Known>,
    clock_stands: bool,
    /// Moments gone by.
    now: u64,
    /// The last generation of the catalog.
    generation: u64,
    /// Faults that had struck when all was last well.
    struck: u64,
}

/// The public key that clients have pinned.
pub(crate) fn trusted() -> Result<TrustedKeys> {
    let mut trusted = TrustedKeys::default();
    trusted.trust(SigningKey::from_seed(&SIGNING_SEED).public_key())?;
    Ok(trusted)
}

impl World {
    /// A world in which nothing has happened.
    pub(crate) fn new(seed: u64, shape: Shape) -> Self {
        let mut dice = Dice::new(seed ^ 0x11fe);
        let mut part = || dice.roll();
        let (disk, shelf) = (SimDisk::new(part()), SimShelf::new(part()));
        let randomness = Arc::new(SimRandomness::new(part()));
        Self {
            seed,
            disk,
            shelf,
            shape,
            asks: Vec::new(),
            sent: Vec::new(),
            tally: Tally::default(),
            looks_from: usize::MAX,
            calls_in_war: (0, 0),
            keepsakes: Vec::new(),
            is_injured: false,
            anchor: None,
            dice,
            clock: Arc::new(SimClock::new()),
            randomness,
            known: Vec::new(),
            clock_stands: false,
            now: 0,
            generation: 0,
            struck: 0,
        }
    }

    /// A whole life: requests among all that the shape holds, then everything is settled, and
    /// looked at by a service that knows nothing but what is on the disk.
    pub(crate) fn live(seed: u64, shape: Shape) -> Result<Self> {
        let mut world = Self::new(seed, shape);
        world.live_on()?;
        Ok(world)
    }

    /// The whole life of a world that is made.
    pub(crate) fn live_on(&mut self) -> Result<()> {
        while (self.asks.len() as u64) < self.shape.asks {
            let end = self.amid()?;
            self.end(end);
        }
        // From here on every answer matters.
        self.shape.lose_percent = 0;
        if self.shape.last_cut {
            self.end_of_nobody(End::Cut);
        }
        self.calls_in_war = (self.disk.changing_calls(), self.shelf.changing_calls());
        self.clear_faults();
        self.repeat_all()?;
        self.look_at_all()
    }

    /// Sends again what was not sent often enough.
    fn repeat_all(&mut self) -> Result<()> {
        let mut again = Vec::new();
        for place in 0..self.asks.len() {
            let sendings = self.sent.iter().filter(|sent| sent.ask == place).count() as u64;
            again.extend((sendings..self.shape.sendings_min).map(|_| place));
        }
        self.tally.repeats += again.len() as u64;
        self.settle(again)
    }

    /// Looks at all keys through a service that was just started.
    fn look_at_all(&mut self) -> Result<()> {
        let from = self.asks.len();
        self.looks_from = self.sent.len();
        for key in 0..self.shape.keys {
            self.asks.push(Ask::GetKey { key });
            self.asks.push(Ask::whole_history(key));
            self.asks.push(Ask::Computers { key });
        }
        self.asks.push(Ask::Usage { keys: self.shape.keys });
        self.asks.push(Ask::LedgerHead);
        self.settle((from..self.asks.len()).collect())
    }

    /// Asks once more for what was recorded, and for everything there is.
    pub(crate) fn ask_recorded_again(
        &mut self,
        is_recorded: impl Fn(u8, RequestId) -> bool,
    ) -> Result<()> {
        let recorded = |(place, ask): (usize, &Ask)| {
            let (key, request) = ask.request()?;
            is_recorded(key, request).then_some(place)
        };
        let again = self.asks.iter().enumerate().filter_map(recorded).collect();
        let from = self.sent.len();
        self.settle(again)?;
        self.look_at_all()?;
        self.looks_from = from;
        Ok(())
    }

    /// Opens the ledger as it is.
    pub(crate) fn try_open(&self) -> Result<JournaledLedger, JournaledError> {
        let journal = journal::Options::of_sizes(self.shape.segment_bytes, 0);
        let options = JournaledOptions {
            journal: journal::Options { known: [self.anchor, None], ..journal },
            sled: SledOptions::default(),
            signing_key: SigningKey::from_seed(&SIGNING_SEED),
            new_chain: CHAIN,
            memory: self.shape.memory,
        };
        let ground = Ground {
            disk: Arc::new(self.disk.clone()),
            journal: PathBuf::from(JOURNAL),
            shelf: Arc::new(self.shelf.clone()),
        };
        let randomness = Arc::clone(&self.randomness);
        JournaledLedger::open_by_hand(&ground, options, randomness)
    }

    /// Opens the ledger; without faults it must open.
    fn open(&mut self) -> Result<JournaledLedger> {
        for _ in 0..OPENINGS_MAX {
            // A kill or a power cut alone must never cost the books.
            let opened = self.try_open();
            let is_struck = self.take_struck();
            match opened {
                Ok(ledger) => {
                    self.tally.openings += 1;
                    let is_aside = ledger.report().set_aside.is_some();
                    ensure!(
                        !is_aside || self.is_injured || is_struck,
                        "books that nothing had befallen were set aside"
                    );
                    self.tally.set_aside += u64::from(is_aside);
                    return Ok(ledger);
                }
                Err(error) if !is_struck => bail!("it does not open: {error}"),
                Err(_) => {
                    if self.disk.is_powerless() || self.dice.chance(30) {
                        self.end_of_nobody(End::Cut);
                    }
                    self.clear_faults();
                }
            }
        }
        Err(anyhow!("it does not open although the faults are gone"))
    }

    /// True if faults have struck since this was last asked.
    fn take_struck(&mut self) -> bool {
        let struck = self.disk.faults_struck() + self.shelf.faults_struck();
        self.tally.faults += struck - self.struck;
        std::mem::replace(&mut self.struck, struck) != struck
    }

    fn clear_faults(&mut self) {
        self.disk.clear_faults();
        self.shelf.clear_faults();
    }

    fn plant_fault(&mut self) {
        let far = if self.dice.chance(50) { 2 } else { 12 };
        let nth = 1 + self.dice.below(far);
        if self.dice.chance(70) {
            let kinds = [FaultKind::Io, FaultKind::NoSpace, FaultKind::PowerCut];
            let kind = *pick(&mut self.dice, &kinds).unwrap_or(&FaultKind::Io);
            self.disk.plant(Fault { calls: Calls::Changing, nth, kind });
        } else {
            let kinds = [StoreFaultKind::Io, StoreFaultKind::NoSpace];
            let kind = *pick(&mut self.dice, &kinds).unwrap_or(&StoreFaultKind::Io);
            self.shelf.plant(StoreFault { calls: StoreCalls::Changing, nth, kind });
        }
    }

    /// The power goes out at one of the next calls that change something.
    fn plant_cut(&mut self) {
        let nth = 1 + self.dice.below(4);
        self.disk.plant(Fault { calls: Calls::Changing, nth, kind: FaultKind::PowerCut });
    }

    /// What the end of a process does to the ground.
    fn end_of_nobody(&mut self, end: End) {
        let end = if self.disk.is_powerless() { End::Cut } else { end };
        match end {
            End::Stop => {
                self.tally.stops += 1;
                if self.shape.keeps_older {
                    let (disk, rows) = (self.disk.fork(self.now), self.shelf.rows());
                    self.keepsakes.push(Keepsake { disk, rows });
                }
            }
            End::Kill => {
                self.tally.kills += 1;
                self.shelf.kill();
            }
            End::Cut => {
                self.tally.cuts += 1;
                self.disk.crash(self.dice.roll(), self.shape.torn);
                self.shelf.crash();
            }
        }
    }
}
