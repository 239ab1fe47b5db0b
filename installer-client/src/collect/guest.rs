//! Which hypervisor a computer is a guest of, as its firmware names itself.

/// How makers, products and versions begin in the firmware of guests, in lower-case, and the
/// hypervisor or cloud behind them.
const NAMES: [(&str, &str); 33] = [
    ("vmware", "VMware"),
    ("innotek", "VirtualBox"),
    ("virtualbox", "VirtualBox"),
    ("oracle vm virtualbox", "VirtualBox"),
    ("qemu", "QEMU"),
    ("standard pc (", "QEMU"),
    ("kvm", "KVM"),
    ("rhev", "KVM"),
    ("ovirt", "KVM"),
    ("red hat", "KVM"),
    ("rhel", "KVM"),
    ("openstack", "OpenStack"),
    ("bochs", "Bochs"),
    ("xen", "Xen"),
    ("hvm domu", "Xen"),
    ("parallels", "Parallels"),
    ("bhyve", "bhyve"),
    ("amazon ec2", "Amazon EC2"),
    ("google compute engine", "Google Compute Engine"),
    ("alibaba cloud ecs", "Alibaba Cloud"),
    ("digitalocean", "DigitalOcean"),
    ("tencent cloud", "Tencent Cloud"),
    ("hetzner", "Hetzner"),
    ("vserver", "Hetzner"),
    ("scaleway", "Scaleway"),
    ("upcloud", "UpCloud"),
    ("smartdc hvm", "SmartOS"),
    ("cloud hypervisor", "Cloud Hypervisor"),
    ("crosvm", "crosvm"),
    ("nutanix ahv", "Nutanix"),
    ("ahv", "Nutanix"),
    ("virtualmac", "Apple Virtualization"),
    ("apple virtualization", "Apple Virtualization"),
];

/// What Hyper-V calls the product; the maker alone also makes computers.
const HYPER_V: (&str, &str) = ("microsoft corporation", "virtual machine");

/// The hypervisor, from the names of the system's manufacturer and product.
///
/// A bare-metal machine of a cloud has the cloud's name too, and counts as a guest: its identity is
/// as the cloud says.
pub(super) fn hypervisor(manufacturer: &str, product: &str) -> Option<&'static str> {
    let lower = |text: &str| -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase()
    };
    let (manufacturer, product) = (lower(manufacturer), lower(product));
    if manufacturer == HYPER_V.0 && product == HYPER_V.1 {
        return Some("Hyper-V");
    }
    let named =
        |(start, _): &&(&str, &str)| manufacturer.starts_with(start) || product.starts_with(start);
    NAMES.iter().find(named).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_known_by_their_firmware() {
        for (manufacturer, product, name) in [
            ("VMware, Inc.", "VMware Virtual Platform", Some("VMware")),
            ("innotek GmbH", "VirtualBox", Some("VirtualBox")),
            ("QEMU", "Standard PC (Q35 + ICH9, 2009)", Some("QEMU")),
            ("Microsoft Corporation", "Virtual Machine", Some("Hyper-V")),
            ("Microsoft Corporation", "Surface Pro 7", None),
            ("Xen", "HVM domU", Some("Xen")),
            ("Amazon EC2", "t3.micro", Some("Amazon EC2")),
            ("Google", "Google Compute Engine", Some("Google Compute Engine")),
            ("Red Hat", "KVM", Some("KVM")),
            ("OpenStack Foundation", "OpenStack Nova", Some("OpenStack")),
            ("Parallels International GmbH.", "Parallels ARM Virtual Machine", Some("Parallels")),
            ("Dell Inc.", "PowerEdge R740", None),
            ("Google", "Eve", None),
            ("", "", None),
        ] {
            assert_eq!(hypervisor(manufacturer, product), name, "{manufacturer} {product}");
        }
    }
}
