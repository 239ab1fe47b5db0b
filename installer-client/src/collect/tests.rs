//! The collector on made-up trees of sysfs and procfs: a desktop, arrays and volumes, containers,
//! virtual machines.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use hardware_evidence::{AbsentReason, ComponentKind, DeploymentSalt, Finding};
use tempfile::TempDir;

use super::{Collector as _, LinuxCollector};
use crate::Profile;

/// A computer to be, in a folder of its own.
struct Tree(TempDir);

impl Tree {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// A link whose target is given from the root of the tree.
    fn link(&self, path: &str, target: &str) -> &Self {
        let up = "../".repeat(Path::new(path).components().count() - 1);
        let target_folder = self.0.path().join(target);
        fs::create_dir_all(target_folder).unwrap();
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(format!("{up}{target}"), path).unwrap();
        self
    }

    /// A block device at its place in sysfs, with its number.
    fn block(&self, number: &str, folder: &str) -> &Self {
        let name = folder.rsplit('/').next().unwrap();
        self.link(&format!("sys/dev/block/{number}"), folder);
        self.link(&format!("sys/class/block/{name}"), folder)
    }

    fn root_on(&self, device: &str, file_system: &str, source: &str) -> &Self {
        let table = format!(
            "22 27 0:21 / /proc rw - proc proc rw\n\
             27 1 {device} / / rw,relatime shared:1 - {file_system} {source} rw\n"
        );
        self.file("proc/self/mountinfo", table)
    }

    fn nic(&self, name: &str, bus: &str, address: &str, assigned: &str) -> &Self {
        let folder = format!("sys/class/net/{name}");
        self.file(&format!("{folder}/address"), address)
            .file(&format!("{folder}/addr_assign_type"), assigned)
            .file(&format!("{folder}/type"), "1\n")
            .link(&format!("{folder}/device/subsystem"), &format!("sys/bus/{bus}"))
    }

    fn collect(&self) -> Profile {
        LinuxCollector::under(self.0.path()).collect()
    }

    fn finding(&self, kind: ComponentKind) -> Finding {
        let evidence = self.collect().evidence(&DeploymentSalt::new([5; 32])).unwrap();
        evidence.findings().find(|(found, _)| *found == kind).unwrap().1.clone()
    }
}

const SATA: &str = "sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda";
const NVME: &str = "sys/devices/pci0000:00/0000:00:1d.0/0000:01:00.0/nvme/nvme0/nvme0n1";

fn sata_serial(tree: &Tree, disk: &str, serial: &str) {
    let mut page = vec![0, 0x80, 0, u8::try_from(serial.len()).unwrap()];
    page.extend_from_slice(serial.as_bytes());
    page.extend_from_slice(b"beyond the length");
    tree.file(&format!("{disk}/device/vpd_pg80"), page);
}

#[test]
fn a_desktop_shows_everything_but_its_tpm() {
    let tree = Tree::new();
    let dmi = |name: &str, value: &str| {
        tree.file(&format!("sys/class/dmi/id/{name}"), format!("{value}\n"));
    };
    dmi("board_serial", "190757218304512");
    dmi("board_vendor", "ASUSTeK COMPUTER INC.");
    dmi("board_name", "PRIME B450M-A");
    dmi("product_uuid", "8e4f1a60-2c37-11ea-9d5b-04d9f5c2a17e");
    dmi("chassis_serial", "Default string");
    dmi("product_serial", "KPPDCG001942");
    dmi("bios_version", "2409");
    tree.file("etc/machine-id", "b0a4f3c1d2e54768899aabbccddeeff0\n")
        .file("proc/meminfo", "MemTotal:       16341196 kB\nMemFree: 1 kB\n")
        .file(
            "proc/cpuinfo",
            "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 23\nmodel\t\t: 113\n\
             model name\t: AMD Ryzen 5 3600 6-Core Processor\n\nprocessor\t: 1\nmodel\t: 9\n",
        )
        .file("sys/bus/pci/devices/0000:0a:00.0/class", "0x030000\n")
        .file("sys/bus/pci/devices/0000:0a:00.0/vendor", "0x1002\n")
        .file("sys/bus/pci/devices/0000:0a:00.0/device", "0x731f\n")
        .file("sys/bus/pci/devices/0000:00:1f.0/class", "0x060100\n")
        .nic("enp4s0", "pci", "04:d9:f5:c2:a1:7e\n", "0\n")
        .block("259:0", NVME)
        .block("259:2", &format!("{NVME}/nvme0n1p2"))
        .file(&format!("{NVME}/nvme0n1p2/partition"), "2\n")
        .file(&format!("{NVME}/device/serial"), "S4EWNX0M912345K     \n")
        .root_on("259:2", "ext4", "/dev/nvme0n1p2");
    let profile = tree.collect();
    let raw = |kind| profile.raw(kind).first().map(String::as_str);
    assert_eq!(raw(ComponentKind::BoardSerial), Some("190757218304512"));
    assert_eq!(raw(ComponentKind::BoardModel), Some("ASUSTeK COMPUTER INC.|PRIME B450M-A"));
    assert_eq!(raw(ComponentKind::SystemUuid), Some("8e4f1a60-2c37-11ea-9d5b-04d9f5c2a17e"));
    assert_eq!(raw(ComponentKind::OsDisk), Some("S4EWNX0M912345K"));
    assert_eq!(raw(ComponentKind::Nic), Some("04:d9:f5:c2:a1:7e"));
    let cpu = "AuthenticAMD|23|113|AMD Ryzen 5 3600 6-Core Processor";
    assert_eq!(raw(ComponentKind::Cpu), Some(cpu));
    assert_eq!(raw(ComponentKind::Gpu), Some("0x1002:0x731f"));
    assert_eq!(raw(ComponentKind::RamRange), Some("16733384704"));
    assert_eq!(raw(ComponentKind::ChassisSerial), Some("KPPDCG001942"));
    assert_eq!(raw(ComponentKind::BiosVersion), Some("2409"));
    assert_eq!(raw(ComponentKind::OsInstallId), Some("b0a4f3c1d2e54768899aabbccddeeff0"));
    let nothing = Finding::Absent(AbsentReason::NotFound);
    assert_eq!(tree.finding(ComponentKind::TpmEk), nothing);
    let unassigned = Finding::Absent(AbsentReason::NotAssigned);
    assert_eq!(tree.finding(ComponentKind::OperatorHandle), unassigned);
}

#[test]
fn an_empty_tree_is_a_computer_without_anything_and_no_error() {
    let tree = Tree::new();
    for kind in ComponentKind::ALL {
        assert!(matches!(tree.finding(kind), Finding::Absent(_)), "{kind}");
    }
}

#[test]
fn what_only_an_administrator_may_read_is_absent_with_that_reason() {
    use std::os::unix::fs::PermissionsExt as _;
    let tree = Tree::new();
    tree.file("sys/class/dmi/id/board_serial", "190757218304512");
    let path = tree.0.path().join("sys/class/dmi/id/board_serial");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let finding = tree.finding(ComponentKind::BoardSerial);
    // An administrator reads it in spite of its mode, as on a real computer.
    match fs::read(&path) {
        Ok(_) => assert!(matches!(finding, Finding::Present(_))),
        Err(_) => assert_eq!(finding, Finding::Absent(AbsentReason::NeedsAdministrator)),
    }
}

#[test]
fn a_folder_in_place_of_a_file_is_unreadable() {
    let tree = Tree::new();
    tree.file("sys/class/dmi/id/board_serial/odd", "x");
    let finding = tree.finding(ComponentKind::BoardSerial);
    assert_eq!(finding, Finding::Absent(AbsentReason::Unreadable));
}

#[test]
fn an_encrypted_volume_in_a_volume_group_leads_to_its_disk() {
    let tree = Tree::new();
    let (crypt, volume) = ("sys/devices/virtual/block/dm-0", "sys/devices/virtual/block/dm-1");
    let partition = format!("{SATA}/sda3");
    tree.block("254:0", crypt)
        .block("254:1", volume)
        .block("8:0", SATA)
        .block("8:3", &partition)
        .file(&format!("{partition}/partition"), "3")
        .link(&format!("{volume}/slaves/dm-0"), crypt)
        .link(&format!("{crypt}/slaves/sda3"), &partition)
        .root_on("254:1", "xfs", "/dev/mapper/vg-root");
    sata_serial(&tree, SATA, "    WD-WX11A22B3344");
    let profile = tree.collect();
    assert_eq!(profile.raw(ComponentKind::OsDisk), ["WD-WX11A22B3344"]);
}

#[test]
fn of_an_array_the_smallest_serial_is_taken() {
    for order in [["B-SERIAL-2", "A-SERIAL-9"], ["A-SERIAL-9", "B-SERIAL-2"]] {
        let tree = Tree::new();
        let array = "sys/devices/virtual/block/md0";
        let second = SATA.replace("ata1", "ata2").replace("sda", "sdb");
        tree.block("9:0", array)
            .block("8:0", SATA)
            .block("8:16", &second)
            .link(&format!("{array}/slaves/sda"), SATA)
            .link(&format!("{array}/slaves/sdb"), &second)
            .root_on("9:0", "ext4", "/dev/md0");
        sata_serial(&tree, SATA, order[0]);
        sata_serial(&tree, &second, order[1]);
        assert_eq!(tree.collect().raw(ComponentKind::OsDisk), ["A-SERIAL-9"]);
    }
}

#[test]
fn a_file_system_without_a_number_is_found_by_its_source() {
    let tree = Tree::new();
    let partition = format!("{SATA}/sda2");
    tree.block("8:0", SATA)
        .block("8:2", &partition)
        .file(&format!("{partition}/partition"), "2")
        .root_on("0:25", "btrfs", "/dev/sda2");
    tree.file(&format!("{SATA}/device/wwid"), "naa.5000c500a1b2c3d4\n");
    assert_eq!(tree.collect().raw(ComponentKind::OsDisk), ["naa.5000c500a1b2c3d4"]);
}

#[test]
fn an_image_in_a_loop_device_leads_to_the_disk_of_the_image() {
    let tree = Tree::new();
    let loop_device = "sys/devices/virtual/block/loop0";
    tree.block("7:0", loop_device)
        .block("8:0", SATA)
        .file(&format!("{loop_device}/loop/backing_file"), "/host/with space/root.img\n")
        .file(
            "proc/self/mountinfo",
            "27 1 7:0 / / rw - ext4 /dev/loop0 rw\n\
             28 27 8:0 / /host/with\\040space rw - ext4 /dev/sda rw\n",
        );
    sata_serial(&tree, SATA, "WD-WX11A22B3344");
    assert_eq!(tree.collect().raw(ComponentKind::OsDisk), ["WD-WX11A22B3344"]);
}

#[test]
fn a_live_system_is_on_the_disk_that_takes_its_writes_and_a_container_on_none() {
    let tree = Tree::new();
    let options = "rw,lowerdir=/rom,upperdir=/overlay/upper,workdir=/overlay/work";
    tree.block("8:0", SATA).file(
        "proc/self/mountinfo",
        format!(
            "1 0 0:30 / / rw - overlay overlay {options}\n\
             2 1 8:0 / /overlay rw - ext4 /dev/sda rw\n"
        ),
    );
    sata_serial(&tree, SATA, "WD-WX11A22B3344");
    assert_eq!(tree.collect().raw(ComponentKind::OsDisk), ["WD-WX11A22B3344"]);

    let container = Tree::new();
    let options = "rw,lowerdir=/var/lib/c/l:/var/lib/c/m,upperdir=/var/lib/c/diff";
    container.block("8:0", SATA).file(
        "proc/self/mountinfo",
        format!(
            "1 0 0:30 / / rw - overlay overlay {options}\n\
             2 1 8:0 /x /etc/hosts rw - ext4 /dev/sda rw\n"
        ),
    );
    sata_serial(&container, SATA, "WD-WX11A22B3344");
    let nothing = Finding::Absent(AbsentReason::NotHardware);
    assert_eq!(container.finding(ComponentKind::OsDisk), nothing);
}

#[test]
fn disks_of_hypervisors_and_networks_are_no_hardware() {
    for (number, folder) in [
        ("254:0", "sys/devices/pci0000:00/0000:00:04.0/virtio1/block/vda"),
        ("8:0", "sys/devices/pci0000:00/0000:00:05.0/virtio2/host0/target0:0:0/0:0:0:0/block/sda"),
        ("202:0", "sys/devices/vbd-51712/block/xvda"),
        ("8:0", "sys/devices/platform/host3/session1/target3:0:0/3:0:0:1/block/sdb"),
        ("253:0", "sys/devices/virtual/block/zram0"),
    ] {
        let tree = Tree::new();
        tree.block(number, folder).root_on(number, "ext4", "/dev/x");
        if !folder.contains("virtual") {
            tree.file(&format!("{folder}/device/serial"), "overlayblk-1234");
        }
        let nothing = Finding::Absent(AbsentReason::NotHardware);
        assert_eq!(tree.finding(ComponentKind::OsDisk), nothing, "{folder}");
    }
}

#[test]
fn an_emulated_disk_has_a_junk_serial() {
    let tree = Tree::new();
    tree.block("8:0", SATA).root_on("8:0", "ext4", "/dev/sda");
    sata_serial(&tree, SATA, "QM00001");
    assert_eq!(tree.finding(ComponentKind::OsDisk), Finding::Junk);
}

#[test]
fn layers_that_lead_in_a_circle_end() {
    let tree = Tree::new();
    let (one, other) = ("sys/devices/virtual/block/dm-0", "sys/devices/virtual/block/dm-1");
    tree.block("254:0", one)
        .block("254:1", other)
        .link(&format!("{one}/slaves/dm-1"), other)
        .link(&format!("{other}/slaves/dm-0"), one)
        .root_on("254:0", "ext4", "/dev/dm-0");
    assert!(matches!(tree.finding(ComponentKind::OsDisk), Finding::Absent(_)));
}

#[test]
fn only_permanent_addresses_of_built_in_adapters_count() {
    let tree = Tree::new();
    tree.nic("eno1", "pci", "04:d9:f5:c2:a1:7e\n", "0\n")
        .nic("wlp3s0", "pci", "a4:c3:f0:8b:5d:12\n", "0\n")
        .nic("usb0", "usb", "00:e0:4c:68:01:02\n", "0\n")
        .nic("ens3", "virtio", "00:16:3e:01:02:03\n", "0\n")
        .nic("random0", "pci", "04:d9:f5:00:00:01\n", "1\n")
        .nic("changed0", "pci", "04:d9:f5:00:00:02\n", "3\n")
        .nic("dock0", "pci", "04:d9:f5:00:00:03\n", "0\n")
        .file("sys/class/net/dock0/device/removable", "removable\n")
        .nic("vf0", "pci", "04:d9:f5:00:00:04\n", "0\n")
        .file("sys/class/net/vf0/device/physfn/x", "")
        .nic("bonded0", "pci", "04:d9:f5:c2:a1:7e\n", "3\n")
        .file("sys/class/net/bonded0/bonding_slave/perm_hwaddr", "04:d9:f5:00:00:05\n")
        .file("sys/class/net/lo/address", "00:00:00:00:00:00\n")
        .file("sys/class/net/br0/address", "04:d9:f5:00:00:06\n");
    let profile = tree.collect();
    let mut addresses = profile.raw(ComponentKind::Nic).to_vec();
    addresses.sort();
    assert_eq!(addresses, ["04:d9:f5:00:00:05", "04:d9:f5:c2:a1:7e", "a4:c3:f0:8b:5d:12"]);
}

#[test]
fn a_guest_has_the_adapters_that_its_hypervisor_gives_it_and_a_computer_has_no_virtual_ones() {
    for (bus, address) in [
        ("virtio", "52:54:00:6b:3c:58"),
        ("vmbus", "00:15:5d:01:02:03"),
        ("xen", "00:16:3e:01:02:03"),
    ] {
        let computer = Tree::new();
        computer.nic("eth0", bus, address, "0\n");
        let nothing = Finding::Absent(AbsentReason::NotHardware);
        assert_eq!(computer.finding(ComponentKind::Nic), nothing);
        let named = Tree::new();
        named
            .nic("eth0", bus, address, "0\n")
            .nic("veth1", "usb", "00:e0:4c:68:01:02\n", "0\n")
            .file("sys/class/dmi/id/sys_vendor", "QEMU\n");
        assert_eq!(named.collect().raw(ComponentKind::Nic), [address]);
        assert!(matches!(named.finding(ComponentKind::Nic), Finding::Present(_)));
        assert_eq!(named.collect().hypervisor(), Some("QEMU"));
        let flagged = Tree::new();
        flagged
            .nic("eth0", bus, address, "0\n")
            .file("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme hypervisor lahf_lm\n");
        assert_eq!(flagged.collect().raw(ComponentKind::Nic), [address]);
    }
    // The first domain of Xen is the computer itself, whatever its processor says.
    let domain = Tree::new();
    domain
        .file("sys/class/dmi/id/sys_vendor", "Dell Inc.\n")
        .file("sys/hypervisor/type", "xen\n")
        .file("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu hypervisor\n");
    assert_eq!(domain.collect().hypervisor(), None);
    let local = Tree::new();
    local.nic("eth0", "pci", "02:fc:00:00:00:01\n", "0\n");
    assert_eq!(local.finding(ComponentKind::Nic), Finding::Junk);
}

#[test]
fn a_processor_of_another_architecture_is_known_by_its_own_words() {
    let tree = Tree::new();
    tree.file(
        "proc/cpuinfo",
        "processor\t: 0\nBogoMIPS\t: 108.00\nCPU implementer\t: 0x41\n\
         CPU architecture: 8\nCPU part\t: 0xd08\n",
    );
    assert_eq!(tree.collect().raw(ComponentKind::Cpu), ["0x41|8|0xd08|"]);
}

#[test]
fn a_container_is_known_and_has_what_it_sees_of_its_host() {
    for (file, content) in [
        (".dockerenv", ""),
        ("run/.containerenv", "engine=\"podman-4.3.1\"\n"),
        ("proc/self/cgroup", "12:pids:/kubepods/besteffort/pod1234/5678\n"),
    ] {
        let tree = Tree::new();
        tree.file(file, content).file("sys/class/dmi/id/board_serial", "190757218304512\n");
        let profile = tree.collect();
        assert!(profile.is_container(), "{file}");
        assert_eq!(profile.raw(ComponentKind::BoardSerial), ["190757218304512"]);
    }
    let host = Tree::new();
    host.file("proc/self/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");
    assert!(!host.collect().is_container());
}

#[test]
fn a_board_without_such_firmware_is_in_the_device_tree() {
    let tree = Tree::new();
    tree.file("sys/firmware/devicetree/base/serial-number", "100000009a1b2c3d\0")
        .file("sys/firmware/devicetree/base/model", "Raspberry Pi 4 Model B Rev 1.4\0");
    let profile = tree.collect();
    assert_eq!(profile.raw(ComponentKind::BoardSerial), ["100000009a1b2c3d"]);
    assert_eq!(profile.raw(ComponentKind::BoardModel), ["|Raspberry Pi 4 Model B Rev 1.4"]);
    tree.file("sys/class/dmi/id/board_serial", "PF1A2B3C\n");
    assert_eq!(tree.collect().raw(ComponentKind::BoardSerial), ["PF1A2B3C"]);
}

#[test]
fn this_computer_can_be_read_and_no_serial_is_shown() {
    let profile = LinuxCollector::new().collect();
    let evidence = profile.evidence(&DeploymentSalt::new([6; 32])).unwrap();
    assert_eq!(evidence.findings().count(), 13);
    let shown = format!("{profile:?} {evidence:?}");
    for raw in profile.raw(ComponentKind::OsInstallId) {
        assert!(!shown.contains(raw.as_str()));
    }
}
