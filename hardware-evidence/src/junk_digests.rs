//! The digests of junk values under one salt, for a server that sees digests only.
//!
//! Clients sort junk out before they digest; this catches those that do not. It covers what can be
//! listed: patterns up to a length, and addresses with the local bit only as far as they are known.
//! Values that many computers share beyond that become junk through the versioned policy.

use crate::junk::lists::{
    COUNTING_CHARS_MAX, EMPTY_SHA256, MAC_PREFIXES, MACS, PCI_VENDORS, SEQUENCES, SERIAL_TEXTS,
    TEXTS, UUIDS,
};
use crate::{ComponentKind, DeploymentSalt, Digest, NormalValue, canonical, digest};

/// Longest run of one repeated symbol whose digest is known.
const REPEATED_CHARS_MAX: usize = 32;

/// Symbols of which runs occur in firmware.
const REPEATED_SYMBOLS: &str = "0123456789abcdefghijklmnopqrstuvwxyz.-_*?# ";

/// Characters of a network address.
const MAC_CHARS: usize = 17;

/// First addresses that a container engine gives out, whose last byte varies.
const CONTAINER_MAC_PREFIX: &str = "02:42:ac:11:00:";

/// Bits of the sieve, a power of two: of values that are no junk one in some twenty passes it.
const SIEVE_BITS: usize = 1 << 19;

/// All known junk digests of recipe version 1 under one salt.
#[derive(Clone)]
pub struct JunkDigests {
    sorted: Vec<(ComponentKind, Digest)>,
    /// A bit for the first bytes of each of them: a decision asks for some sixty values, of which
    /// hardly any is junk.
    sieve: Vec<u64>,
}

impl JunkDigests {
    /// Digests the junk lists of every kind; some ten thousand values.
    #[must_use]
    pub fn new(salt: &DeploymentSalt) -> Self {
        let mut sorted = Vec::new();
        for kind in ComponentKind::ALL {
            for value in junk_values(kind) {
                sorted.push((kind, digest(salt, kind, &NormalValue::of_junk(value))));
            }
        }
        sorted.sort_unstable();
        sorted.dedup();
        let mut sieve = vec![0; SIEVE_BITS / 64];
        for (_, digest) in &sorted {
            let (word, bit) = place(digest);
            sieve.get_mut(word).into_iter().for_each(|word: &mut u64| *word |= bit);
        }
        Self { sorted, sieve }
    }

    /// Whether a digest of the kind is that of a junk value.
    #[must_use]
    pub fn contains(&self, kind: ComponentKind, digest: &Digest) -> bool {
        let (word, bit) = place(digest);
        self.sieve.get(word).is_some_and(|word| word & bit != 0)
            && self.sorted.binary_search(&(kind, *digest)).is_ok()
    }

    /// Known digests of all kinds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Never true: every kind has junk.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }
}

impl std::fmt::Debug for JunkDigests {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "JunkDigests({} digests)", self.sorted.len())
    }
}

/// The word and the bit of the sieve for a digest, whose bytes are random.
fn place(digest: &Digest) -> (usize, u64) {
    let [a, b, c, ..] = digest.0;
    let number = u32::from_be_bytes([0, a, b, c]) as usize % SIEVE_BITS;
    (number / 64, 1 << (number % 64))
}

/// The listed junk of a kind in normal form, as a client would digest it that does not know it for
/// junk.
fn junk_values(kind: ComponentKind) -> Vec<String> {
    match kind {
        ComponentKind::BoardSerial | ComponentKind::ChassisSerial | ComponentKind::OsDisk => {
            let mut values = junk_texts();
            values.extend(SERIAL_TEXTS.iter().map(ToString::to_string));
            values
        }
        ComponentKind::BiosVersion | ComponentKind::OperatorHandle => junk_texts(),
        ComponentKind::OsInstallId => {
            let mut values = junk_texts();
            values.extend(junk_uuids().iter().filter_map(|uuid| canonical::uuid_as_written(uuid)));
            values
        }
        ComponentKind::SystemUuid => {
            let mut values = junk_texts();
            values.extend(junk_uuids().iter().filter_map(|uuid| canonical::system_uuid(uuid)));
            values
        }
        ComponentKind::BoardModel => junk_models(),
        ComponentKind::Nic => junk_macs(),
        ComponentKind::TpmEk => {
            let mut values: Vec<String> =
                (0..=u8::MAX).map(|byte| format!("{byte:02x}").repeat(32)).collect();
            values.push(EMPTY_SHA256.to_owned());
            values.push(String::new());
            values
        }
        ComponentKind::Cpu => {
            vec![String::new(), "|||".to_owned(), "unknown|||unknown".to_owned()]
        }
        ComponentKind::Gpu => {
            let mut values: Vec<String> =
                PCI_VENDORS.iter().map(|vendor| format!("{vendor}:{vendor}")).collect();
            values.push(String::new());
            values
        }
        ComponentKind::RamRange => vec![String::new(), "0".to_owned()],
    }
}

fn junk_texts() -> Vec<String> {
    let mut values: Vec<String> = TEXTS.iter().map(ToString::to_string).collect();
    values.push(String::new());
    for symbol in REPEATED_SYMBOLS.chars() {
        for length in 1..=REPEATED_CHARS_MAX {
            values.push(symbol.to_string().repeat(length));
        }
    }
    for (text, least) in SEQUENCES {
        values.extend((*least..=text.len()).filter_map(|end| text.get(..end)).map(str::to_owned));
    }
    for length in 1..=COUNTING_CHARS_MAX {
        values.push("1234567890".chars().cycle().take(length).collect());
        if length >= 4 {
            values.push("0123456789".chars().cycle().take(length).collect());
        }
    }
    values
}

/// Every listed placeholder as product, with no manufacturer or a listed one before it.
fn junk_models() -> Vec<String> {
    let manufacturers: Vec<&str> = TEXTS.iter().copied().chain([""]).collect();
    let mut values = vec![String::new()];
    for manufacturer in &manufacturers {
        for product in &manufacturers {
            values.push(canonical::board_model(manufacturer, product));
        }
    }
    values
}

fn junk_uuids() -> Vec<String> {
    let mut values: Vec<String> = UUIDS.iter().map(ToString::to_string).collect();
    values.extend((0..=u8::MAX).map(|byte| format!("{byte:02x}").repeat(16)));
    values
}

fn junk_macs() -> Vec<String> {
    let mut values: Vec<String> = MACS.iter().map(ToString::to_string).collect();
    values.push(String::new());
    for prefix in MAC_PREFIXES {
        // Prefixes end within a pair or behind one; longer ones cannot be listed.
        match MAC_CHARS - prefix.len() {
            1 => values.extend((0..16).map(|digit| format!("{prefix}{digit:x}"))),
            2 => values.extend((0..=u8::MAX).map(|byte| format!("{prefix}{byte:02x}"))),
            _ => {}
        }
    }
    values.extend((0..=u8::MAX).map(|byte| format!("{CONTAINER_MAC_PREFIX}{byte:02x}")));
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Reading, read};

    const SALT: DeploymentSalt = DeploymentSalt::new([9; 32]);

    fn junk_digest(kind: ComponentKind, normal: &str) -> Digest {
        digest(&SALT, kind, &NormalValue::of_junk(normal.to_owned()))
    }

    #[test]
    fn what_clients_drop_the_server_knows() {
        let known = JunkDigests::new(&SALT);
        for (kind, normal) in [
            (ComponentKind::BoardSerial, "to be filled by o.e.m"),
            (ComponentKind::BoardSerial, "00000000"),
            (ComponentKind::BoardSerial, "123456789"),
            (ComponentKind::BoardSerial, "0123456789"),
            (ComponentKind::OsDisk, "none"),
            (ComponentKind::SystemUuid, "00020003-0004-0005-0006-000700080009"),
            (ComponentKind::SystemUuid, "ffffffff-ffff-ffff-ffff-ffffffffffff"),
            (ComponentKind::Nic, "00:50:56:c0:00:08"),
            (ComponentKind::Nic, "02:42:ac:11:00:02"),
            (ComponentKind::BoardModel, "system manufacturer|system product name"),
            (ComponentKind::TpmEk, EMPTY_SHA256),
            (ComponentKind::OperatorHandle, "default"),
        ] {
            assert!(known.contains(kind, &junk_digest(kind, normal)), "{kind} {normal}");
        }
        assert!(known.len() < 30_000, "{} digests", known.len());
    }

    #[test]
    fn every_known_digest_passes_the_sieve_and_few_others_do() {
        let known = JunkDigests::new(&SALT);
        assert!(known.sorted.iter().all(|(kind, digest)| known.contains(*kind, digest)));
        let bits: u32 = known.sieve.iter().map(|word| word.count_ones()).sum();
        assert!((bits as usize) < SIEVE_BITS / 10, "{bits} of {SIEVE_BITS}");
    }

    #[test]
    fn digests_belong_to_their_kind_and_salt() {
        let known = JunkDigests::new(&SALT);
        let serial = junk_digest(ComponentKind::BoardSerial, "none");
        assert!(!known.contains(ComponentKind::ChassisSerial, &serial));
        let elsewhere = JunkDigests::new(&DeploymentSalt::new([8; 32]));
        assert!(!elsewhere.contains(ComponentKind::BoardSerial, &serial));
    }

    #[test]
    fn nothing_listed_as_junk_is_a_value_to_clients() {
        for kind in ComponentKind::ALL {
            for value in junk_values(kind) {
                let reading = read(kind, &value);
                assert!(!matches!(reading, Reading::Value(_)), "{kind} {value:?}");
            }
        }
    }
}
