//! What `system_profiler -json` shows of a Mac.

use hardware_evidence::{board_model, cpu, gpu};
use serde_json::Value;

use super::Shown;

/// Who makes every Mac.
const APPLE: &str = "Apple Inc.";

/// What names of adapters say that are not built in.
const PLUGGED_IN: [&str; 7] =
    ["usb", "thunderbolt", "bluetooth", "iphone", "ipad", "dock", "bridge"];

/// Vendors of displays as the tool names them, in lower-case, and their PCI ids.
const VENDORS: [(&str, &str); 3] = [("amd", "1002"), ("intel", "8086"), ("nvidia", "10de")];

/// Deepest lists of items that are looked into.
const DEPTH_MAX: usize = 8;

pub(super) fn shown(output: &Value) -> Shown {
    let mut shown = Shown { maker: APPLE.to_owned(), ..Shown::default() };
    let items = |name: &str| output.get(name).and_then(Value::as_array).into_iter().flatten();
    if let Some(hardware) = items("SPHardwareDataType").next() {
        of_hardware(hardware, &mut shown);
    }
    let system_disk = items("SPStorageDataType").find_map(system_disk);
    for name in ["SPNVMeDataType", "SPSerialATADataType", "SPParallelATADataType"] {
        for item in items(name) {
            disks(item, system_disk.as_deref(), DEPTH_MAX, &mut shown.disks);
        }
    }
    shown.addresses = items("SPNetworkDataType").filter_map(address).collect();
    shown.displays = items("SPDisplaysDataType").filter_map(display).collect();
    shown
}

fn of_hardware(hardware: &Value, shown: &mut Shown) {
    let field = |names: &[&str]| names.iter().find_map(|name| text(hardware, name));
    shown.model = field(&["machine_model"]).unwrap_or_default();
    shown.board_model = field(&["machine_model"]).map(|model| board_model(APPLE, &model));
    shown.platform_uuid = field(&["platform_UUID"]);
    shown.serial = field(&["serial_number"]);
    shown.firmware = field(&["boot_rom_version", "system_firmware_version"]);
    shown.processor = match field(&["chip_type"]) {
        Some(chip) => Some(cpu("Apple", "", "", &chip)),
        None => field(&["cpu_type"]).map(|brand| cpu("", "", "", &brand)),
    };
    shown.memory_bytes = field(&["physical_memory"]).and_then(|size| bytes(&size));
}

/// The name of the disk that the system's volume is on.
fn system_disk(volume: &Value) -> Option<String> {
    let mounted = text(volume, "mount_point")?;
    let on_system = matches!(mounted.as_str(), "/" | "/System/Volumes/Data");
    on_system.then(|| text(volume.get("physical_drive")?, "device_name"))?
}

/// The serials of built-in disks; only of the system's, where its name is known.
fn disks(item: &Value, system: Option<&str>, depth: usize, serials: &mut Vec<String>) {
    let is_fixed = |name: &str| text(item, name).is_none_or(|word| word != "yes");
    let is_system = system.is_none_or(|name| text(item, "_name").as_deref() == Some(name));
    if is_system
        && is_fixed("detachable_drive")
        && is_fixed("removable_media")
        && let Some(serial) = text(item, "device_serial")
    {
        serials.push(serial.trim().to_owned());
    }
    if depth > 0 {
        for below in item.get("_items").and_then(Value::as_array).into_iter().flatten() {
            disks(below, system, depth - 1, serials);
        }
    }
}

/// The address of a built-in adapter.
fn address(adapter: &Value) -> Option<String> {
    let name = text(adapter, "_name").unwrap_or_default().to_ascii_lowercase();
    let plugged_in = PLUGGED_IN.iter().any(|word| name.contains(word));
    let address = text(adapter.get("Ethernet")?, "MAC Address")?;
    (!plugged_in).then_some(address)
}

/// PCI ids of a display; those of Apple's own chips have none.
fn display(display: &Value) -> Option<String> {
    let device =
        text(display, "spdisplays_device-id").or_else(|| text(display, "sppci_device_id"))?;
    let vendor = text(display, "spdisplays_vendor")?.to_ascii_lowercase();
    let by_number = || vendor.split("(0x").nth(1)?.split(')').next();
    let by_name = || VENDORS.iter().find(|(name, _)| vendor.contains(name)).map(|(_, id)| *id);
    Some(gpu(by_number().or_else(by_name)?, &device))
}

/// The bytes of `16 GB`.
fn bytes(size: &str) -> Option<String> {
    let (number, unit) = size.trim().split_once(' ')?;
    let shift = match unit {
        "MB" => 20,
        "GB" => 30,
        "TB" => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift).map(|bytes| bytes.to_string())
}

fn text(item: &Value, name: &str) -> Option<String> {
    item.get(name)?.as_str().map(str::to_owned)
}
