//! The collector that reads the text of `dmidecode`, of this computer or of another.

mod placeholders;
mod processor;
mod records;

use hardware_evidence::{AbsentReason, ComponentKind, board_model, is_junk};

use self::records::{
    BIOS, BOARD, CHASSIS, Field, MEMORY_DEVICE, MEMORY_MODULE, MEMORY_RANGE, PROCESSOR, Record,
    SYSTEM, records,
};
use super::{Collector, guest, transcript};
use crate::Profile;

pub use placeholders::Placeholder;

/// A blank in the firmware, which is a placeholder too.
const BLANK: &str = " ";

/// What dmidecode shows: board, system, chassis, processor, memory and firmware. Disks, network
/// adapters, displays, the TPM and the installation are not in it.
///
/// Any bytes at all can be read, in time that grows with their number: what is cut, garbled or in
/// another language is found less of.
///
/// Of several boards the first is the computer's, as Linux and Windows have it; of several
/// processors the first that is populated.
#[derive(Clone)]
pub struct DmidecodeOutput {
    profile: Profile,
    placeholders: Vec<Placeholder>,
    records: usize,
}

impl DmidecodeOutput {
    /// Reads the output of one run.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let text = transcript::text(bytes);
        let records = records(&text);
        Self {
            profile: profile(&records),
            placeholders: placeholders::all(&records),
            records: records.len(),
        }
    }

    /// Records that were found; none means that this is no output of dmidecode.
    #[must_use]
    pub const fn records(&self) -> usize {
        self.records
    }

    /// The fields that a maker left without a value of their own, scored or not.
    #[must_use]
    pub fn placeholders(&self) -> &[Placeholder] {
        &self.placeholders
    }
}

impl std::fmt::Debug for DmidecodeOutput {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "DmidecodeOutput({} records, {:?})", self.records, self.profile)
    }
}

impl Collector for DmidecodeOutput {
    fn collect(&self) -> Profile {
        self.profile.clone()
    }
}

/// A field of a record: its names in the versions of dmidecode, and its place where it has another
/// name.
struct Named {
    names: &'static [&'static str],
    place: usize,
}

const MANUFACTURER: Named = Named { names: &["Manufacturer", "Vendor"], place: 0 };
const PRODUCT: Named = Named { names: &["Product Name", "Product"], place: 1 };
const SERIAL: Named = Named { names: &["Serial Number", "Serial"], place: 3 };
const CHASSIS_SERIAL: Named = Named { names: SERIAL.names, place: 4 };
const UUID: Named = Named { names: &["UUID"], place: 4 };
const BIOS_VERSION: Named = Named { names: &["Version"], place: 1 };

/// Names by which a record is known to be in English, so that places do not matter.
const ENGLISH: [&str; 7] =
    ["Manufacturer", "Vendor", "Product Name", "Version", "Serial Number", "UUID", "Asset Tag"];

fn profile(records: &[Record<'_>]) -> Profile {
    let first = |kind: u8| records.iter().find(|record| record.is(kind));
    let (system, board) = (first(SYSTEM), first(BOARD));
    let mut profile = Profile::new();
    profile.first_of(ComponentKind::BoardSerial, [value(board, &SERIAL)]);
    profile.first_of(ComponentKind::BoardModel, [model(board)]);
    profile.first_of(ComponentKind::SystemUuid, [uuid(system)]);
    let serials = [value(first(CHASSIS), &CHASSIS_SERIAL), value(system, &SERIAL)];
    profile.first_of(ComponentKind::ChassisSerial, serials);
    profile.first_of(ComponentKind::BiosVersion, [value(first(BIOS), &BIOS_VERSION)]);
    let processors = || records.iter().filter(|record| record.is(PROCESSOR));
    profile.first_of(ComponentKind::Cpu, [processor::first(processors())]);
    profile.first_of(ComponentKind::RamRange, [memory_bytes(records)]);
    profile.absent(ComponentKind::OperatorHandle, AbsentReason::NotAssigned);
    let name = |named: &Named| field(system, named).map_or("", |field| field.value);
    if let Some(hypervisor) = guest::hypervisor(name(&MANUFACTURER), name(&PRODUCT)) {
        profile.set_hypervisor(hypervisor);
    }
    profile
}

fn field<'a>(record: Option<&Record<'a>>, named: &Named) -> Option<Field<'a>> {
    let record = record?;
    match record.field(&ENGLISH) {
        Some(_) => record.field(named.names),
        None => record.at(named.place),
    }
}

/// A value; of a cut line only what is known for a placeholder, for half a serial number would be
/// another serial number.
fn value(record: Option<&Record<'_>>, named: &Named) -> Result<String, AbsentReason> {
    let field = field(record, named).ok_or(AbsentReason::NotFound)?;
    match field.value {
        value if field.is_cut && !is_junk(ComponentKind::BoardSerial, value) => {
            Err(AbsentReason::Unreadable)
        }
        "" => Ok(BLANK.to_owned()),
        value => Ok(value.to_owned()),
    }
}

fn model(board: Option<&Record<'_>>) -> Result<String, AbsentReason> {
    let product = value(board, &PRODUCT)?;
    Ok(board_model(&value(board, &MANUFACTURER).unwrap_or_default(), &product))
}

/// The UUID, in the byte order that the firmware's version makes dmidecode print; the recipe takes
/// both for one. It has a length, so a cut one is no value, and needs no look at the line's end.
fn uuid(system: Option<&Record<'_>>) -> Result<String, AbsentReason> {
    let by_name = field(system, &UUID).map(|field| field.value);
    let by_form = || {
        let fields = system?.fields().iter().map(|field| field.value);
        fields.into_iter().find(|value| !is_junk(ComponentKind::SystemUuid, value))
    };
    let value = by_name.or_else(by_form).ok_or(AbsentReason::NotFound)?;
    Ok(if value.is_empty() { BLANK.to_owned() } else { value.to_owned() })
}

/// What the slots hold together; else what old firmware says of its modules; else the range of
/// addresses.
fn memory_bytes(records: &[Record<'_>]) -> Result<String, AbsentReason> {
    let sum = |kind: u8, names: &[&str]| {
        let of_kind = records.iter().filter(|record| record.is(kind) && is_main_memory(record));
        let sizes = of_kind.filter_map(|record| bytes(record.value(names)?));
        sizes.fold(0_u64, u64::saturating_add)
    };
    let sources = [
        sum(MEMORY_DEVICE, &["Size"]),
        sum(MEMORY_MODULE, &["Installed Size", "Enabled Size"]),
        sum(MEMORY_RANGE, &["Range Size"]),
    ];
    let known = sources.into_iter().find(|bytes| *bytes > 0);
    known.map(|bytes| bytes.to_string()).ok_or(AbsentReason::NotFound)
}

/// False for the chip of the firmware and for storage in the slots of memory.
fn is_main_memory(record: &Record<'_>) -> bool {
    let says = |name: &str, words: &[&str]| {
        let value = record.value(&[name]).unwrap_or_default().to_ascii_lowercase();
        words.iter().any(|word| value.contains(word))
    };
    !says("Type", &["flash", "rom", "non-volatile"])
        && !says("Memory Technology", &["persistent", "nvdimm", "optane"])
}

/// The bytes of a size such as `8192 MB` or `16 GB (Double-bank Connection)`.
fn bytes(size: &str) -> Option<u64> {
    let end = size.find(|c: char| !c.is_ascii_digit())?;
    let (number, rest) = size.split_at_checked(end)?;
    let unit: String = rest.trim_start().chars().take(2).collect();
    let shift = match unit.to_ascii_lowercase().as_str() {
        "kb" | "ki" => 10,
        "mb" | "mi" => 20,
        "gb" | "gi" => 30,
        "tb" | "ti" => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests;
