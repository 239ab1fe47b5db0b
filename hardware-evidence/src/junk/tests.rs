//! Which values are junk, kind by kind, with the spellings that real firmware has.

use super::*;

const SERIALS: [ComponentKind; 3] =
    [ComponentKind::BoardSerial, ComponentKind::ChassisSerial, ComponentKind::OsDisk];

fn value(kind: ComponentKind, raw: &str) -> Option<String> {
    match read(kind, raw) {
        Reading::Value(value) => Some(value.expose().to_owned()),
        Reading::Junk | Reading::Empty => None,
    }
}

#[test]
fn lists_are_in_normal_form_sorted_and_without_twice() {
    for list in [TEXTS, SERIAL_TEXTS, SERIAL_PREFIXES] {
        assert!(list.is_sorted_by(|a, b| a < b));
        for text in list {
            assert_eq!(canonical::text(text, VALUE_CHARS_MAX), *text);
        }
    }
    for list in [TEXT_PREFIXES, TEXT_PARTS, MAC_PREFIXES] {
        assert!(list.is_sorted_by(|a, b| a < b));
        // They are compared with normal values, and may end where a word does.
        assert!(list.iter().all(|text| text.to_ascii_lowercase() == **text && text.len() > 4));
    }
    assert!(UUIDS.is_sorted_by(|a, b| a < b));
    for uuid in UUIDS {
        assert_eq!(canonical::uuid_as_written(uuid).as_deref(), Some(*uuid));
    }
    assert!(MACS.is_sorted_by(|a, b| a < b));
    for mac in MACS {
        assert_eq!(canonical::mac(mac).as_deref(), Some(*mac));
    }
}

const PLACEHOLDERS: &[&str] = &[
    "To Be Filled By O.E.M.",
    "to be filled by O.E.M",
    "To be filled  by OEM",
    "Default string",
    "Default_String",
    "System Serial Number",
    "SystemSerialNumb",
    "Not Specified",
    "NOT APPLICABLE",
    "N/A",
    "None",
    "INVALID",
    "O.E.M.",
    "Base Board Serial Number",
    "0",
    "00000000",
    "0000-0000",
    "FFFFFFFF",
    "xxxxxxxxxxx",
    "NNNNNNN",
    "--",
    "123456789",
    "1234567890123",
    "0123456789",
    "01234567890123456789",
    "MB-1234567890",
    "SN-123456fvgv3i0b8o5n6n7k",
    "Serial Number xxxxxx",
    "LNVNB161216",
    "Tulip Computers",
    "(null string)",
    "TBD by OEM",
    "BSN12345678901234567        ",
    "SSN12345678901234567",
    "Type2 - Board Serial Number1",
    "Type3 - Chassis Serial Number",
    "To be filled by O.E.M. by More String",
    "Chassis Serial Number",
    "XXXXXXX",
    "SN: xxxxxxxx",
    "OEM",
    "Unknown",
    "Default",
    "empty",
    "..................",
    " .. ",
    "   ",
    "                        ",
    "abcdefgh",
    "123456789ABCDEF",
    "9876543210",
    "SYS-1234567890",
    "drive-scsi0-0-0-0",
    "QM00001",
    "<BAD INDEX>",
    "<OUT OF SPEC>",
    "[REDACTED]",
    "No Asset Tag",
    "\u{fffd}\u{fffd}\u{fffd}",
];

#[test]
fn placeholders_of_firmware_are_junk_in_every_spelling() {
    for kind in SERIALS {
        for raw in PLACEHOLDERS {
            assert_eq!(read(kind, raw), Reading::Junk, "{kind} {raw}");
            assert!(is_junk(kind, raw));
        }
        for raw in ["", "\n", "\0\0", "\t"] {
            assert_eq!(read(kind, raw), Reading::Empty, "{kind}");
            assert!(is_junk(kind, raw));
        }
        for raw in [
            "/6B5XK12/CNFCW0096P01T8/",
            "BSN12345678901234568",
            "SN1234567",
            "7X12345678",
            "PF1A2B3C",
            "1235",
            "012",
            "ab",
            "abd",
            "0123456789b",
            "Typewriter 5000",
            "20240123456789",
        ] {
            assert!(!is_junk(kind, raw), "{kind} {raw}");
        }
    }
}

#[test]
fn a_placeholder_as_it_stands_is_told_from_junk_that_may_have_a_value_in_it() {
    for raw in [
        "To Be Filled By O.E.M.",
        "Type2 - Board Serial Number1",
        "BSN12345678901234567",
        "00000000",
        "123456789",
        "abcdef",
        "",
        "   ",
        "03000200-0400-0500-0006-000700080009",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    ] {
        assert!(is_placeholder(raw), "{raw}");
    }
    for raw in ["Serial Number: PF1A2B3C", "Default string PF1A2B3C", "JD-12345678", "PF1A2B3C"] {
        assert!(!is_placeholder(raw), "{raw}");
    }
    assert!(is_junk(ComponentKind::BoardSerial, "Serial Number: PF1A2B3C"));
}

#[test]
fn junk_uuids_are_junk_in_both_byte_orders() {
    for raw in [
        "00000000-0000-0000-0000-000000000000",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "03000200-0400-0500-0006-000700080009",
        "00020003-0004-0005-0006-000700080009",
        "00010203-0405-0607-0809-0a0b0c0d0e0f",
        "03020100-0504-0706-0809-0a0b0c0d0e0f",
        "01010101-0101-0101-0101-010101010101",
        "fefefefe-fefe-fefe-fefe-fefefefefefe",
        "deadbeef-1234-1234-1234-123456789012",
        "efbeadde-3412-3412-1234-123456789012",
        "6ab5b300-538d-1014-9fb5-b0684d007b53",
        "00b3b56a-8d53-1410-9fb5-b0684d007b53",
        "12345678-1234-5678-90ab-cddeefaabbcc",
        "78563412-3412-7856-90ab-cddeefaabbcc",
        "ffffff00-ffff-ffff-ffff-ffffffffffff",
        "2",
        "Not",
        "Not Settable",
        "Not Present",
    ] {
        assert_eq!(read(ComponentKind::SystemUuid, raw), Reading::Junk, "{raw}");
    }
    assert!(!is_junk(ComponentKind::SystemUuid, "4c4c4544-0042-3510-8056-b4c04f564a32"));
}

#[test]
fn shared_multicast_and_local_addresses_are_junk() {
    for raw in MACS.iter().copied().chain([
        "00:50:56:c0:00:01",
        "00:50:56:C0:00:08",
        "02:42:ac:11:00:02",
        "52:54:00:12:34:56",
        "52:54:00:12:34:5f",
        "fa:16:3e:01:02:03",
        "88:e2:20:52:41:53",
        "44:45:53:54:42:00",
        "00:00:5e:00:01:0a",
        "01:00:5e:00:00:01",
        "a4:bb:6d",
        "00:00:00:00",
    ]) {
        assert_eq!(read(ComponentKind::Nic, raw), Reading::Junk, "{raw}");
    }
    for raw in [
        "a4:bb:6d:01:02:03",
        "00:50:56:ab:cd:ef",
        "00:0c:29:11:22:33",
        "08:00:27:aa:bb:cc",
        "52:54:00:6b:3c:58",
    ] {
        assert!(!is_junk(ComponentKind::Nic, raw), "{raw}");
    }
}

#[test]
fn a_model_survives_without_its_manufacturer_and_not_without_its_product() {
    let kind = ComponentKind::BoardModel;
    assert_eq!(
        value(kind, "ASUSTeK COMPUTER INC.|PRIME  B450M-A").as_deref(),
        Some("asustek computer inc|prime b450m-a")
    );
    assert_eq!(value(kind, "To be filled by O.E.M.|X79").as_deref(), Some("|x79"));
    assert_eq!(value(kind, "LENOVO|LNVNB161216").as_deref(), Some("lenovo|lnvnb161216"));
    assert_eq!(read(kind, "ACME|Default string"), Reading::Junk);
    assert_eq!(read(kind, "ACME"), Reading::Junk);
    assert_eq!(read(kind, "|"), Reading::Empty);
}

#[test]
fn processors_keep_their_four_fields() {
    let kind = ComponentKind::Cpu;
    assert_eq!(
        value(kind, "GenuineIntel|6|158|Intel(R) Core(TM)  i7-9700K CPU @ 3.60GHz").as_deref(),
        Some("genuineintel|6|158|intel(r) core(tm) i7-9700k cpu @ 3.60ghz")
    );
    assert_eq!(value(kind, "AuthenticAMD|26|2|unknown").as_deref(), Some("authenticamd|26|2|"));
    assert_eq!(read(kind, "unknown|6|1|To Be Filled By O.E.M."), Reading::Junk);
    assert_eq!(read(kind, "|||"), Reading::Empty);
}

#[test]
fn the_remaining_kinds_know_their_junk() {
    assert_eq!(read(ComponentKind::TpmEk, EMPTY_SHA256), Reading::Junk);
    assert_eq!(read(ComponentKind::TpmEk, &"00".repeat(32)), Reading::Junk);
    assert_eq!(read(ComponentKind::TpmEk, "abcd"), Reading::Junk);
    assert!(!is_junk(ComponentKind::TpmEk, &"0a1b".repeat(16)));
    assert_eq!(read(ComponentKind::Gpu, "ffff:ffff"), Reading::Junk);
    assert_eq!(read(ComponentKind::Gpu, "0x0000:0x1234"), Reading::Junk);
    assert!(!is_junk(ComponentKind::Gpu, "10de:1f02"));
    assert_eq!(read(ComponentKind::RamRange, "0"), Reading::Junk);
    assert_eq!(read(ComponentKind::RamRange, "much"), Reading::Junk);
    assert_eq!(read(ComponentKind::OsInstallId, "uninitialized"), Reading::Junk);
    assert_eq!(read(ComponentKind::OsInstallId, &"0".repeat(32)), Reading::Junk);
    assert_eq!(
        value(ComponentKind::OsInstallId, "3D1219C7C4C5404AAA1F6D2A48ADFDA4\n").as_deref(),
        Some("3d1219c7-c4c5-404a-aa1f-6d2a48adfda4")
    );
    assert_eq!(read(ComponentKind::BiosVersion, "Default string"), Reading::Junk);
    assert_eq!(read(ComponentKind::OperatorHandle, "unknown"), Reading::Junk);
    assert_eq!(
        value(ComponentKind::OperatorHandle, " Rack-7/VM-12 ").as_deref(),
        Some("rack-7/vm-12")
    );
}

#[test]
fn values_are_cut_not_refused() {
    let long = "ab".repeat(10_000);
    let kept = value(ComponentKind::BoardSerial, &long).unwrap();
    assert_eq!(kept.chars().count(), VALUE_CHARS_MAX);
}

#[test]
fn a_normal_value_is_in_no_debug_text() {
    let reading = read(ComponentKind::BoardSerial, "PF1A2B3C");
    assert_eq!(format!("{reading:?}"), "Value(NormalValue(redacted))");
}

#[test]
fn the_published_junk_lists_are_these() {
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../../vectors/junk-v1.json")).unwrap();
    for (name, list) in [
        ("texts", TEXTS),
        ("text_prefixes", TEXT_PREFIXES),
        ("text_parts", TEXT_PARTS),
        ("serial_prefixes", SERIAL_PREFIXES),
        ("mac_prefixes", MAC_PREFIXES),
        ("serial_texts", SERIAL_TEXTS),
        ("uuids", UUIDS),
        ("macs", MACS),
        ("pci_vendors", PCI_VENDORS),
    ] {
        assert_eq!(file[name], serde_json::json!(list), "{name}");
    }
    assert_eq!(file["uuid_prefix"], UUID_PREFIX);
    assert_eq!(file["mac_suffix"], MAC_SUFFIX);
    assert_eq!(file["guest_mac_prefix"], GUEST_MAC_PREFIX);
    assert_eq!(file["counting_tail_digits_min"], COUNTING_TAIL_DIGITS_MIN);
    let sequences: Vec<_> = SEQUENCES
        .iter()
        .map(|(text, least)| serde_json::json!({ "text": text, "chars_min": least }))
        .collect();
    assert_eq!(file["sequences"], serde_json::json!(sequences));
    assert_eq!(file["empty_sha256"], EMPTY_SHA256);
}
