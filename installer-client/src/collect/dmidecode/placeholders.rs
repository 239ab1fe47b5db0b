//! The fields in which a maker left a placeholder, for people who wonder why a kind abstains.

use hardware_evidence::{ComponentKind, is_junk, is_placeholder};

use super::records::{BIOS, BOARD, CHASSIS, PROCESSOR, Record, SYSTEM};

/// Most placeholders named.
const PLACEHOLDERS_MAX: usize = 256;

/// The records looked at, as people call them.
const RECORDS: [(u8, &str); 5] = [
    (BIOS, "firmware"),
    (SYSTEM, "system"),
    (BOARD, "board"),
    (CHASSIS, "chassis"),
    (PROCESSOR, "processor"),
];

/// The fields that hold a text of the maker's, and the kind whose placeholders they have.
const FIELDS: [(&str, ComponentKind); 12] = [
    ("Vendor", ComponentKind::BiosVersion),
    ("Manufacturer", ComponentKind::BiosVersion),
    ("Product Name", ComponentKind::BiosVersion),
    ("Product", ComponentKind::BiosVersion),
    ("Version", ComponentKind::BiosVersion),
    ("Serial Number", ComponentKind::BoardSerial),
    ("UUID", ComponentKind::SystemUuid),
    ("SKU Number", ComponentKind::BiosVersion),
    ("Family", ComponentKind::BiosVersion),
    ("Asset Tag", ComponentKind::BoardSerial),
    ("Location In Chassis", ComponentKind::BiosVersion),
    ("Part Number", ComponentKind::BiosVersion),
];

/// A field that says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// Which record: firmware, system, board, chassis or processor.
    pub record: &'static str,
    /// The field, as dmidecode calls it.
    pub field: &'static str,
    /// What stands there. Many computers share it, so it tells nothing of this one; what is
    /// malformed, or a placeholder with something beside it, is not shown.
    pub text: Option<String>,
}

/// The placeholders of all records of interest.
pub(super) fn all(records: &[Record<'_>]) -> Vec<Placeholder> {
    let of_interest = records.iter().filter_map(|record| {
        let (_, name) = RECORDS.iter().find(|(kind, _)| record.is(*kind))?;
        Some((record, *name))
    });
    let found = of_interest.flat_map(|(record, name)| {
        FIELDS.iter().filter_map(move |(field, kind)| {
            let value = record.value(&[field])?;
            // A value such as `Xeon` in the field of processors that is called Family is no text
            // of the maker's.
            let is_text = !(*field == "Family" && record.is(PROCESSOR));
            (is_text && is_junk(*kind, value)).then(|| Placeholder {
                record: name,
                field,
                text: is_placeholder(value).then(|| value.to_owned()),
            })
        })
    });
    found.take(PLACEHOLDERS_MAX).collect()
}
