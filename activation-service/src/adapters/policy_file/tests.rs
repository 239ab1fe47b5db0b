//! The built-in file is the policy of the rules, and every fault of a file is named with its field.

use super::*;

fn faults(text: &str) -> Vec<String> {
    let faults = parse(text).expect_err("it has faults");
    faults.iter().map(ToString::to_string).collect()
}

/// The built-in file under another version, with one text replaced.
fn changed(from: &str, to: &str) -> String {
    let own = BUILT_IN.replace("version = \"hw-v1\"", "version = \"own\"");
    assert!(own.contains(from), "{from}");
    own.replace(from, to)
}

#[test]
fn the_built_in_file_is_the_first_policy() {
    assert_eq!(parse(BUILT_IN), Ok(Rules::hw_v1()));
    assert_eq!(read(None).expect("built in"), Rules::hw_v1());
}

#[test]
fn the_stricter_file_is_a_policy_and_the_first_one_keeps_its_fingerprint() {
    let rules = parse(include_str!("../../../policy/hw-v2.toml")).expect("a policy");
    let decisive = |kind: &ComponentKind| rules.is_decisive(*kind);
    let decisive: Vec<_> = ComponentKind::ALL.into_iter().filter(decisive).collect();
    assert_eq!(decisive, [ComponentKind::BoardSerial]);
    let parts = ComponentKind::ALL.into_iter().filter(|kind| rules.is_part(*kind)).count();
    assert_eq!((parts, rules.changed_parts_max), (5, Some(2)));
    assert_eq!(parse(&write(&rules)), Ok(rules));
    // Services have logged it.
    let known = "c6e4f56948a88353cfe315523618c672d207488edca97d1f53ba83ee4a54f9b6";
    assert_eq!(fingerprint(&Rules::hw_v1()), known);
}

#[test]
fn what_is_written_is_read_again_and_has_one_fingerprint() {
    let text = changed("follows = []", "follows = [\"hw-v1\", \"b\"]")
        + "[[junk]]\nkind = \"NIC\"\ndigest = \"FFEEDDCCBBAA99887766554433221100\"\nsince = \"b\"\n"
        + "[[junk]]\nkind = \"OS_DISK\"\ndigest = \"00112233445566778899aabbccddeeff\"\n";
    let rules = parse(&text).expect("a policy");
    assert_eq!(rules.demoted[0].since, "b");
    assert_eq!(rules.demoted[1].since, "own", "its own version unless it says otherwise");
    let written = write(&rules);
    let again = parse(&written).expect("a policy");
    assert_eq!(write(&again), written);
    assert_eq!(fingerprint(&again), fingerprint(&rules));
    assert_ne!(fingerprint(&Rules::hw_v1()), fingerprint(&rules));
}

#[test]
fn every_fault_is_named_with_its_field() {
    let one = |from: &str, to: &str, wanted: &str| {
        let found = faults(&changed(from, to));
        assert!(found.len() == 1 && found[0].starts_with(wanted), "{found:?}, not {wanted}");
    };
    one("format = 1", "format = 2", "format: this version of the service reads format 1");
    one("format = 1", "", "format: missing");
    one("version = \"own\"", "version = \"Own policy\"", "version: 1 to 64 of");
    one("version = \"own\"", "version = 3", "version: it must be a text");
    one("follows = []", "follows = [\"own\"]", "follows[0]: it is the version of this policy");
    one("follows = []", "follows = [\"a\", \"a\"]", "follows[1]: a occurs twice");
    one("follows = []", "follows = \"a\"", "follows: it must be a list of texts");
    one("threshold_percent = 60", "threshold_percent = 59", "thresholds.threshold_percent: 59");
    one("threshold_percent = 60", "threshold_percent = 96", "thresholds.threshold_percent: 96");
    one("threshold_percent = 60", "threshold_percent = 60.5", "thresholds.threshold_percent: it");
    one("points_min = 30", "points_min = 0", "thresholds.points_min: 0 is not one of 1 to 100");
    one("weak_matches_max = 2", "weak_matches_max = -1", "thresholds.weak_matches_max: it must");
    one("weak_matches_max = 2", "weak_matches_max = 300", "thresholds.weak_matches_max: too large");
    one("[thresholds]", "[thresholds]\nlimit = 1", "thresholds.limit: unknown; known are");
    one("points = 24", "points = 23", "kinds: the points sum to 99");
    one("[kinds]", "[kinds]\nGPUS = {}", "kinds.GPUS: there is no such kind");
    one("[kinds]", "[kinds]\nBIOS_VERSION = {}", "kinds.BIOS_VERSION: this kind is never scored");
    one(
        "{ points = 8, anchor = false }",
        "{ points = 8, anchor = true }",
        "kinds.CPU.anchor: many",
    );
    one("{ points = 8, anchor = false }", "{ points = 8 }", "kinds.CPU.anchor: missing");
    one(
        "{ points = 8, anchor = false }",
        "{ points = 8, anchor = false, part = true }",
        "thresholds.changed_parts_max: needed, for 1 kinds are a part",
    );
    one(
        "[thresholds]",
        "[thresholds]\nchanged_parts_max = 0",
        "thresholds.changed_parts_max: 0 of 0 parts may change, so it forbids nothing",
    );
    one(
        "{ points = 8, anchor = false }",
        "{ points = 8, anchor = false, decisive = 1 }",
        "kinds.CPU.decisive: it must be",
    );
    one("anchor_points_min = 15", "anchor_points_min = 80", "kinds: all anchors together have 79");
    let found =
        faults(&format!("{}[[junk]]\nkind = \"NICS\"\ndigest = \"12\"\n", changed("1", "1")));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("junk[0].kind") && found[1].starts_with("junk[0].digest"));
    let value = "[[junk]]\nkind = \"NIC\"\ndigest = \"00112233445566778899aabbccddeeff\"\n";
    let twice = format!("{}{value}{value}since = \"z\"\n", changed("1", "1"));
    let found = faults(&twice);
    assert!(found[0].starts_with("junk[1].digest: this value of this kind occurs twice"));
    assert!(found[1].starts_with("junk[1].since: \"z\" is neither"), "{found:?}");
}

#[test]
fn all_faults_are_told_at_once_and_none_that_follows_from_another() {
    let text = changed("GPU = { points = 3, anchor = false }", "")
        .replace("points_min = 30", "points_min = 300")
        .replace("format = 1", "format = 7");
    let found = faults(&text);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().any(|fault| fault == "kinds.GPU: missing; it is a table"));
}

#[test]
fn another_policy_may_not_call_itself_built_in() {
    let found = faults(&BUILT_IN.replace("threshold_percent = 60", "threshold_percent = 70"));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("version: hw-v1 is the built-in policy"));
}

#[test]
fn a_text_that_is_no_toml_is_named_with_its_line() {
    assert!(faults("format = 1\nversion = \n")[0].starts_with("line 2: "));
    let nowhere = read(Some(Path::new("nowhere.toml"))).expect_err("no file");
    assert!(nowhere.to_string().starts_with("nowhere.toml: "));
}
