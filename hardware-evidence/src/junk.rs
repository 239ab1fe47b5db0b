//! Placeholder values that many computers share, and the reading of raw values past them.
//!
//! Makers leave such texts in the firmware of more than half of all computers. They abstain:
//! counted as equal they would make strangers one computer, counted as different they would punish
//! the owner of a cheap board.

pub(crate) mod lists;

use std::fmt;

use crate::{ComponentKind, canonical};
use lists::{
    COUNTING_TAIL_DIGITS_MIN, EMPTY_SHA256, GUEST_MAC_PREFIX, MAC_PREFIXES, MAC_SUFFIX, MACS,
    PCI_VENDORS, SEQUENCES, SERIAL_PREFIXES, SERIAL_TEXTS, TEXT_PARTS, TEXT_PREFIXES, TEXTS,
    UUID_PREFIX, UUIDS,
};

/// Most characters of a normalised text; longer ones are cut.
pub const VALUE_CHARS_MAX: usize = 256;

/// What a raw value turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Nothing at all.
    Empty,
    /// A placeholder, spaces or dots included, or not of the form that the kind has.
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
    if raw.chars().all(|c| c.is_ascii_control() || c == canonical::FIELD_SEPARATOR) {
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

/// Whether a text is a placeholder as it stands, which tells nothing of the computer it is in. Of
/// one that is junk for a word in it, the rest might.
#[must_use]
pub fn is_placeholder(raw: &str) -> bool {
    let value = canonical::text(raw, VALUE_CHARS_MAX);
    let listed = |list: &[&str]| list.contains(&value.as_str());
    let is_sequence =
        SEQUENCES.iter().any(|(text, least)| value.len() >= *least && text.starts_with(&value));
    listed(TEXTS)
        || listed(SERIAL_TEXTS)
        || is_sequence
        || has_one_symbol(&value)
        || counts_up(&value)
        || canonical::system_uuid(raw).is_some_and(|uuid| is_junk_uuid(&uuid))
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
    let placeholder = |value: &str| {
        SERIAL_TEXTS.contains(&value)
            || SERIAL_PREFIXES.iter().any(|prefix| value.starts_with(prefix))
    };
    plain(raw).filter(|value| !placeholder(value))
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
/// 1, alone or behind letters.
fn is_junk_text(value: &str) -> bool {
    has_one_symbol(value) || is_listed(value) || is_counting(value)
}

/// At most one letter or digit, however often.
fn has_one_symbol(value: &str) -> bool {
    let mut symbols = value.chars().filter(|c| c.is_ascii_alphanumeric() || !c.is_ascii());
    let first = symbols.next();
    symbols.all(|symbol| Some(symbol) == first)
}

fn is_listed(value: &str) -> bool {
    TEXTS.contains(&value)
        || TEXT_PREFIXES.iter().any(|prefix| value.starts_with(prefix))
        || TEXT_PARTS.iter().any(|part| value.contains(part))
        || SEQUENCES.iter().any(|(text, least)| value.len() >= *least && text.starts_with(value))
}

/// Counting, alone or behind letters and signs from [`COUNTING_TAIL_DIGITS_MIN`] digits on.
fn is_counting(value: &str) -> bool {
    let tail = value.trim_start_matches(|c: char| !c.is_ascii_digit());
    counts_up(value) || (tail.len() >= COUNTING_TAIL_DIGITS_MIN && counts_up(tail))
}

/// Any prefix of 1234567890 repeated, or at least four digits of 0123456789 repeated.
fn counts_up(value: &str) -> bool {
    let from = |start: u32| {
        (start..).zip(value.chars()).all(|(n, c)| Some(c) == char::from_digit(n % 10, 10))
    };
    from(1) || (value.len() >= 4 && from(0))
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
    const MULTICAST: u32 = 0b01;
    const LOCAL: u32 = 0b10;
    let low_digit = canonical_mac.chars().nth(1).and_then(|digit| digit.to_digit(16));
    let Some(low_digit) = low_digit else { return true };
    let is_local = low_digit & LOCAL != 0 && !canonical_mac.starts_with(GUEST_MAC_PREFIX);
    low_digit & MULTICAST != 0
        || is_local
        || MACS.contains(&canonical_mac)
        || MAC_PREFIXES.iter().any(|prefix| canonical_mac.starts_with(prefix))
        || canonical_mac.ends_with(MAC_SUFFIX)
}

fn is_junk_sha256(hex: &str) -> bool {
    has_one_byte(hex) || hex == EMPTY_SHA256
}

#[cfg(test)]
mod tests;
