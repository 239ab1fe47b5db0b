//! Placeholder values that many computers share, and the reading of raw values past them.
//!
//! Makers leave such texts in the firmware of more than half of all computers. They abstain:
//! counted as equal they would make strangers one computer, counted as different they would punish
//! the owner of a cheap board.

use std::fmt;

use crate::{ComponentKind, canonical};

/// Most characters of a normalised text; longer ones are cut.
pub const VALUE_CHARS_MAX: usize = 256;

/// Most digits of a counting pattern that the server knows the digests of.
pub(crate) const COUNTING_CHARS_MAX: usize = 20;

/// Texts that stand for nothing, in normal form.
pub(crate) const TEXTS: &[&str] = &[
    "(null string)",
    "0123456789abcdef",
    "all series",
    "asus-notebooksku",
    "base board product name",
    "base board serial number",
    "board manufacturer",
    "board product name",
    "board vendor name",
    "chassis serial number",
    "default",
    "default string",
    "default_string",
    "empty",
    "eval",
    "iatpass",
    "invalid",
    "mb-1234567890",
    "n/a",
    "na",
    "none",
    "not",
    "not applicable",
    "not available",
    "not defined",
    "not present",
    "not settable",
    "not specified",
    "null",
    "o.e.m",
    "oem",
    "oem_serial",
    "product name",
    "rev x.0x",
    "serial number xxxxxx",
    "sku",
    "sku number",
    "sku#",
    "sn-123456fvgv3i0b8o5n6n7k",
    "standard",
    "system manufacturer",
    "system name",
    "system product name",
    "system serial number",
    "system sku number",
    "system sku#",
    "system version",
    "systemserialnumb",
    "tbd by oem",
    "to be filled by o.e.m",
    "to be filled by oem",
    "tulip computers",
    "type1family",
    "type1productconfigid",
    "uninitialized",
    "unknow",
    "unknown",
    "x.x",
];

/// Texts that are junk as serial numbers only: the name of a board, and what an emulator gives to
/// every disk.
pub(crate) const SERIAL_TEXTS: &[&str] = &[
    "drive-scsi0",
    "drive-virtio-disk0",
    "lnvnb161216",
    "qm00001",
    "qm00002",
    "qm00003",
    "qm00004",
    "qm00005",
    "qm00006",
    "qm00007",
    "qm00008",
];

/// UUIDs that boards are shipped with by the thousand; each stands for its byte-swapped twin as
/// well.
pub(crate) const UUIDS: &[&str] = &[
    "00010203-0405-0607-0809-0a0b0c0d0e0f",
    "03000200-0400-0500-0006-000700080009",
    "12345678-1234-5678-90ab-cddeefaabbcc",
    "4c4c4544-0000-2010-8020-80c04f202020",
    "6ab5b300-538d-1014-9fb5-b0684d007b53",
    "deadbeef-cafe-babe-dead-beefcafebabe",
    "deadbeef-dead-beef-dead-beefdeadbeef",
];

/// How UUIDs begin that someone made up.
pub(crate) const UUID_PREFIX: &str = "deadbeef-";

/// Network addresses that drivers and boards share. Those with the bit for multicast or local
/// administration are junk without being listed; the ones below that have it are what the server
/// knows the digests of.
pub(crate) const MACS: &[&str] = &[
    "00:00:00:00:00:00",
    "00:01:02:03:04:05",
    "00:0b:ca:fe:00:00",
    "00:11:22:33:44:55",
    "00:a0:c6:00:00:00",
    "02:00:4e:43:50:49",
    "02:80:37:ec:02:00",
    "0a:00:27:00:00:00",
    "12:34:56:78:9a:bc",
    "20:41:53:59:4e:ff",
    "24:b6:20:52:41:53",
    "33:50:6f:45:30:30",
    "50:50:54:50:30:30",
    "d2:0a:2d:a0:04:be",
    "d2:6b:25:2f:2c:e7",
    "e2:e6:16:20:0a:35",
    "fe:ff:ff:ff:ff:ff",
    "ff:ff:ff:ff:ff:ff",
];

/// How the addresses of a virtualisation host begin that every such host has.
pub(crate) const MAC_PREFIX: &str = "00:50:56:c0:00:0";

/// Vendor ids of PCI that nobody owns.
pub(crate) const PCI_VENDORS: &[&str] = &["0000", "ffff"];

/// The SHA-256 of nothing, which a program digests that found no endorsement key.
pub(crate) const EMPTY_SHA256: &str =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What a raw value turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Nothing but spaces and the like.
    Empty,
    /// A placeholder, or not of the form that the kind has.
    Junk,
    /// A value.
    Value(NormalValue),
}

/// A value in its one spelling; as secret as the raw one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NormalValue(String);

/// Normalises a raw value and sorts placeholders out.
#[must_use]
pub fn read(kind: ComponentKind, raw: &str) -> Reading {
    if canonical::text(raw, VALUE_CHARS_MAX).chars().all(|c| c == canonical::FIELD_SEPARATOR) {
        return Reading::Empty;
    }
    let value = match kind {
        ComponentKind::BoardSerial | ComponentKind::ChassisSerial | ComponentKind::OsDisk => {
            serial(raw)
        }
        ComponentKind::BoardModel => board_model(raw),
        ComponentKind::SystemUuid => canonical::system_uuid(raw).filter(|v| !is_junk_uuid(v)),
        ComponentKind::Nic => canonical::mac(raw).filter(|v| !is_junk_mac(v)),
        ComponentKind::TpmEk => canonical::sha256_hex(raw).filter(|v| !is_junk_sha256(v)),
        ComponentKind::Cpu => cpu(raw),
        ComponentKind::Gpu => canonical::pci_ids(raw)
            .filter(|v| !PCI_VENDORS.iter().any(|vendor| v.starts_with(vendor))),
        ComponentKind::RamRange => canonical::ram_range(raw),
        ComponentKind::OsInstallId => os_install_id(raw),
        ComponentKind::BiosVersion | ComponentKind::OperatorHandle => plain(raw),
    };
    value.map_or(Reading::Junk, |value| Reading::Value(NormalValue(value)))
}

/// Whether a raw value says nothing: a placeholder, malformed, or empty.
#[must_use]
pub fn is_junk(kind: ComponentKind, raw: &str) -> bool {
    !matches!(read(kind, raw), Reading::Value(_))
}

impl NormalValue {
    /// The value, to be digested and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A junk value in normal form, of which only the digest is wanted.
    pub(crate) const fn of_junk(value: String) -> Self {
        Self(value)
    }
}

impl fmt::Debug for NormalValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NormalValue(redacted)")
    }
}

fn plain(raw: &str) -> Option<String> {
    Some(canonical::text(raw, VALUE_CHARS_MAX)).filter(|value| !is_junk_text(value))
}

fn serial(raw: &str) -> Option<String> {
    plain(raw).filter(|value| !SERIAL_TEXTS.contains(&value.as_str()))
}

/// Manufacturer and product; a placeholder for the manufacturer leaves a value, one for the product
/// does not.
fn board_model(raw: &str) -> Option<String> {
    let fields = canonical::fields(raw, 2);
    let [manufacturer, product] = fields.as_slice() else { return None };
    let product = plain(product)?;
    Some(canonical::board_model(&plain(manufacturer).unwrap_or_default(), &product))
}

/// Vendor, family, model and brand; without a brand or vendor it says too little.
fn cpu(raw: &str) -> Option<String> {
    let fields = canonical::fields(raw, 4);
    let [vendor, family, model, brand] = fields.as_slice() else { return None };
    let (vendor, brand) = (plain(vendor), plain(brand));
    if vendor.is_none() && brand.is_none() {
        return None;
    }
    let number = |field: &str| canonical::text(field, VALUE_CHARS_MAX);
    Some(canonical::cpu(
        &vendor.unwrap_or_default(),
        &number(family),
        &number(model),
        &brand.unwrap_or_default(),
    ))
}

fn os_install_id(raw: &str) -> Option<String> {
    match canonical::uuid_as_written(raw) {
        Some(uuid) => Some(uuid).filter(|uuid| !is_junk_uuid(uuid)),
        None => plain(raw),
    }
}

/// Listed, without any letter or digit, of one letter or digit repeated, or counting up from 0 or
/// 1.
fn is_junk_text(value: &str) -> bool {
    let mut symbols = value.chars().filter(|c| c.is_ascii_alphanumeric() || !c.is_ascii());
    let Some(first) = symbols.next() else { return true };
    symbols.all(|symbol| symbol == first) || TEXTS.contains(&value) || is_counting(value)
}

/// Any prefix of 1234567890 repeated, or at least four digits of 0123456789 repeated.
fn is_counting(value: &str) -> bool {
    let counts_from = |start: u32| {
        (start..).zip(value.chars()).all(|(n, c)| Some(c) == char::from_digit(n % 10, 10))
    };
    counts_from(1) || (value.len() >= 4 && counts_from(0))
}

fn is_junk_uuid(canonical_uuid: &str) -> bool {
    let listed = UUIDS.iter().any(|uuid| {
        *uuid == canonical_uuid || canonical::system_uuid(uuid).as_deref() == Some(canonical_uuid)
    });
    listed || canonical_uuid.starts_with(UUID_PREFIX) || has_one_byte(canonical_uuid)
}

/// Whether all bytes of a hexadecimal value are the same, as in all zeros or 01 sixteen times.
fn has_one_byte(hex: &str) -> bool {
    let digits: Vec<char> = hex.chars().filter(char::is_ascii_hexdigit).collect();
    let mut bytes = digits.chunks(2);
    let first = bytes.next();
    bytes.all(|byte| Some(byte) == first)
}

fn is_junk_mac(canonical_mac: &str) -> bool {
    const MULTICAST_OR_LOCAL: u32 = 0b11;
    let low_digit = canonical_mac.chars().nth(1).and_then(|digit| digit.to_digit(16));
    low_digit.is_none_or(|digit| digit & MULTICAST_OR_LOCAL != 0)
        || MACS.contains(&canonical_mac)
        || canonical_mac.starts_with(MAC_PREFIX)
}

fn is_junk_sha256(hex: &str) -> bool {
    has_one_byte(hex) || hex == EMPTY_SHA256
}

#[cfg(test)]
mod tests;
