//! What part of computers, models and occasions is awkward, and how; fixed before any rule was
//! measured.
//!
//! The same table is in `docs/fleet.md`; a test compares them. Shares are not scaled with rates.

use crate::fleet::Fleet;

/// Something that is so in a part of all cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Share {
    /// Sites: run Linux; the rest runs Windows.
    Linux,
    /// Sites: images keep the identity of their installation.
    ImageUnprepared,
    /// Models: the board's serial number is a placeholder.
    SerialJunk,
    /// Models: the UUID is a placeholder or shared by all units.
    UuidJunk,
    /// Models: the chassis' serial number is a placeholder.
    ChassisJunk,
    /// Placeholders: not on any list of junk.
    JunkUnlisted,
    /// Models: all units have the same network address.
    AddressShared,
    /// Models: all system disks have the same serial number.
    DiskSerialShared,
    /// Models: the serial number of the system disk is not shown.
    DiskHidden,
    /// Models: have a TPM.
    Tpm,
    /// Models: the wireless adapter is a card and not on the board.
    WirelessCard,
    /// Models: have Ethernet on board.
    Ethernet,
    /// Models: memory is on the board.
    MemorySoldered,
    /// Replacements: of another model than the site had.
    NewModel,
    /// Replacements: the old system disk comes along.
    DiskKept,
    /// New guests: a copy of a running one with its identity.
    CloneKeepsIdentity,
    /// Replaced disks: the system is installed afresh; else it is copied over.
    FreshInstall,
    /// Replaced parts: by the same model.
    SamePart,
    /// Replaced boards: by the same model.
    SameBoard,
    /// Boards of another model: with another processor and memory.
    KitWithBoard,
    /// Replaced boards: the system is installed afresh.
    ReinstallWithBoard,
    /// Replaced boards: the repaired old one comes back within half a year.
    BoardReturns,
    /// Replaced boards of vendors: all old identity written to the new one.
    RestoredAll,
    /// Replaced boards of vendors: UUID and chassis serial written, the board's serial is its own.
    RestoredUuid,
    /// Replaced boards of vendors: the chassis serial alone is written.
    RestoredChassis,
    /// Firmware updates: serial numbers become placeholders.
    UpdateBlanks,
    /// Firmware updates: the UUID becomes another one.
    UpdateChangesUuid,
    /// Activations: without the rights of an administrator.
    Unprivileged,
    /// Activations: nothing of the firmware and no disk can be read.
    PoorReading,
    /// Activations: the firmware shows placeholders until the next start.
    Glitch,
    /// Activations: the wireless adapter is off or hides its address.
    WirelessHidden,
    /// Activations: on a dock with a network adapter.
    OnDock,
    /// Docks: the adapter looks like one that is built in.
    DockLooksBuiltIn,
}

/// How large a part it is.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// What is so.
    pub share: Share,
    /// Its name in papers.
    pub name: &'static str,
    /// Of 10,000 cases, by fleet in the order of [`Fleet::ALL`].
    pub of_10_000: [u32; 6],
    /// Where the figures are from.
    pub source: &'static str,
}

const fn part(share: Share, name: &'static str, of_10_000: [u32; 6], source: &'static str) -> Part {
    Part { share, name, of_10_000, source }
}

const ASSUMED: &str = "assumed";

/// Every share.
pub const SHARES: [Part; 33] = [
    part(Share::Linux, "sites with Linux", [1_500, 2_000, 1_500, 6_000, 6_000, 1_000], ASSUMED),
    part(
        Share::ImageUnprepared,
        "sites whose image keeps its install id",
        [300, 300, 300, 300, 3_000, 7_000],
        ASSUMED,
    ),
    part(
        Share::SerialJunk,
        "models: board serial a placeholder",
        [1_000, 7_500, 800, 1_000, 0, 1_000],
        "any of six texts a placeholder: desktops 88 %, laptops 41 %, servers 73 % [DMI]",
    ),
    part(
        Share::UuidJunk,
        "models: UUID a placeholder or shared",
        [100, 5_000, 100, 200, 0, 200],
        "no UUID at all: desktops 4.6 %, laptops 0.3 % [DMI]; rest assumed",
    ),
    part(
        Share::ChassisJunk,
        "models: chassis serial a placeholder",
        [1_000, 9_500, 1_000, 2_000, 0, 1_500],
        "as for the board [DMI]",
    ),
    part(Share::JunkUnlisted, "placeholders on no junk list", [200; 6], ASSUMED),
    part(
        Share::AddressShared,
        "models: one MAC address for all units",
        [0, 50, 0, 0, 0, 0],
        "known addresses of this sort [DMI]; assumed",
    ),
    part(
        Share::DiskSerialShared,
        "models: one disk serial for all",
        [20, 100, 0, 0, 0, 20],
        ASSUMED,
    ),
    part(Share::DiskHidden, "models: disk serial not shown", [300, 100, 300, 500, 0, 200], ASSUMED),
    part(Share::Tpm, "models with TPM", [9_000, 5_000, 9_000, 3_000, 0, 8_000], ASSUMED),
    part(Share::WirelessCard, "models: wireless on a card", [6_000, 0, 5_000, 0, 0, 0], ASSUMED),
    part(
        Share::Ethernet,
        "models: Ethernet on board",
        [5_000, 10_000, 8_000, 10_000, 0, 10_000],
        ASSUMED,
    ),
    part(Share::MemorySoldered, "models: memory on board", [5_000, 0, 2_000, 0, 0, 0], ASSUMED),
    part(
        Share::NewModel,
        "replacements by another model",
        [4_000, 6_000, 5_000, 5_000, 0, 4_000],
        ASSUMED,
    ),
    part(
        Share::DiskKept,
        "replacements that keep the old disk",
        [200, 1_000, 300, 300, 0, 300],
        ASSUMED,
    ),
    part(
        Share::CloneKeepsIdentity,
        "new guests: copies with all identity",
        [0, 0, 0, 0, 100, 0],
        "all tools give copies a new identity unless told otherwise [VMW]; assumed",
    ),
    part(
        Share::FreshInstall,
        "replaced disks: fresh system",
        [7_000, 7_000, 7_000, 7_000, 7_000, 9_500],
        ASSUMED,
    ),
    part(
        Share::SamePart,
        "replaced parts of the same model",
        [4_000, 3_000, 3_000, 6_000, 0, 4_000],
        ASSUMED,
    ),
    part(
        Share::SameBoard,
        "replaced boards of the same model",
        [10_000, 3_500, 10_000, 9_500, 0, 10_000],
        ASSUMED,
    ),
    part(
        Share::KitWithBoard,
        "another board: processor and memory too",
        [0, 6_000, 0, 5_000, 0, 0],
        ASSUMED,
    ),
    part(
        Share::ReinstallWithBoard,
        "replaced boards: fresh system",
        [3_000, 5_000, 3_000, 3_000, 0, 7_000],
        ASSUMED,
    ),
    part(Share::BoardReturns, "replaced boards that come back", [200; 6], ASSUMED),
    part(
        Share::RestoredAll,
        "new boards with all old identity",
        [500, 0, 500, 500, 0, 500],
        "vendors' tools write it, technicians forget it [HP]; assumed",
    ),
    part(
        Share::RestoredUuid,
        "new boards with old UUID and chassis serial",
        [5_000, 0, 5_000, 5_000, 0, 5_000],
        "as above; assumed",
    ),
    part(
        Share::RestoredChassis,
        "new boards with old chassis serial",
        [2_500, 0, 2_500, 2_500, 0, 2_500],
        "as above; the rest are left as placeholders",
    ),
    part(
        Share::UpdateBlanks,
        "firmware updates that blank serials",
        [50, 200, 50, 20, 0, 50],
        ASSUMED,
    ),
    part(
        Share::UpdateChangesUuid,
        "firmware updates that change the UUID",
        [20, 200, 20, 20, 0, 20],
        ASSUMED,
    ),
    part(
        Share::Unprivileged,
        "activations without administrator rights",
        [1_500, 1_500, 1_500, 500, 1_000, 500],
        ASSUMED,
    ),
    part(Share::PoorReading, "activations that read next to nothing", [30; 6], ASSUMED),
    part(Share::Glitch, "activations amid firmware faults", [20; 6], "seen in the field; assumed"),
    part(
        Share::WirelessHidden,
        "activations with wireless hidden",
        [300, 0, 300, 0, 0, 0],
        ASSUMED,
    ),
    part(Share::OnDock, "activations on a dock", [3_000, 0, 7_000, 0, 0, 500], ASSUMED),
    part(Share::DockLooksBuiltIn, "docks that look built in", [1_500; 6], ASSUMED),
];

/// The shares that a run is played with.
#[derive(Clone, Debug)]
pub struct Shares {
    of_10_000: Vec<(Share, [u32; 6])>,
}

impl Shares {
    /// Those of the table.
    #[must_use]
    pub fn table() -> Self {
        Self { of_10_000: SHARES.iter().map(|part| (part.share, part.of_10_000)).collect() }
    }

    /// These shares are so in no case, or in every case.
    #[must_use]
    pub fn with(mut self, shares: &[Share], always: bool) -> Self {
        for (share, of_10_000) in &mut self.of_10_000 {
            if shares.contains(share) {
                *of_10_000 = if always { [10_000; 6] } else { [0; 6] };
            }
        }
        self
    }

    /// One share for a fleet, of 10,000.
    #[must_use]
    pub fn of(&self, share: Share, fleet: Fleet) -> u32 {
        self.of_10_000.iter().find(|(own, _)| *own == share).map_or(0, |(_, row)| fleet.of(row))
    }
}
