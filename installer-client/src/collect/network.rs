//! Permanent addresses of built-in network adapters.
//!
//! The permanent address itself is behind a system call that safe Rust has no door to. So an
//! address counts as permanent when the kernel says that it came with the device
//! (`addr_assign_type` 0), or when the bond that took the adapter over remembers it.

use std::path::Path;

use hardware_evidence::{AbsentReason, ComponentKind};

use super::{read, surroundings};
use crate::Profile;

/// Buses whose devices are part of the computer; USB and the like are not.
const BUSES: [&str; 2] = ["pci", "platform"];

/// Buses on which a hypervisor gives its guest what is built in for it.
const GUEST_BUSES: [&str; 3] = ["virtio", "vmbus", "xen"];

/// The kernel's number of Ethernet, which wireless adapters have as well.
const ETHERNET: &str = "1";

/// The kernel's word for an address that came with the device.
const ADDRESS_PERMANENT: &str = "0";

pub(super) fn collect(root: &Path, profile: &mut Profile) {
    let adapters = read::entries(&root.join("sys/class/net"));
    let is_guest = surroundings::hypervisor(root).is_some();
    for adapter in &adapters {
        if is_built_in(adapter, is_guest)
            && let Some(address) = permanent_address(adapter)
        {
            profile.add(ComponentKind::Nic, address);
        }
    }
    let reason =
        if adapters.is_empty() { AbsentReason::NotFound } else { AbsentReason::NotHardware };
    profile.absent(ComponentKind::Nic, reason);
}

fn is_built_in(adapter: &Path, is_guest: bool) -> bool {
    let device = adapter.join("device");
    let on_bus = read::target_name(&device.join("subsystem")).is_some_and(|bus| {
        BUSES.contains(&bus.as_str()) || (is_guest && GUEST_BUSES.contains(&bus.as_str()))
    });
    let is_ethernet = read::text(&adapter.join("type")).is_ok_and(|text| text == ETHERNET);
    // A virtual function is a slice of an adapter, made and addressed by software.
    let is_virtual_function = device.join("physfn").exists();
    on_bus && is_ethernet && !is_virtual_function && !read::is_removable(&device)
}

fn permanent_address(adapter: &Path) -> Option<String> {
    if let Ok(address) = read::text(&adapter.join("bonding_slave/perm_hwaddr")) {
        return Some(address);
    }
    let assigned = read::text(&adapter.join("addr_assign_type")).ok()?;
    (assigned == ADDRESS_PERMANENT).then(|| read::text(&adapter.join("address")).ok())?
}
