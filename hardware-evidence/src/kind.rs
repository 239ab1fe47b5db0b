//! The kinds of hardware components, with the numbers that the wire and the digest recipe use.

use std::fmt;

/// A kind of hardware component in the evidence. The numbers are those of the API and are part of
/// the digest recipe, so they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ComponentKind {
    /// Serial number of the baseboard (SMBIOS type 2).
    BoardSerial = 1,
    /// Manufacturer and product of the baseboard.
    BoardModel = 2,
    /// UUID of the system (SMBIOS type 1).
    SystemUuid = 3,
    /// Hardware serial of the disk that holds the operating system.
    OsDisk = 4,
    /// Permanent addresses of built-in network interfaces.
    Nic = 5,
    /// Endorsement key of the TPM.
    TpmEk = 6,
    /// Vendor, family, model and brand of the processor.
    Cpu = 7,
    /// PCI ids of the display adapters.
    Gpu = 8,
    /// Range of the memory size.
    RamRange = 9,
    /// Serial number of the chassis.
    ChassisSerial = 10,
    /// Identity of the operating system installation.
    OsInstallId = 11,
    /// Version of the firmware.
    BiosVersion = 12,
    /// Handle that an operator assigned.
    OperatorHandle = 13,
}

impl ComponentKind {
    /// All kinds, by number.
    pub const ALL: [Self; 13] = [
        Self::BoardSerial,
        Self::BoardModel,
        Self::SystemUuid,
        Self::OsDisk,
        Self::Nic,
        Self::TpmEk,
        Self::Cpu,
        Self::Gpu,
        Self::RamRange,
        Self::ChassisSerial,
        Self::OsInstallId,
        Self::BiosVersion,
        Self::OperatorHandle,
    ];

    /// The number on the wire and in the recipe.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind of a number, if there is one.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| i32::from(kind.number()) == number)
    }

    /// The name as the API spells it, without the prefix of the enumeration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BoardSerial => "BOARD_SERIAL",
            Self::BoardModel => "BOARD_MODEL",
            Self::SystemUuid => "SYSTEM_UUID",
            Self::OsDisk => "OS_DISK",
            Self::Nic => "NIC",
            Self::TpmEk => "TPM_EK",
            Self::Cpu => "CPU",
            Self::Gpu => "GPU",
            Self::RamRange => "RAM_RANGE",
            Self::ChassisSerial => "CHASSIS_SERIAL",
            Self::OsInstallId => "OS_INSTALL_ID",
            Self::BiosVersion => "BIOS_VERSION",
            Self::OperatorHandle => "OPERATOR_HANDLE",
        }
    }

    /// The kind of a name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a computer may have several components of the kind, which are compared as sets.
    #[must_use]
    pub const fn is_set(self) -> bool {
        matches!(self, Self::Nic | Self::Gpu)
    }

    /// Whether a value of the kind can belong to one unit, so that a policy may make the kind an
    /// anchor. What all units of a model or all installations of a version have in common cannot.
    #[must_use]
    pub const fn is_of_unit(self) -> bool {
        matches!(
            self,
            Self::BoardSerial
                | Self::SystemUuid
                | Self::OsDisk
                | Self::Nic
                | Self::TpmEk
                | Self::ChassisSerial
                | Self::OperatorHandle
        )
    }
}

impl fmt::Display for ComponentKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_go_both_ways() {
        for (place, kind) in ComponentKind::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(kind.number()), place + 1);
            assert_eq!(ComponentKind::from_number(i32::from(kind.number())), Some(kind));
            assert_eq!(ComponentKind::from_name(kind.name()), Some(kind));
        }
        for number in [i32::MIN, -1, 0, 14, 257, i32::MAX] {
            assert_eq!(ComponentKind::from_number(number), None);
        }
        assert_eq!(ComponentKind::from_name("board_serial"), None);
    }
}
