//! The lives of the computers of a site, month by month.

use crate::fleet::{Fleet, Site};
use crate::hardware::{self, Computer};
use crate::maker::Maker;
use crate::model::{Model, another_display, another_memory, another_processor};
use crate::plan::Plan;
use crate::rates::Event;
use crate::repair;
use crate::shares::Share;

/// Computers to a dock.
const COMPUTERS_A_DOCK: usize = 2;
/// Of two refittings of a computer with a display adapter, how many replace it too.
const DISPLAYS_OF_REFITS: u32 = 5_000;

/// A docking station's network adapter.
#[derive(Clone, Debug)]
pub struct Dock {
    /// Its address.
    pub address: String,
    /// Whether a program takes it for one that is built in.
    pub looks_built_in: bool,
}

/// The computers of a site at one moment.
#[derive(Clone, Debug)]
pub struct Life {
    /// Makes what is new.
    pub maker: Maker,
    /// The computers there are.
    pub computers: Vec<Computer>,
    /// The docks that all share.
    pub docks: Vec<Dock>,
    model: Model,
}

impl Life {
    /// The site on its first day.
    #[must_use]
    pub fn new(site: Site, plan: &Plan) -> Self {
        let mut maker = Maker::new(site, plan);
        let model = maker.model();
        let mut life = Self { maker, computers: Vec::new(), docks: Vec::new(), model };
        for _ in 0..site.computers {
            let computer = life.arrival("new");
            life.computers.push(computer);
        }
        for _ in 0..life.computers.len().div_ceil(COMPUTERS_A_DOCK) {
            let address = hardware::address(life.maker.unit());
            let looks_built_in = life.maker.so(Share::DockLooksBuiltIn);
            life.docks.push(Dock { address, looks_built_in });
        }
        life
    }

    /// Plays a month of every computer and tells which of them activate in it, in order.
    pub fn month(&mut self, month: u32, plan: &Plan) -> Vec<usize> {
        let mut activating = Vec::new();
        for place in 0..self.computers.len() {
            if let Some(computer) = self.computers.get_mut(place) {
                repair::give_back(computer, month);
            }
            let mut activates = false;
            for (event, rate) in plan.rates.of(self.maker.fleet) {
                if self.maker.dice.monthly(rate, plan.rates.scale) {
                    activates |= self.happen(place, event, month);
                }
            }
            if activates {
                activating.push(place);
            }
        }
        activating
    }

    /// Lets something happen and tells whether the product is activated after it.
    fn happen(&mut self, place: usize, event: Event, month: u32) -> bool {
        match event {
            Event::ComputerReplaced => return self.replace(place),
            Event::DisksSwapped => return self.swap_disks(place),
            _ => {}
        }
        let Self { maker, computers, .. } = self;
        let Some(computer) = computers.get_mut(place) else { return false };
        match event {
            Event::ProductInstalled | Event::Upgraded => return true,
            Event::Reinstalled => {
                computer.disk.install_id = maker.install_id();
                return true;
            }
            Event::FirmwareUpdated => update_firmware(maker, computer),
            Event::DiskReplaced => return replace_disk(maker, computer),
            Event::MemoryChanged => change_memory(maker, computer),
            Event::DisplayChanged => change_display(maker, computer),
            Event::ProcessorChanged => change_processor(maker, computer),
            Event::AdapterAdded => {
                computer.cards.push(maker.card(false));
                computer.story.note("network card added");
            }
            Event::AdapterReplaced => replace_adapter(maker, computer),
            Event::Refitted => {
                change_memory(maker, computer);
                if maker.fleet != Fleet::Laptops && maker.dice.chance(DISPLAYS_OF_REFITS) {
                    change_display(maker, computer);
                }
                return replace_disk(maker, computer);
            }
            Event::BoardReplaced => return repair::replace_board(maker, computer, month),
            Event::ChassisChanged => {
                computer.chassis = maker.unit();
                computer.origin = "known board in another chassis";
            }
            Event::GuestRebuilt => {
                computer.disk = maker.disk(&computer.board.model);
                computer.story.note("disk");
                return true;
            }
            Event::ComputerReplaced | Event::DisksSwapped => {}
        }
        false
    }

    /// A computer that comes new to the site.
    fn arrival(&mut self, origin: &'static str) -> Computer {
        if self.maker.fleet == Fleet::Guests && self.maker.so(Share::CloneKeepsIdentity) {
            let source = self.maker.dice.below(self.computers.len() as u64);
            let source = self.computers.get(usize::try_from(source).unwrap_or_default());
            if let Some(source) = source.cloned() {
                return self.maker.copy(&source);
            }
        }
        self.maker.computer(self.model, origin)
    }

    fn replace(&mut self, place: usize) -> bool {
        if self.maker.so(Share::NewModel) {
            self.model = self.maker.model();
        }
        let mut computer = self.arrival("new");
        let keeps_disk = self.maker.so(Share::DiskKept);
        let Some(old) = self.computers.get_mut(place) else { return false };
        if keeps_disk {
            computer.disk = old.disk.clone();
            computer.origin = "new with the old disk";
        }
        *old = computer;
        true
    }

    fn swap_disks(&mut self, place: usize) -> bool {
        let other = usize::try_from(self.maker.dice.below(self.computers.len() as u64));
        let other = other.unwrap_or_default();
        if let Ok([one, two]) = self.computers.get_disjoint_mut([place, other]) {
            std::mem::swap(&mut one.disk, &mut two.disk);
            one.story.note("disk of another computer");
            two.story.note("disk of another computer");
        }
        false
    }
}

fn update_firmware(maker: &mut Maker, computer: &mut Computer) {
    /// What updated firmware shows that lost its numbers.
    const BLANK: &str = "Default string";
    let firmware = &mut computer.board.firmware;
    firmware.version += 1;
    if maker.so(Share::UpdateBlanks) {
        for serial in [&mut firmware.board_serial, &mut firmware.chassis_serial] {
            *serial = Some(BLANK.to_owned());
        }
        computer.story.note("serials blanked by an update");
    }
    if maker.so(Share::UpdateChangesUuid) {
        computer.board.firmware.uuid = Some(hardware::uuid(maker.unit()));
        computer.story.note("UUID changed by an update");
    }
}

fn replace_disk(maker: &mut Maker, computer: &mut Computer) -> bool {
    let install_id = computer.disk.install_id;
    computer.disk = maker.disk(&computer.board.model);
    computer.story.note("disk");
    let fresh = maker.so(Share::FreshInstall);
    if !fresh {
        computer.disk.install_id = install_id;
    }
    fresh
}

fn change_memory(maker: &mut Maker, computer: &mut Computer) {
    let same = maker.so(Share::SamePart);
    let size = if same { computer.memory.model } else { another_memory(&mut maker.dice) };
    computer.memory = maker.part(size);
    computer.story.note("memory");
}

fn change_display(maker: &mut Maker, computer: &mut Computer) {
    let same = maker.so(Share::SamePart);
    let model = if same { computer.display.model } else { another_display(&mut maker.dice) };
    computer.display = maker.part(model);
    computer.story.note("display");
}

/// Another processor, with the TPM that is in it where there is one in the board's stead.
fn change_processor(maker: &mut Maker, computer: &mut Computer) {
    let same = maker.so(Share::SamePart);
    let model = if same { computer.processor.model } else { another_processor(&mut maker.dice) };
    computer.processor = maker.part(model);
    if computer.board.tpm.is_some() {
        computer.board.tpm = Some(maker.unit());
    }
    computer.story.note("processor");
}

/// A card in place of a card; without cards, one in place of an adapter on the board that broke.
/// What is soldered into a laptop stays, and the replacement hangs on USB.
fn replace_adapter(maker: &mut Maker, computer: &mut Computer) {
    let wireless = computer.cards.pop().map(|card| card.wireless);
    if wireless.is_none() {
        if maker.fleet == Fleet::Laptops {
            return;
        }
        computer.board.adapters.pop();
    }
    computer.cards.push(maker.card(wireless.unwrap_or_default()));
    computer.story.note("network adapter");
}
