//! The collector that reads recorded output of macOS: `system_profiler -json` and `ioreg -l`.
//!
//! It is a parser of recorded output, tried on samples and not yet on real machines.

mod ioreg;
mod profiler;

use hardware_evidence::{AbsentReason, ComponentKind, NormalValue, Reading, read};

use super::{Collector, guest, transcript};
use crate::Profile;

/// What recorded output of macOS shows of a Mac.
#[derive(Debug, Clone)]
pub struct AppleOutput {
    profile: Profile,
    is_empty: bool,
}

/// Why a file is no recorded output.
#[derive(Debug, thiserror::Error)]
pub enum AppleError {
    /// It is not JSON.
    #[error("the output is no JSON, as `system_profiler -json` writes it: {0}")]
    Json(#[from] serde_json::Error),
}

/// What one of the tools shows; of sets, everything.
#[derive(Debug, Default)]
struct Shown {
    board_serial: Option<String>,
    board_model: Option<String>,
    platform_uuid: Option<String>,
    serial: Option<String>,
    firmware: Option<String>,
    processor: Option<String>,
    memory_bytes: Option<String>,
    disks: Vec<String>,
    addresses: Vec<String>,
    displays: Vec<String>,
    maker: String,
    model: String,
}

impl AppleOutput {
    /// Reads the output of one tool or of both; where both show something, the registry is
    /// believed, for it says what is built in.
    ///
    /// # Errors
    ///
    /// Something else than JSON for the output of `system_profiler`.
    pub fn new(system_profiler: Option<&[u8]>, ioreg: Option<&[u8]>) -> Result<Self, AppleError> {
        let profiled = match system_profiler {
            Some(bytes) => profiler::shown(&serde_json::from_str(&transcript::text(bytes))?),
            None => Shown::default(),
        };
        let registry = ioreg.map(|bytes| ioreg::shown(&transcript::text(bytes)));
        let profile = profile(registry.unwrap_or_default(), profiled);
        let known = ComponentKind::ALL.into_iter().any(|kind| !profile.raw(kind).is_empty());
        Ok(Self { profile, is_empty: !known })
    }

    /// Whether nothing of a Mac was found, so that this is other output.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.is_empty
    }
}

impl Collector for AppleOutput {
    fn collect(&self) -> Profile {
        self.profile.clone()
    }
}

fn profile(registry: Shown, profiled: Shown) -> Profile {
    let mut profile = Profile::new();
    let mut one = |kind, registry: Option<String>, profiled: Option<String>| {
        let found = |value: Option<String>| value.ok_or(AbsentReason::NotFound);
        profile.first_of(kind, [found(registry), found(profiled)]);
    };
    one(ComponentKind::BoardSerial, registry.board_serial, profiled.board_serial);
    one(ComponentKind::BoardModel, registry.board_model, profiled.board_model);
    one(ComponentKind::SystemUuid, registry.platform_uuid, profiled.platform_uuid);
    one(ComponentKind::ChassisSerial, registry.serial, profiled.serial);
    one(ComponentKind::BiosVersion, registry.firmware, profiled.firmware);
    one(ComponentKind::Cpu, registry.processor, profiled.processor);
    one(ComponentKind::RamRange, registry.memory_bytes, profiled.memory_bytes);
    one(ComponentKind::OsDisk, smallest(registry.disks), smallest(profiled.disks));
    let sets = [
        (ComponentKind::Nic, registry.addresses, profiled.addresses),
        (ComponentKind::Gpu, registry.displays, profiled.displays),
    ];
    for (kind, registry, profiled) in sets {
        let values = if registry.is_empty() { profiled } else { registry };
        values.into_iter().for_each(|value| profile.add(kind, value));
        profile.absent(kind, AbsentReason::NotFound);
    }
    profile.absent(ComponentKind::OperatorHandle, AbsentReason::NotAssigned);
    for (maker, model) in [(registry.maker, registry.model), (profiled.maker, profiled.model)] {
        if let Some(name) = guest::hypervisor(&maker, &model) {
            profile.set_hypervisor(name);
        }
    }
    profile
}

/// Of several built-in disks the one whose normal value is smallest, else any.
fn smallest(disks: Vec<String>) -> Option<String> {
    let normal = |raw: &String| -> Option<NormalValue> {
        match read(ComponentKind::OsDisk, raw) {
            Reading::Value(value) => Some(value),
            Reading::Junk | Reading::Empty => None,
        }
    };
    let best = disks.iter().filter(|raw| normal(raw).is_some()).min_by_key(|raw| normal(raw));
    best.or(disks.first()).cloned()
}

#[cfg(test)]
mod tests;
