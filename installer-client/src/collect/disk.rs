//! The hardware serial of the disk below `/`, followed through partitions, volumes, arrays and loop
//! devices.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use hardware_evidence::{AbsentReason, ComponentKind, NormalValue, Reading, read as read_value};

use super::read;
use crate::Profile;

/// Most layers between the file system and a disk.
const LAYERS_MAX: usize = 8;

/// Most devices looked at on the way.
const DEVICES_MAX: usize = 64;

/// How folders begin on the way to a disk that a hypervisor makes up or that is reached over a
/// network; its serial is somebody's choice and not a device's.
const VIRTUAL_PREFIXES: [&str; 5] = ["virtio", "vmbus", "VMBUS", "vbd-", "session"];

/// Bytes before the serial in a page of vital product data, the last two of which are its length.
const VPD_HEADER_BYTES: usize = 4;

pub(super) fn collect(root: &Path, profile: &mut Profile) {
    let kind = ComponentKind::OsDisk;
    let disks = match system_disks(root) {
        Ok(disks) => disks,
        Err(reason) => {
            profile.absent(kind, reason);
            return;
        }
    };
    let mut reason = AbsentReason::NotFound;
    let mut junk = None;
    let mut best: Option<(NormalValue, String)> = None;
    for disk in &disks {
        match serial(disk) {
            Err(why) => reason = why,
            Ok(raw) => match read_value(kind, &raw) {
                Reading::Value(value) if best.as_ref().is_none_or(|(kept, _)| value < *kept) => {
                    best = Some((value, raw));
                }
                Reading::Value(_) => {}
                Reading::Junk | Reading::Empty => junk = Some(raw),
            },
        }
    }
    if let Some(raw) = best.map(|(_, raw)| raw).or(junk) {
        profile.add(kind, raw);
    }
    profile.absent(kind, reason);
}

/// One line of the table of mounts.
struct Mount {
    device: String,
    point: PathBuf,
    source: String,
    options: String,
}

/// The folders, in sysfs, of the disks that hold the file system of the operating system.
fn system_disks(root: &Path) -> Result<BTreeSet<PathBuf>, AbsentReason> {
    let mounts = mounts(&read::text(&root.join("proc/self/mountinfo"))?);
    let mut to_visit: Vec<(PathBuf, usize)> = Vec::new();
    let mut disks = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let device = file_system_device(root, &mounts, Path::new("/"), LAYERS_MAX);
    to_visit.push((device.ok_or(AbsentReason::NotHardware)?, LAYERS_MAX));
    while let Some((device, layers)) = to_visit.pop() {
        if layers == 0 || seen.len() >= DEVICES_MAX || !seen.insert(device.clone()) {
            continue;
        }
        let whole = whole_device(&device);
        let below = read::entries(&whole.join("slaves"));
        let backing = read::text(&whole.join("loop/backing_file"));
        if !below.is_empty() {
            let links = below.iter().filter_map(|link| link.canonicalize().ok());
            to_visit.extend(links.map(|device| (device, layers - 1)));
        } else if let Ok(file) = backing {
            let holder = file_system_device(root, &mounts, Path::new(&file), layers - 1);
            to_visit.extend(holder.map(|device| (device, layers - 1)));
        } else {
            disks.insert(whole);
        }
    }
    Ok(disks)
}

/// The device that a path's file system is on. An overlay is on that of its upper folder, unless,
/// as in a container, that folder is out of sight.
fn file_system_device(
    root: &Path,
    mounts: &[Mount],
    path: &Path,
    layers: usize,
) -> Option<PathBuf> {
    let mut path = path.to_path_buf();
    let mut visited: Vec<&Path> = Vec::new();
    for _ in 0..layers {
        // Of mounts on the same point the last one is on top.
        let mount = mounts
            .iter()
            .filter(|mount| path.starts_with(&mount.point))
            .max_by_key(|mount| mount.point.components().count())?;
        if visited.contains(&mount.point.as_path()) {
            return None;
        }
        if let Some(device) = block_device(root, mount) {
            return Some(device);
        }
        visited.push(&mount.point);
        path = upper_folder(&mount.options)?;
    }
    None
}

/// The device of a mount, in sysfs: by its number, or by its source where a file system has no
/// number of its own.
fn block_device(root: &Path, mount: &Mount) -> Option<PathBuf> {
    if let Ok(device) = root.join("sys/dev/block").join(&mount.device).canonicalize() {
        return Some(device);
    }
    let source = mount.source.strip_prefix("/dev/")?;
    let plain = !Path::new(source).components().any(|part| part == Component::ParentDir);
    let node = root.join("dev").join(source);
    let name = match std::fs::read_link(&node) {
        Ok(target) => target.file_name()?.to_os_string(),
        Err(_) => Path::new(source).file_name()?.to_os_string(),
    };
    plain.then(|| root.join("sys/class/block").join(name).canonicalize().ok())?
}

/// The folder that takes an overlay's writes, else the lowest of those it reads.
fn upper_folder(options: &str) -> Option<PathBuf> {
    let option = |name: &str| options.split(',').find_map(|option| option.strip_prefix(name));
    let lowest = || option("lowerdir=").and_then(|folders| folders.rsplit(':').next());
    option("upperdir=").or_else(lowest).map(PathBuf::from)
}

/// The disk of a partition, else the device itself.
fn whole_device(device: &Path) -> PathBuf {
    let parent = device.parent().filter(|_| device.join("partition").exists());
    parent.unwrap_or(device).to_path_buf()
}

/// The serial of a disk, else its world-wide name.
fn serial(disk: &Path) -> Result<String, AbsentReason> {
    if is_virtual(disk) {
        return Err(AbsentReason::NotHardware);
    }
    let candidates = [
        read::text(&disk.join("device/serial")),
        read::bytes(&disk.join("device/vpd_pg80")).and_then(|page| vpd_serial(&page)),
        read::text(&disk.join("device/wwid")),
        read::text(&disk.join("wwid")),
    ];
    let mut reason = AbsentReason::NotFound;
    let mut junk = None;
    for candidate in candidates {
        match candidate {
            Ok(raw) if matches!(read_value(ComponentKind::OsDisk, &raw), Reading::Value(_)) => {
                return Ok(raw);
            }
            Ok(raw) => junk = junk.or(Some(raw)),
            Err(AbsentReason::NotFound) => {}
            Err(why) => reason = why,
        }
    }
    junk.ok_or(reason)
}

fn is_virtual(disk: &Path) -> bool {
    let folders: Vec<String> =
        disk.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let made_up =
        folders.iter().any(|folder| VIRTUAL_PREFIXES.iter().any(|p| folder.starts_with(p)));
    // Disks with several paths are below `virtual` too, but have a device.
    let without_device =
        folders.iter().any(|folder| folder == "virtual") && !disk.join("device").exists();
    made_up || without_device
}

/// The serial in page 0x80 of the vital product data.
fn vpd_serial(page: &[u8]) -> Result<String, AbsentReason> {
    let length = page.get(2..VPD_HEADER_BYTES).and_then(|bytes| bytes.try_into().ok());
    let length = usize::from(u16::from_be_bytes(length.ok_or(AbsentReason::Unreadable)?));
    let serial = page.get(VPD_HEADER_BYTES..).unwrap_or_default();
    let serial = serial.get(..length).unwrap_or(serial);
    Ok(String::from_utf8_lossy(serial).trim().to_owned())
}

/// The table of mounts: `id parent device root point options … - type source super-options`.
fn mounts(table: &str) -> Vec<Mount> {
    let mount = |line: &str| {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ').skip(2);
        let (device, point) = (left.next()?, left.nth(1)?);
        let mut right = right.split(' ').skip(1);
        Some(Mount {
            device: device.to_owned(),
            point: PathBuf::from(unescape(point)),
            source: unescape(right.next()?),
            options: unescape(right.next().unwrap_or_default()),
        })
    };
    table.lines().filter_map(mount).collect()
}

/// The kernel writes space, tab, line feed and backslash as three octal digits.
fn unescape(text: &str) -> String {
    let mut plain = text.to_owned();
    for (escaped, character) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
    {
        plain = plain.replace(escaped, character);
    }
    plain
}
