//! Makes computers, boards and parts for one site, each thing with a number of its own.

use crate::dice::{Dice, WHOLE};
use crate::fleet::{Fleet, Site};
use crate::hardware::{self, Adapter, Board, Computer, Disk, Firmware, Parts, Story};
use crate::model::{
    Addressing, FIRST_MODEL, HYPERVISORS, Hypervisor, Model, Wireless, another_memory,
};
use crate::plan::Plan;
use crate::shares::{Share, Shares};
use crate::truth::Unit;

/// Units and models that one site can make; numbers of sites stand so far apart.
const NUMBERS_A_SITE: u64 = 1 << 32;
const MODELS_A_SITE: u32 = 1 << 10;
/// Most network cards that a server is bought with.
const SERVER_CARDS_MAX: u64 = 4;

/// Makes what a site needs.
#[derive(Clone, Debug)]
pub struct Maker {
    /// What the site has.
    pub fleet: Fleet,
    /// All chance at the site.
    pub dice: Dice,
    /// Whether the site runs Linux, else Windows.
    pub linux: bool,
    shares: Shares,
    hypervisor: Hypervisor,
    /// The identity that every installation from the image has, if it has one.
    image: Option<u64>,
    next_unit: u64,
    next_model: u32,
}

impl Maker {
    /// What makes the computers of a site.
    #[must_use]
    pub fn new(site: Site, plan: &Plan) -> Self {
        let mut dice = Dice::new(plan.seed, site.number);
        let so = |share, dice: &mut Dice| dice.chance(plan.shares.of(share, site.fleet));
        let linux = so(Share::Linux, &mut dice);
        let unprepared = so(Share::ImageUnprepared, &mut dice);
        let hypervisor = dice.choose(&HYPERVISORS, Hypervisor::Kvm);
        let image = unprepared.then(|| dice.roll());
        Self {
            fleet: site.fleet,
            dice,
            linux,
            shares: plan.shares.clone(),
            hypervisor,
            image,
            next_unit: site.number * NUMBERS_A_SITE,
            next_model: FIRST_MODEL + (site.number as u32).wrapping_mul(MODELS_A_SITE),
        }
    }

    /// Whether something is so in this case.
    pub fn so(&mut self, share: Share) -> bool {
        let of_10_000 = self.shares.of(share, self.fleet);
        self.dice.chance(of_10_000)
    }

    /// Shares of several ways, of which one is chosen.
    pub fn choose<const N: usize>(&mut self, ways: [Share; N]) -> Option<Share> {
        let weights = ways.map(|way| (self.shares.of(way, self.fleet), Some(way)));
        let sum: u32 = weights.iter().map(|(weight, _)| weight).sum();
        if u64::from(sum) <= self.dice.below(WHOLE) {
            return None;
        }
        self.dice.choose(&weights, None)
    }

    /// A new thing.
    pub const fn unit(&mut self) -> Unit {
        self.next_unit += 1;
        Unit(self.next_unit)
    }

    /// The identity of a new installation.
    pub fn install_id(&mut self) -> u64 {
        self.image.unwrap_or_else(|| self.dice.roll())
    }

    /// A model that the site has not had before.
    pub fn model(&mut self) -> Model {
        if self.fleet == Fleet::Guests {
            return Model::guest(self.hypervisor, &mut self.dice);
        }
        self.next_model += 1;
        Model::physical(self.fleet, self.next_model, &self.shares, &mut self.dice)
    }

    /// A network adapter that is plugged in.
    pub fn card(&mut self, wireless: bool) -> Adapter {
        let unit = self.unit();
        let addressing = match self.fleet {
            Fleet::Guests => Addressing::of_guest(self.hypervisor),
            _ => Addressing::Own,
        };
        Adapter { unit, address: addressing.address(unit), wireless }
    }

    /// A board as it leaves the factory, for a chassis.
    pub fn board(&mut self, model: Model, chassis: Unit) -> Board {
        let unit = self.unit();
        let firmware = Firmware {
            board_serial: model.serial.value(unit, hardware::serial),
            uuid: model.uuid.value(unit, hardware::uuid),
            chassis_serial: model.chassis.value(chassis, hardware::serial),
            version: 1,
        };
        let mut adapters = Vec::new();
        for _ in 0..model.ports {
            let unit = self.unit();
            let address = model.addressing.address(unit);
            adapters.push(Adapter { unit, address, wireless: false });
        }
        if model.wireless == Wireless::OnBoard {
            adapters.push(self.card(true));
        }
        let tpm = model.tpm.then(|| self.unit());
        Board { unit, model, firmware, adapters, tpm }
    }

    /// A disk with a fresh system.
    pub fn disk(&mut self, model: &Model) -> Disk {
        let unit = self.unit();
        let serial = model.disk.value(unit, hardware::serial);
        Disk { unit, serial, install_id: self.install_id() }
    }

    /// One part of a model.
    pub fn part(&mut self, model: u32) -> Parts {
        Parts { units: vec![self.unit()], model }
    }

    /// A new computer.
    pub fn computer(&mut self, model: Model, origin: &'static str) -> Computer {
        let chassis = self.unit();
        let board = self.board(model, chassis);
        let mut cards = Vec::new();
        if model.wireless == Wireless::Card {
            cards.push(self.card(true));
        }
        if self.fleet == Fleet::Servers {
            for _ in 0..self.dice.below(SERVER_CARDS_MAX + 1) {
                cards.push(self.card(false));
            }
        }
        let guest = self.fleet == Fleet::Guests;
        let memory = if guest { another_memory(&mut self.dice) } else { model.memory_gib };
        Computer {
            chassis,
            board,
            disk: self.disk(&model),
            processor: self.part(model.processor),
            memory: self.part(memory),
            display: match model.display {
                Some(display) => self.part(display),
                None => Parts { units: Vec::new(), model: 0 },
            },
            cards,
            returning: None,
            origin,
            story: Story::default(),
        }
    }

    /// A guest that has every value of another one, and is another one.
    pub fn copy(&mut self, source: &Computer) -> Computer {
        let mut copy = source.clone();
        copy.chassis = self.unit();
        copy.board.unit = self.unit();
        copy.disk.unit = self.unit();
        for parts in [&mut copy.processor, &mut copy.memory, &mut copy.display] {
            for unit in &mut parts.units {
                *unit = self.unit();
            }
        }
        for adapter in copy.board.adapters.iter_mut().chain(&mut copy.cards) {
            adapter.unit = self.unit();
        }
        copy.origin = "copy with all identity";
        copy.story = Story::default();
        copy
    }
}
