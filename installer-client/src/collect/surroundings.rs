//! Whether Linux runs on hardware, as a guest, or in a container.

use std::path::Path;

use super::{guest, read};
use crate::Profile;

/// Files that container engines and systemd leave for those inside.
const CONTAINER_FILES: [&str; 3] = [".dockerenv", "run/.containerenv", "run/systemd/container"];

/// What the control group of a container's process says.
const CONTAINER_GROUPS: [&str; 5] = ["docker", "kubepods", "containerd", "libpod", "/lxc"];

/// The name of a hypervisor that no firmware names.
const UNNAMED: &str = "a hypervisor";

pub(super) fn collect(root: &Path, profile: &mut Profile) {
    if let Some(name) = hypervisor(root) {
        profile.set_hypervisor(name);
    }
    if is_container(root) {
        profile.set_container();
    }
}

/// The hypervisor by the names in the firmware; only without firmware by what kernel and processor
/// say, for those say it in the first domain of Xen too, which is the computer itself.
pub(super) fn hypervisor(root: &Path) -> Option<&'static str> {
    let field = |name: &str| read::text(&root.join("sys/class/dmi/id").join(name));
    let (vendor, product) = (field("sys_vendor"), field("product_name"));
    if vendor.is_ok() || product.is_ok() {
        return guest::hypervisor(&vendor.unwrap_or_default(), &product.unwrap_or_default());
    }
    if read::text(&root.join("sys/hypervisor/type")).is_ok_and(|name| name == "xen") {
        return Some("Xen");
    }
    let processors = read::text(&root.join("proc/cpuinfo")).unwrap_or_default();
    let flags = processors.lines().find(|line| line.starts_with("flags"));
    let has_flag = flags.is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor"));
    has_flag.then_some(UNNAMED)
}

fn is_container(root: &Path) -> bool {
    let group = read::text(&root.join("proc/self/cgroup")).unwrap_or_default();
    CONTAINER_FILES.iter().any(|file| root.join(file).exists())
        || CONTAINER_GROUPS.iter().any(|word| group.contains(word))
}
