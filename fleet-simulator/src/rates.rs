//! How often what happens to computers, with sources; fixed before any rule was measured.
//!
//! The same table is in `docs/fleet.md`, where the sources are written out; a test compares them.

use crate::fleet::Fleet;

/// Something that happens to a computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// The product is installed again, upgraded or repaired.
    ProductInstalled,
    /// The operating system is installed afresh.
    Reinstalled,
    /// The operating system is upgraded in place, and the product with it.
    Upgraded,
    /// New firmware; on a virtual machine, a new version of virtual hardware.
    FirmwareUpdated,
    /// Another disk holds the operating system.
    DiskReplaced,
    /// Memory is replaced, added or resized.
    MemoryChanged,
    /// Another display adapter.
    DisplayChanged,
    /// Another processor; on a virtual machine, a move to a host of another generation.
    ProcessorChanged,
    /// A network card more.
    AdapterAdded,
    /// One network adapter in another's place.
    AdapterReplaced,
    /// Several parts at once, as one job.
    Refitted,
    /// Another board in the same chassis.
    BoardReplaced,
    /// The same board in another chassis.
    ChassisChanged,
    /// A whole new computer, or guest, in place of the old one.
    ComputerReplaced,
    /// Two computers exchange their disks.
    DisksSwapped,
    /// A guest is made again from the same definition, with a new disk.
    GuestRebuilt,
}

impl Event {
    /// All events.
    pub const ALL: [Self; 16] = [
        Self::ProductInstalled,
        Self::Reinstalled,
        Self::Upgraded,
        Self::FirmwareUpdated,
        Self::DiskReplaced,
        Self::MemoryChanged,
        Self::DisplayChanged,
        Self::ProcessorChanged,
        Self::AdapterAdded,
        Self::AdapterReplaced,
        Self::Refitted,
        Self::BoardReplaced,
        Self::ChassisChanged,
        Self::ComputerReplaced,
        Self::DisksSwapped,
        Self::GuestRebuilt,
    ];
}

/// How often an event happens.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// What happens.
    pub event: Event,
    /// Its name in reports and papers.
    pub name: &'static str,
    /// Times a year to 10,000 computers, by fleet in the order of [`Fleet::ALL`].
    pub yearly: [u32; 6],
    /// Where the figures are from; bracketed names are explained in `docs/fleet.md`.
    pub source: &'static str,
}

/// Every event, in the order in which a month is played.
pub const RATES: [Rate; 16] = [
    Rate {
        event: Event::ProductInstalled,
        name: "product installed again",
        yearly: [10_000; 6],
        source: "assumed: once a year",
    },
    Rate {
        event: Event::Reinstalled,
        name: "system reinstalled",
        yearly: [2_000, 2_500, 2_000, 800, 500, 5_000],
        source: "assumed; imaged desktops are imaged again every second year",
    },
    Rate {
        event: Event::Upgraded,
        name: "system upgraded in place",
        yearly: [3_000, 2_000, 3_000, 1_000, 1_000, 1_500],
        source: "assumed: those upgrades that also install the product again",
    },
    Rate {
        event: Event::FirmwareUpdated,
        name: "firmware updated",
        yearly: [15_000, 3_000, 12_000, 10_000, 5_000, 12_000],
        source: "assumed; most computers are behind [NCSC17], so not every release is installed",
    },
    Rate {
        event: Event::DiskReplaced,
        name: "system disk replaced",
        yearly: [250, 500, 300, 150, 200, 250],
        source: "failures 1.6 % a year [BB24], replacements 2 to 4 % [SG07]; upgrades assumed",
    },
    Rate {
        event: Event::MemoryChanged,
        name: "memory changed",
        yearly: [200, 400, 400, 300, 2_000, 200],
        source: "failures below 1 % [NDO11], 3 to 28 % of server replacements [SG07]; rest assumed",
    },
    Rate {
        event: Event::DisplayChanged,
        name: "display adapter changed",
        yearly: [0, 400, 400, 30, 0, 100],
        source: "failures below 1 % a year [PS25]; upgrades assumed",
    },
    Rate {
        event: Event::ProcessorChanged,
        name: "processor changed",
        yearly: [0, 150, 80, 100, 1_500, 30],
        source: "failures 0.5 to 1.3 % [NDO11] [PS25]; upgrades and moves of guests assumed",
    },
    Rate {
        event: Event::AdapterAdded,
        name: "network card added",
        yearly: [0, 150, 100, 200, 100, 50],
        source: "assumed",
    },
    Rate {
        event: Event::AdapterReplaced,
        name: "network adapter replaced",
        yearly: [60, 60, 60, 150, 100, 50],
        source: "1 % of server replacements [SG07], not apart from boards in PCs [G06]; assumed",
    },
    Rate {
        event: Event::Refitted,
        name: "several parts at once",
        yearly: [100, 150, 200, 100, 0, 100],
        source: "assumed",
    },
    Rate {
        event: Event::BoardReplaced,
        name: "board replaced",
        yearly: [350, 180, 200, 60, 0, 200],
        source: "hardware failures a year: laptops 15 to 22 %, desktops 5 to 12 %, of which boards \
                 and disks 25 to 45 % [G06]; servers 8 % [VN10]",
    },
    Rate {
        event: Event::ChassisChanged,
        name: "board moved to another chassis",
        yearly: [10, 30, 5, 10, 0, 5],
        source: "assumed; cases are 11 % of one operator's server replacements [SG07]",
    },
    Rate {
        event: Event::ComputerReplaced,
        name: "computer replaced",
        yearly: [2_500, 2_000, 2_000, 1_600, 4_000, 2_500],
        source: "laptops in 3 to 4 years, desktops 4 to 5, servers over 5 [RT10]; guests assumed",
    },
    Rate {
        event: Event::DisksSwapped,
        name: "disks of two computers exchanged",
        yearly: [20, 50, 20, 30, 0, 20],
        source: "assumed",
    },
    Rate {
        event: Event::GuestRebuilt,
        name: "guest rebuilt from its definition",
        yearly: [0, 0, 0, 0, 3_000, 0],
        source: "assumed",
    },
];

/// The rates that a run is played with.
#[derive(Clone, Debug)]
pub struct Rates {
    yearly: Vec<(Event, [u32; 6])>,
    /// Thousandths that every rate is multiplied with.
    pub scale: u32,
}

impl Rates {
    /// Those of the table.
    #[must_use]
    pub fn table(scale: u32) -> Self {
        Self { yearly: RATES.iter().map(|rate| (rate.event, rate.yearly)).collect(), scale }
    }

    /// Nothing but these events happens.
    #[must_use]
    pub fn only(mut self, events: &[Event]) -> Self {
        for (event, yearly) in &mut self.yearly {
            if !events.contains(event) {
                *yearly = [0; 6];
            }
        }
        self
    }

    /// Every event with its yearly rate for a fleet, in the order in which a month is played.
    pub fn of(&self, fleet: Fleet) -> impl Iterator<Item = (Event, u32)> {
        self.yearly.iter().map(move |(event, yearly)| (*event, fleet.of(yearly)))
    }
}
