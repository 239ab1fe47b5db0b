//! The collector that reads recorded CIM instances of Windows, as `Get-CimInstance … |
//! ConvertTo-Json` writes them.
//!
//! It is a parser of recorded output, tried on samples and not yet on real machines.

mod instances;
mod parts;

use hardware_evidence::{AbsentReason, ComponentKind, board_model, cpu};
use serde_json::Value;

use self::instances::{Class, Instances};
use super::{Collector, guest, transcript};
use crate::Profile;

/// What recorded CIM instances show of a computer.
#[derive(Debug, Clone)]
pub struct CimOutput {
    profile: Profile,
    instances: usize,
}

/// Why a file is no recorded output.
#[derive(Debug, thiserror::Error)]
pub enum CimError {
    /// It is not JSON.
    #[error("the output is no JSON, as `Get-CimInstance … | ConvertTo-Json` writes it: {0}")]
    Json(#[from] serde_json::Error),
}

impl CimOutput {
    /// Reads one JSON document or several after each other.
    ///
    /// # Errors
    ///
    /// Something else than JSON, or JSON that is nested too deeply.
    pub fn new(bytes: &[u8]) -> Result<Self, CimError> {
        let text = transcript::text(bytes);
        let documents = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
        let documents = documents.collect::<Result<Vec<_>, _>>()?;
        let instances = Instances::of(&documents);
        Ok(Self { profile: profile(&instances), instances: instances.len() })
    }

    /// Instances of known classes that were found; none means that this is other JSON.
    #[must_use]
    pub const fn instances(&self) -> usize {
        self.instances
    }
}

impl Collector for CimOutput {
    fn collect(&self) -> Profile {
        self.profile.clone()
    }
}

fn profile(instances: &Instances<'_>) -> Profile {
    let mut profile = Profile::new();
    let first =
        |class: Class, name: &str| instances.first(class, name).ok_or(AbsentReason::NotFound);
    let maker = first(Class::ComputerSystem, "Manufacturer").unwrap_or_default();
    let model = first(Class::ComputerSystem, "Model").unwrap_or_default();
    let hypervisor = guest::hypervisor(&maker, &model);
    if let Some(name) = hypervisor {
        profile.set_hypervisor(name);
    }
    profile.first_of(ComponentKind::BoardSerial, [first(Class::BaseBoard, "SerialNumber")]);
    let board = first(Class::BaseBoard, "Product").map(|product| {
        board_model(&first(Class::BaseBoard, "Manufacturer").unwrap_or_default(), &product)
    });
    profile.first_of(ComponentKind::BoardModel, [board]);
    profile.first_of(ComponentKind::SystemUuid, [first(Class::SystemProduct, "UUID")]);
    let serials = [
        first(Class::Enclosure, "SerialNumber"),
        first(Class::Bios, "SerialNumber"),
        first(Class::SystemProduct, "IdentifyingNumber"),
    ];
    profile.first_of(ComponentKind::ChassisSerial, serials);
    profile.first_of(ComponentKind::BiosVersion, [first(Class::Bios, "SMBIOSBIOSVersion")]);
    profile.first_of(ComponentKind::Cpu, [processor(instances)]);
    profile.first_of(ComponentKind::RamRange, [memory_bytes(instances)]);
    profile.first_of(ComponentKind::OsDisk, [parts::os_disk(instances)]);
    parts::adapters(instances, hypervisor.is_some(), &mut profile);
    parts::displays(instances, &mut profile);
    let install_id = instances.machine_guid().ok_or(AbsentReason::NotFound);
    profile.first_of(ComponentKind::OsInstallId, [install_id]);
    profile.absent(ComponentKind::OperatorHandle, AbsentReason::NotAssigned);
    profile
}

/// The first processor; family and model stand in its description, as in
/// `Intel64 Family 6 Model 142 Stepping 10`.
fn processor(instances: &Instances<'_>) -> Result<String, AbsentReason> {
    let field = |name: &str| instances.first(Class::Processor, name);
    let brand = field("Name").ok_or(AbsentReason::NotFound)?;
    let described = field("Description").or_else(|| field("Caption")).unwrap_or_default();
    let mut words = described.split_whitespace();
    let mut after = |word: &str| {
        words.find(|found| *found == word)?;
        words.next()
    };
    let family = after("Family").unwrap_or_default();
    let model = after("Model").unwrap_or_default();
    Ok(cpu(&field("Manufacturer").unwrap_or_default(), family, model, &brand))
}

fn memory_bytes(instances: &Instances<'_>) -> Result<String, AbsentReason> {
    let modules = instances.all(Class::PhysicalMemory).filter_map(|module| module.text("Capacity"));
    let sum: u64 = modules.filter_map(|bytes| bytes.parse().ok()).fold(0, u64::saturating_add);
    let total = instances.first(Class::ComputerSystem, "TotalPhysicalMemory");
    let built_in = (sum > 0).then(|| sum.to_string());
    total.or(built_in).ok_or(AbsentReason::NotFound)
}

#[cfg(test)]
mod tests;
