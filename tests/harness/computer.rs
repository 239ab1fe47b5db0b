//! Computers to activate: a recorded one, what becomes of it when parts are replaced, and others
//! like it.

use anyhow::Result;
use hardware_evidence::{ComponentKind, DeploymentSalt};
use installer_client::{Profile, RECORDED_DESKTOP, evidence_message};
use proto::activation::v1 as pb;

/// A computer with its raw values.
#[derive(Clone, Debug)]
pub struct Computer {
    profile: Profile,
}

impl Computer {
    /// The recorded desktop, which shows every kind.
    ///
    /// # Errors
    /// The recording cannot be read.
    pub fn recorded() -> Result<Self> {
        Ok(Self { profile: Profile::from_json(RECORDED_DESKTOP)? })
    }

    /// Another computer of the same model, one for each number.
    ///
    /// # Errors
    /// The recording cannot be read.
    pub fn numbered(number: u32) -> Result<Self> {
        let of = |kind: ComponentKind| scramble(u64::from(number) << 8 | u64::from(kind.number()));
        let uuid = of(ComponentKind::SystemUuid);
        let (high, low) = (uuid >> 32, uuid & 0xffff_ffff);
        let tail = scramble(uuid) >> 16;
        let nic = of(ComponentKind::Nic) & 0xff_ffff;
        let serial = |kind| format!("K{:015X}", of(kind) >> 4);
        let profile = Self::recorded()?
            .profile
            .with(ComponentKind::BoardSerial, [serial(ComponentKind::BoardSerial)])
            .with(
                ComponentKind::SystemUuid,
                [format!("{high:08x}-{:04x}-11ea-9d5b-{tail:012x}", low & 0xffff)],
            )
            .with(ComponentKind::OsDisk, [serial(ComponentKind::OsDisk)])
            .with(
                ComponentKind::Nic,
                [format!("04:d9:f5:{:02x}:{:02x}:{:02x}", nic >> 16, nic >> 8 & 255, nic & 255)],
            )
            .with(ComponentKind::TpmEk, [format!("{:016x}", of(ComponentKind::TpmEk)).repeat(4)])
            .with(ComponentKind::ChassisSerial, [serial(ComponentKind::ChassisSerial)])
            .with(
                ComponentKind::OsInstallId,
                [format!("{:016x}", of(ComponentKind::OsInstallId)).repeat(2)],
            );
        Ok(Self { profile })
    }

    /// A container: nothing but a handle that an operator assigned.
    #[must_use]
    pub fn container(handle: &str) -> Self {
        Self { profile: Profile::new().with_operator_handle(handle) }
    }

    /// After the disk with the operating system was replaced: 80 of 100.
    #[must_use]
    pub fn with_new_disk(self) -> Self {
        self.with(ComponentKind::OsDisk, "WDWX11A22B33445")
    }

    /// After the board was replaced by one of the same model: 41 of 100.
    #[must_use]
    pub fn with_new_board(self) -> Self {
        self.with(ComponentKind::BoardSerial, "210485993107714")
            .with(ComponentKind::SystemUuid, "1f9ce3b2-77a0-11ec-8c1e-04d9f5778812")
            .with(ComponentKind::Nic, "04:d9:f5:77:88:12")
            .with(ComponentKind::TpmEk, &"a97c41e05d2b8f63".repeat(4))
    }

    /// After the operating system was installed again.
    #[must_use]
    pub fn reinstalled(self) -> Self {
        self.with(ComponentKind::OsInstallId, "7d30b5c4f81e42a6b9d0c2e4f6a81357")
    }

    /// With another value of a kind.
    #[must_use]
    pub fn with(self, kind: ComponentKind, value: &str) -> Self {
        Self { profile: self.profile.with(kind, [value]) }
    }

    /// Of which a kind cannot be read.
    #[must_use]
    pub fn without(self, kind: ComponentKind) -> Self {
        Self { profile: self.profile.without(kind) }
    }

    /// The raw values that must not be seen outside of the computer.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let kinds = [
            ComponentKind::BoardSerial,
            ComponentKind::SystemUuid,
            ComponentKind::OsDisk,
            ComponentKind::Nic,
            ComponentKind::TpmEk,
            ComponentKind::ChassisSerial,
            ComponentKind::OsInstallId,
        ];
        kinds.iter().flat_map(|kind| self.profile.raw(*kind).to_vec()).collect()
    }

    /// Its values, for those who compare without a service.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// What leaves the computer.
    ///
    /// # Errors
    /// Several values of a kind that has one.
    pub fn evidence(&self, salt: &DeploymentSalt) -> Result<pb::Evidence> {
        Ok(evidence_message(&self.profile.evidence(salt)?))
    }
}

/// SplitMix64: near numbers give far ones, so that no two computers look alike.
pub(crate) fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
