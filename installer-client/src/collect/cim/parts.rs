//! The disk of the operating system, network adapters and displays of a Windows computer.

use hardware_evidence::{AbsentReason, ComponentKind, gpu, is_junk};

use super::instances::{Class, Instance, Instances};
use crate::Profile;

/// How the ids of devices begin that are built in or plugged into PCI.
const PCI: &str = "PCI\\";

/// How those begin that a hypervisor gives to its guest, on buses of its own.
const GUEST_BUSES: [&str; 4] = ["VMBUS\\", "XENVIF\\", "XENBUS\\", "VETHERNET\\"];

/// Buses of disks that are none: iSCSI, virtual, a file, storage spaces; as numbers and as the
/// module for storage writes them.
const NO_DISK_BUSES: [&str; 8] =
    ["9", "iSCSI", "14", "Virtual", "15", "File Backed Virtual", "16", "Spaces"];

/// What models of disks say that a hypervisor makes up.
const NO_DISK_MODELS: [&str; 3] = ["virtio", "msft virtual", "microsoft virtual"];

/// The serial of the disk that Windows was started from.
pub(super) fn os_disk(instances: &Instances<'_>) -> Result<String, AbsentReason> {
    let boot = instances.all(Class::Disk).find(|disk| disk.flag("IsBoot") == Some(true));
    let Some(boot) = boot else { return only_drive(instances) };
    let number = boot.text("Number");
    let same = |disk: &Instance<'_>, name: &str| number.is_some() && disk.text(name) == number;
    let physical = instances.all(Class::PhysicalDisk).find(|disk| same(disk, "DeviceId"));
    let drive = instances.all(Class::DiskDrive).find(|disk| same(disk, "Index"));
    let sources = [Some(boot), physical, drive];
    if sources.iter().flatten().any(is_no_disk) {
        return Err(AbsentReason::NotHardware);
    }
    // The serial of an NVMe disk itself; SerialNumber has the id of its namespace in place of it.
    let adapter = physical.and_then(|disk| disk.text("AdapterSerialNumber"));
    let others = sources.iter().flatten().filter_map(|disk| disk.text("SerialNumber"));
    first_telling(adapter.into_iter().chain(others))
}

/// Without word of where Windows is, the only disk that is no removable one.
fn only_drive(instances: &Instances<'_>) -> Result<String, AbsentReason> {
    let is_fixed = |drive: &Instance<'_>| {
        drive.text("InterfaceType").as_deref() != Some("USB")
            && !drive.text("MediaType").is_some_and(|media| media.starts_with("Removable"))
    };
    let mut fixed = instances.all(Class::DiskDrive).filter(is_fixed);
    match (fixed.next(), fixed.next()) {
        (Some(only), None) if is_no_disk(&only) => Err(AbsentReason::NotHardware),
        (Some(only), None) => first_telling(only.text("SerialNumber").into_iter()),
        _ => Err(AbsentReason::NotFound),
    }
}

fn is_no_disk(disk: &Instance<'_>) -> bool {
    let bus = disk.text("BusType").unwrap_or_default();
    let models = [disk.text("Model"), disk.text("FriendlyName")];
    let says = |model: &String| {
        let model = model.to_ascii_lowercase();
        NO_DISK_MODELS.iter().any(|word| model.contains(word))
    };
    NO_DISK_BUSES.contains(&bus.as_str()) || models.iter().flatten().any(says)
}

fn first_telling(serials: impl Iterator<Item = String>) -> Result<String, AbsentReason> {
    let mut junk = None;
    for serial in serials {
        if !is_junk(ComponentKind::OsDisk, &serial) {
            return Ok(serial);
        }
        junk = junk.or(Some(serial));
    }
    junk.ok_or(AbsentReason::NotFound)
}

/// Permanent addresses of adapters on PCI, and in a guest of those that its hypervisor gives it.
/// Where only the older class was recorded, addresses in use stand for permanent ones; those that
/// software sets have the local bit and are junk.
pub(super) fn adapters(instances: &Instances<'_>, is_guest: bool, profile: &mut Profile) {
    let kind = ComponentKind::Nic;
    let is_built_in = |adapter: &Instance<'_>| {
        let id = ["PnPDeviceID", "PNPDeviceID"].iter().find_map(|name| adapter.text(name));
        let id = id.unwrap_or_default().to_ascii_uppercase();
        let on_bus =
            id.starts_with(PCI) || (is_guest && GUEST_BUSES.iter().any(|bus| id.starts_with(bus)));
        on_bus
            && adapter.flag("Virtual") != Some(true)
            && adapter.flag("HardwareInterface") != Some(false)
            && adapter.flag("PhysicalAdapter") != Some(false)
    };
    let (class, address) = match instances.all(Class::NetAdapter).next() {
        Some(_) => (Class::NetAdapter, "PermanentAddress"),
        None => (Class::NetworkAdapter, "MACAddress"),
    };
    for adapter in instances.all(class).filter(is_built_in) {
        if let Some(address) = adapter.text(address) {
            profile.add(kind, address);
        }
    }
    let any = instances.all(class).next().is_some();
    profile.absent(kind, if any { AbsentReason::NotHardware } else { AbsentReason::NotFound });
}

/// PCI ids of the displays, out of `PCI\VEN_10DE&DEV_1F02&…`.
pub(super) fn displays(instances: &Instances<'_>, profile: &mut Profile) {
    for display in instances.all(Class::VideoController) {
        let id = display.text("PNPDeviceID").unwrap_or_default().to_ascii_uppercase();
        let Some(ids) = id.strip_prefix(PCI) else { continue };
        let after = |word: &str| ids.split(['&', '\\']).find_map(|part| part.strip_prefix(word));
        if let (Some(vendor), Some(device)) = (after("VEN_"), after("DEV_")) {
            profile.add(ComponentKind::Gpu, gpu(vendor, device));
        }
    }
    profile.absent(ComponentKind::Gpu, AbsentReason::NotFound);
}
