//! Display adapters: PCI devices of class 03 that are not plugged in from outside.

use std::path::Path;

use hardware_evidence::{AbsentReason, ComponentKind, gpu};

use super::read;
use crate::Profile;

const DISPLAY_CLASS_PREFIX: &str = "0x03";

pub(super) fn collect(root: &Path, profile: &mut Profile) {
    for device in read::entries(&root.join("sys/bus/pci/devices")) {
        let is_display = read::text(&device.join("class"))
            .is_ok_and(|class| class.starts_with(DISPLAY_CLASS_PREFIX));
        if !is_display || read::is_removable(&device) {
            continue;
        }
        let ids = (read::text(&device.join("vendor")), read::text(&device.join("device")));
        if let (Ok(vendor), Ok(model)) = ids {
            profile.add(ComponentKind::Gpu, gpu(&vendor, &model));
        }
    }
    profile.absent(ComponentKind::Gpu, AbsentReason::NotFound);
}
