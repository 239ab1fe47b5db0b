//! Processor and memory, as the kernel shows them in `/proc`.

use std::path::Path;

use hardware_evidence::{AbsentReason, ComponentKind, cpu};

use super::read;
use crate::Profile;

const BYTES_PER_KIB: u64 = 1024;

pub(super) fn collect(root: &Path, profile: &mut Profile) {
    profile.first_of(ComponentKind::Cpu, [processor(root)]);
    profile.first_of(ComponentKind::RamRange, [memory_bytes(root)]);
}

/// The first processor; x86 and ARM name the same things differently.
fn processor(root: &Path) -> Result<String, AbsentReason> {
    let text = read::text(&root.join("proc/cpuinfo"))?;
    let first = text.split("\n\n").next().unwrap_or_default();
    let field = |names: &[&str]| {
        let pairs = first.lines().filter_map(|line| line.split_once(':'));
        let mut found = pairs.filter(|(name, _)| names.contains(&name.trim()));
        found.next().map_or("", |(_, value)| value.trim()).to_owned()
    };
    Ok(cpu(
        &field(&["vendor_id", "CPU implementer"]),
        &field(&["cpu family", "CPU architecture"]),
        &field(&["model", "CPU part"]),
        &field(&["model name", "Processor"]),
    ))
}

fn memory_bytes(root: &Path) -> Result<String, AbsentReason> {
    let text = read::text(&root.join("proc/meminfo"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    let bytes = kib.and_then(|kib| kib.checked_mul(BYTES_PER_KIB));
    bytes.map(|bytes| bytes.to_string()).ok_or(AbsentReason::Unreadable)
}
