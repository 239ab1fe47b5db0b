//! Peers that know a computer by one value: a value that was not seen before is a new computer.
//!
//! They get the same reports. Where the value is absent they refuse, which no peer in the field
//! does: an empty value is a machine to them. Placeholders are values to them, as in the field.

use std::collections::BTreeSet;

use hardware_evidence::{ComponentKind as Kind, is_junk};

use super::{Answer, Fault, Report, Rule};

/// The value that is the computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    /// The board's serial number.
    BoardSerial,
    /// The address of the adapter that the network is reached through, as peers take it.
    Mac,
    /// The first address of a built-in adapter, told apart from docks by our collector.
    MacBuiltIn,
    /// The identity of the installation.
    MachineId,
    /// All hardware values together; firmware's version and the installation are left out.
    Everything,
}

impl Id {
    /// The baselines.
    pub const ALL: [(&'static str, Self); 4] = [
        ("board_serial", Self::BoardSerial),
        ("mac", Self::Mac),
        ("machine_id", Self::MachineId),
        ("hash_of_everything", Self::Everything),
    ];
    /// What the baselines would be with our list of junk and our choice of adapters.
    pub const CAREFUL: [(&'static str, Self); 3] = [
        ("board_serial_with_care", Self::BoardSerial),
        ("mac_with_care", Self::MacBuiltIn),
        ("hash_of_everything_with_care", Self::Everything),
    ];
}

/// A key that knows computers by one value.
pub struct OneId {
    id: Id,
    without_junk: bool,
    known: BTreeSet<String>,
}

impl OneId {
    /// A fresh key.
    #[must_use]
    pub const fn new(id: Id, without_junk: bool) -> Self {
        Self { id, without_junk, known: BTreeSet::new() }
    }

    fn value(&self, report: &Report) -> Option<String> {
        let telling = |kind, value: &str| !(self.without_junk && is_junk(kind, value));
        let values = || report.reading.values.iter().filter(|(kind, value)| telling(*kind, value));
        let first = |wanted| values().find(|(kind, _)| *kind == wanted).map(|(_, v)| v.clone());
        match self.id {
            Id::BoardSerial => first(Kind::BoardSerial),
            Id::Mac => report.reading.active_address.clone(),
            Id::MacBuiltIn => first(Kind::Nic),
            Id::MachineId => first(Kind::OsInstallId),
            Id::Everything => {
                let hardware =
                    values().filter(|(k, _)| !matches!(k, Kind::OsInstallId | Kind::BiosVersion));
                let lines = hardware.map(|(kind, value)| format!("{kind}={value}\n"));
                Some(lines.collect::<String>()).filter(|all| !all.is_empty())
            }
        }
    }
}

impl Rule for OneId {
    fn answer(&mut self, report: &Report) -> Result<Answer, Fault> {
        let Some(value) = self.value(report) else { return Ok(Answer::Refused) };
        Ok(if self.known.insert(value) { Answer::Counted } else { Answer::NotCounted })
    }
}
