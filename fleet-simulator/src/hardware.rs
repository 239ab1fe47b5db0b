//! What a computer is made of, and the values that its parts carry.

use crate::dice::mix;
use crate::model::Model;
use crate::truth::{Build, Unit};

/// A network adapter that is built in or plugged into the board.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// The thing.
    pub unit: Unit,
    /// Its permanent address, if programs see one.
    pub address: Option<String>,
    /// Whether it can be off, and can hide its address.
    pub wireless: bool,
}

/// What the board's firmware says of the computer.
#[derive(Clone, Debug)]
pub struct Firmware {
    /// Serial number of the board.
    pub board_serial: Option<String>,
    /// UUID of the system.
    pub uuid: Option<String>,
    /// Serial number of the chassis.
    pub chassis_serial: Option<String>,
    /// Its version.
    pub version: u32,
}

/// A board with what is soldered to it.
#[derive(Clone, Debug)]
pub struct Board {
    /// The thing.
    pub unit: Unit,
    /// What it is.
    pub model: Model,
    /// What it says.
    pub firmware: Firmware,
    /// Adapters on it.
    pub adapters: Vec<Adapter>,
    /// The TPM, on it or in its processor.
    pub tpm: Option<Unit>,
}

/// The disk that holds the operating system.
#[derive(Clone, Debug)]
pub struct Disk {
    /// The thing.
    pub unit: Unit,
    /// Its serial number, if programs see one.
    pub serial: Option<String>,
    /// The identity of the installation on it.
    pub install_id: u64,
}

/// Parts of one class and what model they are.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The things, sorted.
    pub units: Vec<Unit>,
    /// What they are; of memory, how many GiB there are in all.
    pub model: u32,
}

/// A computer at one moment.
#[derive(Clone, Debug)]
pub struct Computer {
    /// The chassis.
    pub chassis: Unit,
    /// The board in it.
    pub board: Board,
    /// The system disk.
    pub disk: Disk,
    /// Processors.
    pub processor: Parts,
    /// Memory.
    pub memory: Parts,
    /// Display adapters; none on some guests.
    pub display: Parts,
    /// Adapters that are not on the board.
    pub cards: Vec<Adapter>,
    /// A repaired board that comes back, and the month in which it does.
    pub returning: Option<(Box<Board>, u32)>,
    /// How it came to the site.
    pub origin: &'static str,
    /// What happened to it, for the explanation of errors.
    pub story: Story,
}

/// How often each kind of change happened to a computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    changes: Vec<(&'static str, u32)>,
}

impl Story {
    /// Notes a change.
    pub fn note(&mut self, change: &'static str) {
        match self.changes.iter_mut().find(|(own, _)| *own == change) {
            Some((_, times)) => *times += 1,
            None => self.changes.push((change, 1)),
        }
    }

    /// What happened since an earlier moment, by name.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Vec<&'static str> {
        let times = |change| {
            earlier.changes.iter().find(|(own, _)| *own == change).map_or(0, |(_, times)| *times)
        };
        let newer = self.changes.iter().filter(|(change, now)| *now > times(*change));
        let mut names: Vec<_> = newer.map(|(change, _)| *change).collect();
        names.sort_unstable();
        names
    }
}

impl Computer {
    /// All network adapters, those on the board first.
    pub fn adapters(&self) -> impl Iterator<Item = &Adapter> {
        self.board.adapters.iter().chain(&self.cards)
    }

    /// What truth knows of it.
    #[must_use]
    pub fn build(&self) -> Build {
        let mut adapters: Vec<Unit> = self.adapters().map(|adapter| adapter.unit).collect();
        adapters.sort_unstable();
        let parts = [
            vec![self.disk.unit],
            self.processor.units.clone(),
            adapters,
            self.memory.units.clone(),
            self.display.units.clone(),
        ];
        Build { chassis: self.chassis, board: self.board.unit, parts }
    }
}

/// The serial number that a maker gives to a unit.
#[must_use]
pub fn serial(unit: Unit) -> String {
    format!("S{:015X}", mix(unit.0) >> 4)
}

/// The UUID that a maker gives to a unit.
#[must_use]
pub fn uuid(unit: Unit) -> String {
    let (high, low) = (mix(unit.0), mix(!unit.0));
    format!(
        "{:08X}-{:04X}-4{:03X}-8{:03X}-{:012X}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

/// The SHA-256 of the endorsement key of a unit, or what serves for it here.
#[must_use]
pub fn endorsement(unit: Unit) -> String {
    (0..4).map(|word| format!("{:016x}", mix(unit.0 ^ mix(word)))).collect()
}

/// The address that a maker gives to an adapter.
#[must_use]
pub fn address(unit: Unit) -> String {
    // The two lowest bits of the first byte mean multicast and local administration.
    with_first_byte(unit, |byte| byte & 0xfc)
}

/// The address that KVM gives to an adapter of a guest.
#[must_use]
pub fn kvm_address(unit: Unit) -> String {
    let [first, second, third, ..] = mix(unit.0).to_be_bytes();
    format!("52:54:00:{first:02x}:{second:02x}:{third:02x}")
}

/// The address that a cloud makes up for an adapter.
#[must_use]
pub fn local_address(unit: Unit) -> String {
    with_first_byte(unit, |_| 0x0a)
}

fn with_first_byte(unit: Unit, change: fn(u8) -> u8) -> String {
    let [first, second, third, fourth, fifth, sixth, ..] = mix(unit.0).to_be_bytes();
    let bytes = [change(first), second, third, fourth, fifth, sixth];
    bytes.map(|byte| format!("{byte:02x}")).join(":")
}

#[cfg(test)]
mod tests {
    use hardware_evidence::{ComponentKind as K, is_junk};

    use super::*;

    #[test]
    fn what_makers_give_is_no_junk_and_no_two_units_share_it() {
        let check = |kind, value: fn(Unit) -> String| {
            let mut all: Vec<String> = (1..=5_000).map(|n| value(Unit(n))).collect();
            assert!(all.iter().all(|value| !is_junk(kind, value)), "{kind}");
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), 5_000, "{kind}");
        };
        check(K::BoardSerial, serial);
        check(K::SystemUuid, uuid);
        check(K::Nic, address);
        check(K::TpmEk, endorsement);
        assert!((0..1_000).all(|n| is_junk(K::Nic, &local_address(Unit(n)))));
        let junk = (0..1_000).filter(|n| is_junk(K::Nic, &kvm_address(Unit(*n)))).count();
        assert!(junk < 5, "only the range of emulators' defaults is: {junk}");
    }

    #[test]
    fn a_story_tells_what_happened_since() {
        let mut story = Story::default();
        story.note("disk");
        let earlier = story.clone();
        story.note("memory");
        story.note("disk");
        assert_eq!(story.since(&earlier), ["disk", "memory"]);
        assert_eq!(story.since(&story), Vec::<&str>::new());
    }
}
