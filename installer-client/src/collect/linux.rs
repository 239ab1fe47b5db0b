//! The collector for Linux: sysfs, procfs and `/etc/machine-id` below a root folder.

use std::path::{Path, PathBuf};

use hardware_evidence::{AbsentReason, ComponentKind};

use super::{Collector, disk, display, dmi, network, processor, read, surroundings};
use crate::Profile;

/// Reads what Linux shows of its computer. Where there is no Linux, it finds nothing.
///
/// The endorsement key of a TPM 2.0 is in no file, and asking the chip for it takes commands that
/// only an administrator may send; so [`ComponentKind::TpmEk`] is always absent.
#[derive(Debug, Clone)]
pub struct LinuxCollector {
    root: PathBuf,
}

impl LinuxCollector {
    /// The computer that the program runs on.
    #[must_use]
    pub fn new() -> Self {
        Self::under("/")
    }

    /// A computer whose `/sys`, `/proc` and `/etc` are below another folder.
    #[must_use]
    pub fn under(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl Default for LinuxCollector {
    fn default() -> Self {
        Self::new()
    }
}

impl Collector for LinuxCollector {
    fn collect(&self) -> Profile {
        let mut profile = Profile::new();
        surroundings::collect(&self.root, &mut profile);
        dmi::collect(&self.root, &mut profile);
        disk::collect(&self.root, &mut profile);
        network::collect(&self.root, &mut profile);
        processor::collect(&self.root, &mut profile);
        display::collect(&self.root, &mut profile);
        tpm(&self.root, &mut profile);
        installation(&self.root, &mut profile);
        profile.absent(ComponentKind::OperatorHandle, AbsentReason::NotAssigned);
        profile
    }
}

fn tpm(root: &Path, profile: &mut Profile) {
    let chips = read::entries(&root.join("sys/class/tpm"));
    let reason = if chips.is_empty() { AbsentReason::NotFound } else { AbsentReason::Unreadable };
    profile.absent(ComponentKind::TpmEk, reason);
}

fn installation(root: &Path, profile: &mut Profile) {
    let files = ["etc/machine-id", "var/lib/dbus/machine-id"];
    profile.first_of(ComponentKind::OsInstallId, files.map(|file| read::text(&root.join(file))));
}
