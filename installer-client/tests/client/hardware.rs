//! `hardware show` on recorded output and `hardware compare`, as scripts and people meet them.

use hardware_evidence::{ComponentKind, DeploymentSalt};
use installer_client::{Collector as _, DmidecodeOutput};
use serde_json::Value;

use crate::commands::{Shell, stderr, stdout};
use crate::fake::SALT;

const LAPTOP: &str = include_str!("../../profiles/dmidecode/dell-latitude-7490.txt");
const WHITE_BOX: &str = include_str!("../../profiles/dmidecode/asrock-white-box.txt");

fn shell() -> Shell {
    let shell = Shell::new();
    std::fs::write(shell.path("laptop.txt"), LAPTOP).unwrap();
    std::fs::write(shell.path("white-box.txt"), WHITE_BOX).unwrap();
    shell
}

fn json(shell: &Shell, line: &str, input: &str) -> Value {
    let output = shell.run(line, input);
    assert_eq!(output.status.code(), Some(0), "{line}: {}", stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap()
}

fn of_kind<'a>(shown: &'a Value, kind: &str) -> &'a Value {
    let kinds = shown["kinds"].as_array().unwrap();
    kinds.iter().find(|found| found["kind"] == kind).unwrap()
}

#[test]
fn output_of_dmidecode_is_shown_from_a_file_and_from_standard_input() {
    let shell = shell();
    let line = "hardware show --salt-file @salt --json --dmidecode";
    let of_file = json(&shell, &format!("{line} @white-box.txt"), "");
    assert_eq!(of_file, json(&shell, &format!("{line} -"), WHITE_BOX));
    assert_eq!(of_kind(&of_file, "BOARD_SERIAL")["state"], "present");
    assert_eq!(of_kind(&of_file, "SYSTEM_UUID")["state"], "junk");
    assert_eq!(of_kind(&of_file, "OS_DISK")["state"], "absent");
    let placeholders = of_file["placeholders"].as_array().unwrap();
    let named = |record: &str, field: &str, text: &str| {
        placeholders.iter().any(|found| {
            found["record"] == record && found["field"] == field && found["text"] == text
        })
    };
    assert!(named("system", "Serial Number", "To Be Filled By O.E.M."));
    assert!(named("system", "UUID", "03000200-0400-0500-0006-000700080009"));
    let table = shell.run("hardware show --dmidecode @white-box.txt", "");
    assert!(
        stderr(&table).contains("placeholder in chassis, Serial Number: To Be Filled By O.E.M.")
    );
}

#[test]
fn values_of_a_dump_are_shown_only_if_asked_for() {
    let shell = shell();
    let profile = DmidecodeOutput::new(LAPTOP.as_bytes()).collect();
    for form in ["", "--json"] {
        let line = format!("hardware show --dmidecode @laptop.txt --salt-file @salt {form}");
        let output = shell.run(&line, "");
        let shown = stdout(&output) + &stderr(&output);
        for kind in ComponentKind::ALL {
            assert!(profile.raw(kind).iter().all(|raw| !shown.contains(raw.as_str())), "{kind}");
        }
        for component in profile.evidence(&DeploymentSalt::new(SALT)).unwrap().components() {
            assert!(component.digests.iter().all(|digest| shown.contains(&digest.to_hex())));
        }
        assert!(stdout(&shell.run(&format!("{line} --raw"), "")).contains("6B5XK12"));
    }
}

#[test]
fn what_is_no_output_of_dmidecode_shows_nothing_and_says_so() {
    let shell = shell();
    for input in ["", "/dev/mem: Permission denied\n", "\u{0}\u{1}\u{2}"] {
        let output = shell.run("hardware show --json --dmidecode -", input);
        assert_eq!(output.status.code(), Some(0));
        assert!(stderr(&output).contains("no record of dmidecode was found"));
        let shown: Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert!(shown["kinds"].as_array().unwrap().iter().all(|kind| kind["state"] == "absent"));
    }
}

#[test]
fn every_form_of_a_computer_compares_with_every_other() {
    let shell = shell();
    for (name, options) in
        [("digests.json", "--salt-file @salt"), ("raw.json", "--raw"), ("bare.json", "")]
    {
        let line = format!("hardware show --dmidecode @laptop.txt --json {options}");
        std::fs::write(shell.path(name), stdout(&shell.run(&line, ""))).unwrap();
    }
    for one in ["laptop.txt", "digests.json", "raw.json"] {
        for other in ["laptop.txt", "digests.json", "raw.json"] {
            let line = format!("hardware compare @{one} @{other} --json --salt-file @salt");
            let compared = json(&shell, &line, "");
            assert_eq!(compared["verdict"], "NOT_COUNTED_SAME_COMPUTER", "{one} {other}");
            assert_eq!(compared["score"], 100);
            assert_eq!(of_kind(&compared, "BOARD_SERIAL")["verdict"], "matched");
        }
    }
    let twice = json(&shell, "hardware compare @digests.json @digests.json --json", "");
    assert_eq!(twice["verdict"], "NOT_COUNTED_SAME_COMPUTER");
    for (line, says) in [
        ("hardware compare @laptop.txt @digests.json", "--salt-file"),
        ("hardware compare @laptop.txt @bare.json", "has no digests"),
        ("hardware compare @laptop.txt @key", "no record was found"),
        ("hardware compare - -", "standard input"),
    ] {
        let output = shell.run(line, "");
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(stderr(&output).contains(says), "{line}: {}", stderr(&output));
    }
    std::fs::write(shell.path("salt"), "08".repeat(32)).unwrap();
    let other = shell.run("hardware compare @digests.json @laptop.txt --salt-file @salt", "");
    assert!(stderr(&other).contains("another salt"), "{}", stderr(&other));
}

#[test]
fn output_of_windows_and_macos_is_shown_and_compared() {
    let shell = shell();
    for (name, text) in [
        ("cim.json", include_str!("../../profiles/windows/lenovo-thinkpad-t480.json")),
        ("dump.txt", include_str!("../../profiles/dmidecode/lenovo-thinkpad-t480.txt")),
        ("profiled.json", include_str!("../../profiles/macos/intel-system-profiler.json")),
        ("ioreg.txt", include_str!("../../profiles/macos/intel-ioreg.txt")),
        ("guest.json", include_str!("../../profiles/windows/hyperv-guest.json")),
    ] {
        std::fs::write(shell.path(name), text).unwrap();
    }
    let compared = json(&shell, "hardware compare @cim.json @dump.txt --json", "");
    assert_eq!(compared["verdict"], "NOT_COUNTED_SAME_COMPUTER");
    assert_eq!(compared["comparablePoints"], 57);
    let mac = "hardware show --system-profiler @profiled.json --ioreg @ioreg.txt --json";
    assert_eq!(of_kind(&json(&shell, mac, ""), "BOARD_SERIAL")["state"], "present");
    let registry = json(&shell, "hardware show --ioreg @ioreg.txt --json", "");
    assert_eq!(of_kind(&registry, "OS_DISK")["state"], "present");
    let guest = shell.run("hardware show --cim @guest.json --json", "");
    assert!(stderr(&guest).contains("a guest of Hyper-V"));
    let guest: Value = serde_json::from_str(&stdout(&guest)).unwrap();
    assert_eq!(guest["hypervisor"], "Hyper-V");
    for (line, code, says) in [
        ("hardware show --cim @dump.txt", 1, "no JSON"),
        ("hardware show --system-profiler @dump.txt", 1, "no JSON"),
        ("hardware show --cim @profile.json", 0, "no CIM instance"),
        ("hardware show --system-profiler @profile.json", 0, "nothing of a Mac"),
        ("hardware show --cim @cim.json --dmidecode @dump.txt", 1, "cannot be used"),
    ] {
        let output = shell.run(line, "");
        assert_eq!(output.status.code(), Some(code), "{line}");
        assert!(stderr(&output).contains(says), "{line}: {}", stderr(&output));
    }
}

#[test]
fn a_comparison_explains_itself() {
    let shell = shell();
    let compared = json(&shell, "hardware compare @laptop.txt @white-box.txt --json", "");
    assert_eq!(compared["verdict"], "COUNTED_NEW_COMPUTER");
    assert_eq!(compared["threshold"], 60);
    assert_eq!(of_kind(&compared, "BOARD_SERIAL")["verdict"], "changed");
    assert_eq!(of_kind(&compared, "SYSTEM_UUID")["verdict"], "junk");
    assert_eq!(of_kind(&compared, "SYSTEM_UUID")["report"], "junk");
    assert_eq!(of_kind(&compared, "OS_DISK")["verdict"], "absent");
    let other_board = LAPTOP.replace("/6B5XK12/CNFCW0096P01T8/", "/6B5XK12/CNFCW0096Q0777/");
    std::fs::write(shell.path("changed.txt"), other_board).unwrap();
    let changed = json(&shell, "hardware compare @laptop.txt @changed.txt --json", "");
    assert_eq!(changed["verdict"], "COUNTED_SIGNIFICANT_CHANGE");
    assert_eq!((&changed["matchedPoints"], &changed["comparablePoints"]), (&33.into(), &57.into()));
    let small = json(
        &shell,
        "hardware compare @laptop.txt - --json",
        "Handle 0x0001, DMI type 1, 27 bytes\nUUID: 4c4c4544-0042-3510-8058-b6c04f4b3132\n",
    );
    assert_eq!(small["verdict"], "INSUFFICIENT_EVIDENCE");
    let table = stdout(&shell.run("hardware compare @laptop.txt @changed.txt", ""));
    for word in ["COUNTED_SIGNIFICANT_CHANGE", "57 %, 60 % are needed", "changed", "matched"] {
        assert!(table.contains(word), "{word} is not in\n{table}");
    }
    assert!(!table.contains("6B5XK12"));
}
