//! Models of boards and what all units of one have in common, placeholders included.

use hardware_evidence::board_model;

use crate::dice::Dice;
use crate::fleet::Fleet;
use crate::hardware;
use crate::shares::{Share, Shares};
use crate::truth::Unit;

/// What firmware shows where a maker gave no number; all of them are on the list of junk.
const PLACEHOLDERS: [&str; 10] = [
    "Default string",
    "To be filled by O.E.M.",
    "To Be Filled By O.E.M.",
    "System Serial Number",
    "Not Applicable",
    "Not Specified",
    "None",
    "0123456789",
    "INVALID",
    "........",
];
/// UUIDs that whole series have; all of them are on the list of junk.
const SHARED_UUIDS: [&str; 4] = [
    "03000200-0400-0500-0006-000700080009",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "00020003-0004-0005-0006-000700080009",
    "00000000-0000-0000-0000-000000000000",
];
/// Of ten UUIDs that are no good, how many are not there at all.
const UUIDS_MISSING_OF_TEN: u64 = 2;

/// Kinds of processors, of display adapters, and usual sizes of memory in GiB.
const PROCESSORS: u64 = 400;
const DISPLAYS: u64 = 300;
const MEMORY_GIB: [u32; 4] = [8, 16, 32, 64];
const SERVER_PORTS: [u32; 2] = [2, 4];

/// How units of a model are told apart by a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Each has its own.
    Own,
    /// All have this placeholder.
    Placeholder(&'static str),
    /// All have a value that no list knows, made from this number.
    Unlisted(u32),
    /// There is none.
    Missing,
}

impl Naming {
    /// The value of a unit.
    #[must_use]
    pub fn value(self, unit: Unit, own: fn(Unit) -> String) -> Option<String> {
        match self {
            Self::Own => Some(own(unit)),
            Self::Placeholder(text) => Some(text.to_owned()),
            Self::Unlisted(number) => Some(own(Unit(u64::MAX - u64::from(number)))),
            Self::Missing => None,
        }
    }
}

/// How a model's adapters are addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// Each adapter by its maker.
    Own,
    /// All units with one address, made from this number.
    Shared(u32),
    /// By KVM, which has a range of its own for its guests.
    Kvm,
    /// By a cloud, as locally administered.
    Local,
}

impl Addressing {
    /// How a hypervisor addresses its guests' adapters, which the collector reads.
    #[must_use]
    pub const fn of_guest(hypervisor: Hypervisor) -> Self {
        match hypervisor {
            Hypervisor::VMware | Hypervisor::HyperV => Self::Own,
            Hypervisor::Kvm | Hypervisor::KvmWithoutBoard => Self::Kvm,
            Hypervisor::Cloud => Self::Local,
        }
    }

    /// The address of an adapter on the board.
    #[must_use]
    pub fn address(self, unit: Unit) -> Option<String> {
        match self {
            Self::Own => Some(hardware::address(unit)),
            Self::Shared(number) => Some(hardware::address(Unit(u64::MAX - u64::from(number)))),
            Self::Kvm => Some(hardware::kvm_address(unit)),
            Self::Local => Some(hardware::local_address(unit)),
        }
    }
}

/// Where the wireless adapter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wireless {
    /// There is none.
    None,
    /// Soldered to the board.
    OnBoard,
    /// A card that moves on to the next board.
    Card,
}

/// What all units of a model have in common.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// The number of the board model, none if firmware does not show the board.
    pub board: Option<u32>,
    /// Serial numbers of boards.
    pub serial: Naming,
    /// UUIDs.
    pub uuid: Naming,
    /// Serial numbers of chassis.
    pub chassis: Naming,
    /// Serial numbers of system disks.
    pub disk: Naming,
    /// Addresses of adapters on the board.
    pub addressing: Addressing,
    /// Wired adapters on the board.
    pub ports: u32,
    /// The wireless adapter.
    pub wireless: Wireless,
    /// Whether there is a TPM.
    pub tpm: bool,
    /// Whether processor and display adapter are on the board.
    pub processor_soldered: bool,
    /// Whether memory is on the board.
    pub memory_soldered: bool,
    /// What it is sold with.
    pub processor: u32,
    /// The display adapter; none if programs see none.
    pub display: Option<u32>,
    /// GiB of memory.
    pub memory_gib: u32,
}

/// What makes virtual hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hypervisor {
    /// Shows UUID, chassis serial and adapters of its own numbers.
    VMware,
    /// Shows serials, a UUID and adapters of its own numbers.
    HyperV,
    /// Shows a UUID, the model of a board and adapters of a range for guests.
    Kvm,
    /// Shows a UUID and such adapters, and no board at all.
    KvmWithoutBoard,
    /// A public cloud: UUID, a serial, network volumes with serials of their own, and adapters
    /// whose addresses are locally administered.
    Cloud,
}

/// Which hypervisors sites have; assumed.
pub const HYPERVISORS: [(u32, Hypervisor); 5] = [
    (35, Hypervisor::VMware),
    (25, Hypervisor::HyperV),
    (20, Hypervisor::Kvm),
    (10, Hypervisor::KvmWithoutBoard),
    (10, Hypervisor::Cloud),
];
/// Of ten guests' sites under VMware, how many show serial numbers of virtual disks.
const DISK_UUIDS_OF_TEN: u64 = 2;
/// The number of the board model of all guests of a hypervisor; physical models count from above.
const GUEST_BOARDS: [u32; 3] = [1, 2, 3];
/// First number of a physical model.
pub const FIRST_MODEL: u32 = 100;

impl Model {
    /// A model of a vendor of boards or computers.
    pub fn physical(fleet: Fleet, number: u32, shares: &Shares, dice: &mut Dice) -> Self {
        let mut so = |share| dice.chance(shares.of(share, fleet));
        let (serial_junk, uuid_junk) = (so(Share::SerialJunk), so(Share::UuidJunk));
        let (chassis_junk, unlisted) = (so(Share::ChassisJunk), so(Share::JunkUnlisted));
        let address_shared = so(Share::AddressShared);
        let (disk_shared, disk_hidden) = (so(Share::DiskSerialShared), so(Share::DiskHidden));
        let (tpm, card, ethernet) = (so(Share::Tpm), so(Share::WirelessCard), so(Share::Ethernet));
        let memory_soldered = so(Share::MemorySoldered);
        let portable = fleet == Fleet::Laptops;
        let server = fleet == Fleet::Servers;
        let text = |junk: bool, dice: &mut Dice| match (junk, unlisted) {
            (false, _) => Naming::Own,
            (true, true) => Naming::Unlisted(number),
            (true, false) => Naming::Placeholder(dice.pick(&PLACEHOLDERS, "None")),
        };
        let (serial, chassis) = (text(serial_junk, dice), text(chassis_junk, dice));
        let missing = dice.below(10) < UUIDS_MISSING_OF_TEN;
        let uuid = match (uuid_junk, unlisted, missing) {
            (false, _, _) => Naming::Own,
            (true, true, _) => Naming::Unlisted(number),
            (true, false, true) => Naming::Missing,
            (true, false, false) => Naming::Placeholder(dice.pick(&SHARED_UUIDS, "")),
        };
        let disk = match (disk_hidden, disk_shared) {
            (true, _) => Naming::Missing,
            (false, true) => Naming::Unlisted(number),
            (false, false) => Naming::Own,
        };
        let wireless = match (fleet, card) {
            (_, true) => Wireless::Card,
            (Fleet::Laptops | Fleet::Docked, false) => Wireless::OnBoard,
            (_, false) => Wireless::None,
        };
        let addressing = if address_shared { Addressing::Shared(number) } else { Addressing::Own };
        let ports = if server { dice.pick(&SERVER_PORTS, 2) } else { u32::from(ethernet) };
        Self {
            board: Some(number),
            serial,
            uuid,
            chassis,
            disk,
            addressing,
            ports,
            wireless,
            tpm,
            processor_soldered: portable,
            memory_soldered,
            processor: dice.below(PROCESSORS) as u32,
            display: Some(dice.below(DISPLAYS) as u32),
            memory_gib: dice.pick(&MEMORY_GIB, 16),
        }
    }

    /// What a hypervisor shows of its guests.
    pub fn guest(hypervisor: Hypervisor, dice: &mut Dice) -> Self {
        let none = Naming::Placeholder("None");
        let disk_shown = dice.below(10) < DISK_UUIDS_OF_TEN;
        let [vmware, hyper_v, kvm] = GUEST_BOARDS;
        let plain = Self {
            board: Some(kvm),
            serial: none,
            uuid: Naming::Own,
            chassis: none,
            disk: Naming::Missing,
            addressing: Addressing::of_guest(hypervisor),
            ports: 1,
            wireless: Wireless::None,
            tpm: false,
            processor_soldered: false,
            memory_soldered: false,
            processor: dice.below(PROCESSORS) as u32,
            display: Some(0),
            memory_gib: dice.pick(&MEMORY_GIB, 8),
        };
        let own = Naming::Own;
        match hypervisor {
            Hypervisor::VMware => {
                let disk = if disk_shown { own } else { Naming::Missing };
                Self { board: Some(vmware), chassis: own, disk, ..plain }
            }
            Hypervisor::HyperV => {
                let board = Some(hyper_v);
                Self { board, serial: own, chassis: own, display: None, ..plain }
            }
            Hypervisor::Kvm => plain,
            Hypervisor::KvmWithoutBoard => Self { board: None, serial: Naming::Missing, ..plain },
            Hypervisor::Cloud => {
                let serial = Naming::Missing;
                Self { board: None, serial, chassis: own, disk: own, ..plain }
            }
        }
    }

    /// Manufacturer and product of the board, as a raw value.
    #[must_use]
    pub fn board_text(&self) -> Option<String> {
        /// How many models the numbers of a maker stand apart.
        const MODELS_A_MAKER: u32 = 7;
        let number = self.board?;
        Some(board_model(&format!("Maker {}", number % MODELS_A_MAKER), &format!("Board {number}")))
    }
}

/// Another model of a processor or display adapter, or the same by chance.
pub fn another_processor(dice: &mut Dice) -> u32 {
    dice.below(PROCESSORS) as u32
}

/// Another model of a display adapter.
pub fn another_display(dice: &mut Dice) -> u32 {
    dice.below(DISPLAYS) as u32
}

/// Another size of memory.
pub fn another_memory(dice: &mut Dice) -> u32 {
    dice.pick(&MEMORY_GIB, 16)
}

#[cfg(test)]
mod tests {
    use hardware_evidence::{ComponentKind as K, is_junk};

    use super::*;

    #[test]
    fn placeholders_are_junk_and_unlisted_values_are_shared_and_are_none() {
        assert!(PLACEHOLDERS.iter().all(|text| is_junk(K::BoardSerial, text)));
        assert!(SHARED_UUIDS.iter().all(|text| is_junk(K::SystemUuid, text)));
        let unlisted = Naming::Unlisted(4).value(Unit(1), hardware::serial);
        assert_eq!(unlisted, Naming::Unlisted(4).value(Unit(2), hardware::serial));
        assert!(unlisted.is_some_and(|text| !is_junk(K::BoardSerial, &text)));
    }

    #[test]
    fn without_awkward_shares_every_value_is_its_own() {
        let awkward = [
            Share::SerialJunk,
            Share::UuidJunk,
            Share::ChassisJunk,
            Share::AddressShared,
            Share::DiskSerialShared,
            Share::DiskHidden,
        ];
        let (mut dice, shares) = (Dice::new(1, 1), Shares::table().with(&awkward, false));
        for number in FIRST_MODEL..FIRST_MODEL + 200 {
            let model = Model::physical(Fleet::WhiteBoxes, number, &shares, &mut dice);
            let namings = [model.serial, model.uuid, model.chassis, model.disk];
            assert_eq!(namings, [Naming::Own; 4]);
            assert_eq!(model.addressing, Addressing::Own);
        }
    }
}
