//! Recorded output of two Macs, and anything at all.

use hardware_evidence::{ComponentKind as K, DeploymentSalt, Finding};
use proptest::prelude::*;

use super::*;

const APPLE_SILICON: &str =
    include_str!("../../../profiles/macos/apple-silicon-system-profiler.json");
const INTEL: &str = include_str!("../../../profiles/macos/intel-system-profiler.json");
const INTEL_REGISTRY: &str = include_str!("../../../profiles/macos/intel-ioreg.txt");

const SALT: DeploymentSalt = DeploymentSalt::new([7; 32]);

fn collect(system_profiler: Option<&str>, ioreg: Option<&str>) -> Profile {
    let (profiled, registry) = (system_profiler.map(str::as_bytes), ioreg.map(str::as_bytes));
    AppleOutput::new(profiled, registry).unwrap().collect()
}

fn finding(profile: &Profile, wanted: K) -> Finding {
    profile.evidence(&SALT).unwrap().finding(wanted).clone()
}

#[test]
fn a_mac_with_a_chip_of_apple_is_known_by_system_profiler() {
    let profile = collect(Some(APPLE_SILICON), None);
    for (kind, raw) in [
        (K::BoardModel, "Apple Inc.|MacBookPro18,3"),
        (K::SystemUuid, "6D2F1A90-7B3C-5E48-A1D4-0F9E8C7B6A51"),
        (K::OsDisk, "0ba0123456789c1f"),
        (K::Nic, "f4:d4:88:01:02:03"),
        (K::Cpu, "Apple|||Apple M1 Pro"),
        (K::RamRange, "17179869184"),
        (K::ChassisSerial, "FVFX1AB2Q05P"),
        (K::BiosVersion, "10151.61.4"),
    ] {
        assert_eq!(profile.raw(kind), [raw], "{kind}");
        assert!(matches!(finding(&profile, kind), Finding::Present(_)));
    }
    for kind in [K::BoardSerial, K::Gpu, K::TpmEk, K::OsInstallId] {
        assert_eq!(finding(&profile, kind), Finding::Absent(AbsentReason::NotFound));
    }
}

#[test]
fn the_registry_knows_the_board_and_what_is_built_in() {
    let profile = collect(Some(INTEL), Some(INTEL_REGISTRY));
    for (kind, raw) in [
        (K::BoardSerial, "C020123456789ABC1"),
        (K::BoardModel, "Apple Inc.|Mac-E1008331FDC96864"),
        (K::SystemUuid, "1C0A2B3D-4E5F-5061-8273-8495A6B7C8D9"),
        (K::OsDisk, "C02012345678FGH1L"),
        (K::Cpu, "|||6-Core Intel Core i7"),
        (K::ChassisSerial, "C02D12ABMD6M"),
    ] {
        assert_eq!(profile.raw(kind), [raw], "{kind}");
    }
    assert_eq!(profile.raw(K::Gpu), ["8086:0x3e9b", "1002:0x7340"]);
    assert_eq!(profile.raw(K::Nic), ["f01898010203", "acde48001122"]);
    // The second is the same in every Mac with such a chip.
    let Finding::Present(digests) = finding(&profile, K::Nic) else { panic!("no adapter") };
    assert_eq!(digests.len(), 1);
    let alone = collect(None, Some(INTEL_REGISTRY));
    assert_eq!(alone.raw(K::OsDisk), ["C02012345678FGH1L"]);
    let profiled = collect(Some(INTEL), None);
    for kind in [K::SystemUuid, K::OsDisk, K::ChassisSerial, K::Nic] {
        assert_eq!(finding(&profiled, kind), finding(&profile, kind), "{kind}");
    }
}

#[test]
fn other_output_shows_nothing() {
    for text in ["{}", "[]", "{\"SPHardwareDataType\": 1}"] {
        assert!(AppleOutput::new(Some(text.as_bytes()), None).unwrap().is_empty());
    }
    assert!(AppleOutput::new(None, Some(b"+-o Root  <class")).unwrap().is_empty());
    assert!(AppleOutput::new(None, None).unwrap().is_empty());
    assert!(AppleOutput::new(Some(b"Hardware:\n"), None).is_err());
    assert!(!AppleOutput::new(Some(INTEL.as_bytes()), None).unwrap().is_empty());
}

proptest! {
    #[test]
    fn any_text_of_the_registry_is_read(
        lines in prop::collection::vec(
            "( {0,4}\\| {0,2}){0,2}(\\+-o |\"[A-Za-z ]{0,12}\" = |\"IOMACAddress\" = <|<class |\
             \"Device Characteristics\" = |\"Serial Number\"=\"|\\PC{0,8}|>|\"|\
             [0-9a-f]{0,12}){0,5}",
            0..24,
        ),
    ) {
        let text = lines.join("\n");
        let profile = collect(None, Some(&text));
        prop_assert!(profile == collect(None, Some(&text)));
        prop_assert!(profile.evidence(&SALT).is_ok());
    }

    #[test]
    fn a_registry_cut_anywhere_is_read(place in any::<prop::sample::Index>()) {
        let cut = &INTEL_REGISTRY.as_bytes()[..place.index(INTEL_REGISTRY.len())];
        prop_assert!(AppleOutput::new(None, Some(cut)).unwrap().collect().evidence(&SALT).is_ok());
    }
}
