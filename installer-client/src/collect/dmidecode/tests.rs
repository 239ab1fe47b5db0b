//! dmidecode's text of many makers, and any bytes at all.

use hardware_evidence::{AbsentReason, ComponentKind as K, DeploymentSalt, Finding};
use proptest::prelude::*;

use super::*;

mod tables;
use tables::{DUMPS, Expected, IDENTITIES, MACHINES};

const SALT: DeploymentSalt = DeploymentSalt::new([7; 32]);

fn dump(name: &str) -> &'static str {
    DUMPS.iter().find(|(known, _)| *known == name).unwrap().1
}

fn finding(profile: &Profile, wanted: K) -> Finding {
    let evidence = profile.evidence(&SALT).unwrap();
    evidence.findings().find(|(kind, _)| *kind == wanted).unwrap().1.clone()
}

fn check(name: &str, kinds: [K; 5], expected: [Expected; 5]) {
    let profile = DmidecodeOutput::new(dump(name).as_bytes()).collect();
    for (kind, expected) in kinds.into_iter().zip(expected) {
        let found = finding(&profile, kind);
        let raw = profile.raw(kind).first().map(String::as_str);
        let as_expected = match expected {
            Expected::Is(value) => matches!(found, Finding::Present(_)) && raw == Some(value),
            Expected::Junk => found == Finding::Junk,
            Expected::Absent => matches!(found, Finding::Absent(_)),
        };
        assert!(as_expected, "{name}: {kind} is {found:?}, {raw:?}");
    }
}

#[test]
fn what_belongs_to_one_computer_is_found_and_placeholders_are_junk() {
    let kinds = [K::BoardSerial, K::BoardModel, K::SystemUuid, K::ChassisSerial, K::BiosVersion];
    for (name, expected) in IDENTITIES {
        check(name, kinds, expected);
    }
}

#[test]
fn processor_memory_and_hypervisor_are_those_that_the_system_itself_shows() {
    let gib = |n: u64| (n << 30).to_string();
    for (name, processor, memory_gib, hypervisor) in MACHINES {
        check(name, [K::Cpu; 5], [processor; 5]);
        let profile = DmidecodeOutput::new(dump(name).as_bytes()).collect();
        let memory = if memory_gib == 0 { vec![] } else { vec![gib(memory_gib)] };
        assert_eq!(profile.raw(K::RamRange), memory, "{name}");
        assert_eq!(profile.hypervisor(), hypervisor, "{name}");
    }
}

#[test]
fn a_board_is_one_value_whether_the_kernel_or_dmidecode_shows_it() {
    // SMBIOS before 2.6 does not say the byte order of a UUID, and tools differ.
    let old = "Handle 0x0001, DMI type 1, 25 bytes\nUUID: D3B2A1C0-F5E4-7746-8899-AABBCCDDEE01\n";
    let new = "Handle 0x0001, DMI type 1, 27 bytes\nUUID: c0a1b2d3-e4f5-4677-8899-aabbccddee01\n";
    let digest =
        |text: &str| finding(&DmidecodeOutput::new(text.as_bytes()).collect(), K::SystemUuid);
    assert!(matches!(digest(old), Finding::Present(_)));
    assert_eq!(digest(old), digest(new));
}

#[test]
fn placeholders_are_named_with_their_place_and_values_are_not() {
    let named = |name: &str| DmidecodeOutput::new(dump(name).as_bytes()).placeholders().to_vec();
    let tablet = named("tablet-type2-strings");
    let placeholder =
        |record, field, text: &str| Placeholder { record, field, text: Some(text.to_owned()) };
    for expected in [
        placeholder("system", "Version", "Type1 - TBD by OEM"),
        placeholder("system", "UUID", "78563412-3412-7856-90AB-CDDEEFAABBCC"),
        placeholder("board", "Serial Number", "Type2 - Board Serial Number1"),
        placeholder("chassis", "Asset Tag", "Chassis Asset Tag"),
    ] {
        assert!(tablet.contains(&expected), "{expected:?}");
    }
    for (name, text) in DUMPS {
        let profile = DmidecodeOutput::new(text.as_bytes()).collect();
        for found in named(name) {
            for kind in [K::BoardSerial, K::SystemUuid, K::ChassisSerial] {
                let is_value = matches!(finding(&profile, kind), Finding::Present(_));
                let shown = found.text.as_deref().unwrap_or_default();
                assert!(!is_value || !profile.raw(kind).iter().any(|raw| raw == shown));
            }
        }
    }
    let torn = "Handle 0x0001, DMI type 1, 27 bytes\nUUID: 4c4c4544-0042-3510-8058-b6c0\n";
    let torn = DmidecodeOutput::new(torn.as_bytes());
    assert_eq!(torn.placeholders(), [Placeholder { record: "system", field: "UUID", text: None }]);
}

#[test]
fn half_a_serial_number_is_none() {
    let whole = dump("lenovo-thinkpad-t480");
    let end = whole.find("L1HF85C0123").unwrap() + "L1HF8".len();
    let cut = DmidecodeOutput::new(&whole.as_bytes()[..end]).collect();
    assert_eq!(finding(&cut, K::BoardSerial), Finding::Absent(AbsentReason::Unreadable));
    assert!(matches!(finding(&cut, K::SystemUuid), Finding::Present(_)));
}

#[test]
fn the_form_of_the_text_does_not_matter() {
    for (name, text) in DUMPS {
        let expected = DmidecodeOutput::new(text.as_bytes()).collect();
        let utf16: Vec<u8> =
            [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let forms: [Vec<u8>; 7] = [
            text.replace('\n', "\r\n").into(),
            text.replace('\n', "\r").into(),
            text.replace('\t', "        ").into(),
            text.replace('\t', " ").into(),
            text.replace('\n', " \n").into(),
            [&b"\xef\xbb\xbf"[..], text.as_bytes()].concat(),
            utf16,
        ];
        for (number, form) in forms.iter().enumerate() {
            assert!(DmidecodeOutput::new(form).collect() == expected, "{name}, form {number}");
        }
        // Values keep their tabs until they are normalised.
        let tabs = DmidecodeOutput::new(text.replace(' ', "\t").as_bytes()).collect();
        for kind in K::ALL {
            assert_eq!(finding(&tabs, kind), finding(&expected, kind), "{name}, tabs");
        }
        assert_eq!(tabs.hypervisor(), expected.hypervisor());
        let doubled = format!("{text}\n{text}");
        let doubled = DmidecodeOutput::new(doubled.as_bytes()).collect();
        for kind in [K::BoardSerial, K::BoardModel, K::SystemUuid, K::ChassisSerial, K::Cpu] {
            assert_eq!(doubled.raw(kind), expected.raw(kind), "{name} twice");
        }
    }
}

#[test]
fn words_without_records_are_no_output_of_dmidecode() {
    for text in [
        "",
        "\n\n\n",
        "# dmidecode 3.3\n/dev/mem: Permission denied\n",
        "dmidecode: command not found\n",
        "# No SMBIOS nor DMI entry point found, sorry.\n",
        "{\"values\": {}}",
    ] {
        let output = DmidecodeOutput::new(text.as_bytes());
        assert_eq!(output.records(), 0, "{text:?}");
        assert!(output.collect().evidence(&SALT).unwrap().components().is_empty());
    }
}

#[test]
fn five_megabytes_are_read_line_by_line() {
    let mut text = String::from("Handle 0x0001, DMI type 1, 27 bytes\nSystem Information\n");
    text.push_str(&"\tSerial Number: To Be Filled By O.E.M.\n".repeat(70_000));
    text.push_str(&"Handle 0x0011, DMI type 17, 40 bytes\n\tSize: 1 MB\n".repeat(50_000));
    text.push_str(&format!("\tVersion: {}\n", "x".repeat(1 << 20)));
    assert!(text.len() > 5_000_000);
    let profile = DmidecodeOutput::new(text.as_bytes()).collect();
    assert_eq!(finding(&profile, K::ChassisSerial), Finding::Junk);
    assert!(matches!(finding(&profile, K::RamRange), Finding::Present(_)));
}

#[test]
fn debug_texts_show_no_values() {
    let shown = format!("{:?}", DmidecodeOutput::new(dump("dell-latitude-7490").as_bytes()));
    assert!(shown.contains("records") && !shown.contains("6B5XK12"));
}

/// Lines of the words that dmidecode's text is made of, in any order.
const WORDS: &str = "(Handle 0x000[0-9]|Handle|, DMI type [0-9]{1,6}|DMI type|\\PC{0,12}|UUID|\
                     Serial Number|: |:|\t|\r|[A-Z][a-z]+ Information|[0-9a-f-]{36}|ID: |\
                     Size: [0-9]{1,20} [kMGT]B){0,6}\n";

/// A dump with some of its bytes, lines and order changed.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0_u8..6);
    let changes = prop::collection::vec(change, 1..12);
    (prop::sample::select(DUMPS.to_vec()), changes).prop_map(|((_, text), changes)| {
        let mut lines: Vec<Vec<u8>> =
            text.split_inclusive('\n').map(|line| line.as_bytes().to_vec()).collect();
        for (place, byte, how) in changes {
            let at = place.index(lines.len());
            let line = lines[at].clone();
            match how {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, line),
                2 => lines[at].truncate(usize::from(byte) % (line.len() + 1)),
                3 => lines[at].insert(usize::from(byte) % (line.len() + 1), byte),
                4 => lines.swap(at, usize::from(byte) % 8),
                _ => lines[at] = line.repeat(usize::from(byte) + 1),
            }
            if lines.is_empty() {
                lines.push(Vec::new());
            }
        }
        lines.concat()
    })
}

/// Reads twice and checks what holds of every text.
fn read_twice(bytes: &[u8]) {
    let (once, again) = (DmidecodeOutput::new(bytes), DmidecodeOutput::new(bytes));
    let profile = once.collect();
    assert!(profile == again.collect());
    assert_eq!(once.placeholders(), again.placeholders());
    let evidence = profile.evidence(&SALT).unwrap();
    assert_eq!(evidence.findings().count(), 13);
    for kind in [K::OsDisk, K::Nic, K::TpmEk, K::Gpu, K::OsInstallId, K::OperatorHandle] {
        assert!(profile.raw(kind).is_empty());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        read_twice(&bytes);
    }

    #[test]
    fn any_lines_are_read(lines in prop::collection::vec(
        WORDS,
        0..24,
    )) {
        read_twice(lines.concat().as_bytes());
    }

    #[test]
    fn a_dump_cut_anywhere_shows_nothing_that_the_whole_one_does_not(
        (name, place) in (0..DUMPS.len(), any::<prop::sample::Index>()),
    ) {
        let (_, text) = DUMPS[name];
        let cut = &text.as_bytes()[..place.index(text.len())];
        read_twice(cut);
        let (whole, cut) =
            (DmidecodeOutput::new(text.as_bytes()).collect(), DmidecodeOutput::new(cut).collect());
        for kind in [K::BoardSerial, K::BoardModel, K::SystemUuid] {
            if matches!(finding(&cut, kind), Finding::Present(_)) {
                prop_assert_eq!(finding(&cut, kind), finding(&whole, kind));
            }
        }
    }

    #[test]
    fn changed_dumps_are_read(bytes in mutated()) {
        read_twice(&bytes);
    }
}
