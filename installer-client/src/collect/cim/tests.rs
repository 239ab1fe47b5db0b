//! Recorded CIM instances of a laptop, a guest and a white box, and anything at all.

use hardware_evidence::{ComponentKind as K, DeploymentSalt, Finding};
use proptest::prelude::*;

use super::*;
use crate::DmidecodeOutput;

const LAPTOP: &str = include_str!("../../../profiles/windows/lenovo-thinkpad-t480.json");
const GUEST: &str = include_str!("../../../profiles/windows/hyperv-guest.json");
const WHITE_BOX: &str = include_str!("../../../profiles/windows/asrock-white-box.json");

const SALT: DeploymentSalt = DeploymentSalt::new([7; 32]);

fn collect(text: &str) -> Profile {
    CimOutput::new(text.as_bytes()).unwrap().collect()
}

fn finding(profile: &Profile, wanted: K) -> Finding {
    profile.evidence(&SALT).unwrap().finding(wanted).clone()
}

#[test]
fn a_laptop_shows_what_is_built_in_and_not_its_dock() {
    let profile = collect(LAPTOP);
    for (kind, raw) in [
        (K::BoardSerial, "L1HF85C0123"),
        (K::BoardModel, "LENOVO|20L5CTO1WW"),
        (K::SystemUuid, "F2A1C94C-2D6B-11B2-A85C-8F1F5C0A7D3E"),
        (K::OsDisk, "S3TNNX1K512345"),
        (K::Cpu, "GenuineIntel|6|142|Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz"),
        (K::Gpu, "8086:5917"),
        (K::RamRange, "17006870528"),
        (K::ChassisSerial, "PF1A2B3C"),
        (K::OsInstallId, "6f9c1e52-3a7b-4d80-9e21-0c5b7a3d4f68"),
        (K::BiosVersion, "N24ET61W (1.36 )"),
    ] {
        assert_eq!(profile.raw(kind), [raw], "{kind}");
    }
    assert_eq!(profile.raw(K::Nic), ["8C164501A2B3", "A0A4C5112233"]);
    assert_eq!(profile.hypervisor(), None, "it runs one, and is no guest");
}

#[test]
fn one_computer_is_one_value_under_windows_and_linux() {
    let linux = include_str!("../../../profiles/dmidecode/lenovo-thinkpad-t480.txt");
    let linux = DmidecodeOutput::new(linux.as_bytes()).collect();
    let windows = collect(LAPTOP);
    for kind in [
        K::BoardSerial,
        K::BoardModel,
        K::SystemUuid,
        K::Cpu,
        K::RamRange,
        K::ChassisSerial,
        K::BiosVersion,
    ] {
        assert!(matches!(finding(&windows, kind), Finding::Present(_)));
        assert_eq!(finding(&windows, kind), finding(&linux, kind), "{kind}");
    }
}

#[test]
fn a_guest_has_the_adapter_of_its_hypervisor_and_no_disk() {
    let profile = collect(GUEST);
    assert_eq!(profile.hypervisor(), Some("Hyper-V"));
    assert_eq!(profile.raw(K::Nic), ["00-15-5D-01-02-03"]);
    assert_eq!(finding(&profile, K::OsDisk), Finding::Absent(AbsentReason::NotHardware));
    assert_eq!(finding(&profile, K::Gpu), Finding::Absent(AbsentReason::NotFound));
    assert_eq!(profile.raw(K::RamRange), ["4294422528"]);
}

#[test]
fn instances_without_names_are_known_by_their_properties() {
    let profile = collect(WHITE_BOX);
    assert_eq!(profile.raw(K::BoardSerial), ["M80-EC012345678"]);
    assert_eq!(finding(&profile, K::SystemUuid), Finding::Junk);
    assert_eq!(finding(&profile, K::ChassisSerial), Finding::Junk);
    assert_eq!(profile.raw(K::OsDisk), ["     WD-WX11A22B3344"]);
    assert_eq!(profile.raw(K::Nic), ["A8:A1:59:01:02:03"]);
    assert_eq!(profile.raw(K::RamRange), ["17179869184"]);
    let cpu = "AuthenticAMD|23|113|AMD Ryzen 5 3600 6-Core Processor              ";
    assert_eq!(profile.raw(K::Cpu), [cpu]);
    assert_eq!(profile.raw(K::OsInstallId), ["0b3f0c5e-9d3c-4a1e-8f6f-1c2d3e4f5a6b"]);
}

#[test]
fn a_file_of_a_windows_shell_has_utf16_and_windows_line_ends() {
    let text = LAPTOP.replace('\n', "\r\n");
    let units = [0xfeff].into_iter().chain(text.encode_utf16());
    let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    assert!(CimOutput::new(&bytes).unwrap().collect() == collect(LAPTOP));
}

#[test]
fn without_word_of_the_boot_disk_only_a_single_disk_can_be_it() {
    let drives = |drives: &str| {
        finding(&collect(&format!("{{\"Win32_DiskDrive\": [{drives}]}}")), K::OsDisk)
    };
    let fixed = r#"{"Index": 0, "InterfaceType": "SCSI", "SerialNumber": "WD-WX11A22B3344"}"#;
    let other = r#"{"Index": 1, "InterfaceType": "IDE", "SerialNumber": "WD-WX11A22B3345"}"#;
    let usb = r#"{"Index": 2, "InterfaceType": "USB", "SerialNumber": "4C53"}"#;
    let virtual_disk = r#"{"Index": 0, "InterfaceType": "SCSI", "Model": "Red Hat VirtIO SCSI"}"#;
    assert!(matches!(drives(&format!("{usb}, {fixed}")), Finding::Present(_)));
    let unknown = Finding::Absent(AbsentReason::NotFound);
    assert_eq!(drives(&format!("{fixed}, {other}")), unknown);
    assert_eq!(drives(usb), unknown);
    assert_eq!(drives(virtual_disk), Finding::Absent(AbsentReason::NotHardware));
}

#[test]
fn what_is_no_json_is_refused_and_other_json_shows_nothing() {
    for text in ["{", "Manufacturer : LENOVO", "\u{0}", &"[".repeat(100_000)] {
        assert!(matches!(CimOutput::new(text.as_bytes()), Err(CimError::Json(_))));
    }
    for text in ["", "{}", "[1, null, \"x\"]", "{\"Win32_BaseBoard\": null}"] {
        let output = CimOutput::new(text.as_bytes()).unwrap();
        assert_eq!(output.instances(), 0, "{text}");
        assert!(output.collect().evidence(&SALT).unwrap().components().is_empty());
    }
}

#[test]
fn debug_texts_show_no_values() {
    let shown = format!("{:?}", CimOutput::new(LAPTOP.as_bytes()).unwrap());
    assert!(!shown.contains("PF1A2B3C"));
}

/// JSON with the names that are looked for, and anything for values.
fn any_json() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "Win32_BaseBoard",
        "Win32_Processor",
        "MSFT_NetAdapter",
        "MSFT_Disk",
        "CimSystemProperties",
        "ClassName",
        "SerialNumber",
        "PNPDeviceID",
        "PermanentAddress",
        "IsBoot",
        "Number",
        "Description",
        "MachineGuid",
        "UUID",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        name.clone().prop_map(Value::from),
        Just(Value::from("PCI\\VEN_&DEV_\\")),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(|pairs| {
                pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read(value in any_json()) {
        let text = value.to_string();
        let profile = collect(&text);
        prop_assert!(profile == collect(&text));
        prop_assert_eq!(profile.evidence(&SALT).unwrap().findings().count(), 13);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = CimOutput::new(&bytes);
    }
}
