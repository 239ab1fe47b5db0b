//! Content with faults: each is found with its file and line, and none hides another.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::super::{FAULTS_MAX, FILE_BYTES_MAX, check};
use super::crate_folder;

const SERVER: &str = "servers/server-2019.toml";
const CALS: &str = "servers/server-2019-cals.toml";
const FAMILY: &str = "servers/family.toml";
const OFFER: &str = "offers/pack.toml";
const DUTCH: &str = "servers/install/windows.nl.md";

/// A small content without faults, in a folder of its own.
pub(super) fn minimal() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    copy(&crate_folder("tests/data/minimal"), folder.path());
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// The faults of a folder as `file:line: message`.
fn told(folder: &Path) -> Vec<String> {
    let faults = check(folder).expect_err("there are faults");
    faults.iter().map(ToString::to_string).collect()
}

/// Replaces the first `old` in a file and returns the faults that this makes.
fn told_after(file: &str, old: &str, new: &str) -> Vec<String> {
    let folder = minimal();
    let path = folder.path().join(file);
    let text = fs::read_to_string(&path).expect("a file");
    assert!(text.contains(old), "{file} has no `{old}`");
    fs::write(&path, text.replacen(old, new, 1)).expect("a file");
    told(folder.path())
}

/// One change makes one fault, at this line, with these words.
#[track_caller]
fn one_fault(file: &str, old: &str, new: &str, line: usize, words: &str) {
    let told = told_after(file, old, new);
    let place = format!("{file}:{line}: ");
    assert!(
        matches!(told.as_slice(), [one] if one.starts_with(&place) && one.contains(words)),
        "`{old}` -> `{new}`: wanted {place}{words}, got {told:#?}"
    );
}

#[test]
fn the_small_content_has_no_faults() {
    check(minimal().path()).expect("no faults");
}

#[test]
fn a_folder_with_ten_faults_is_told_all_ten_with_file_and_line() {
    let told = told(&crate_folder("tests/data/ten-faults"));
    let wanted = [
        ("offers/pack.toml:16: ", "`licences` is not known here"),
        ("offers/pack.toml:21: ", "there is no product `server-2020`"),
        ("servers/install/windows.nl.md:1: ", "{#system-requirements} is missing"),
        ("servers/server-2019-cals.toml:2: ", "a client access licence cannot be downloaded"),
        ("servers/server-2019-cals.toml:6: ", "there is no product `server-2018`"),
        ("servers/server-2019.toml:5: ", "no platform is called `beos`"),
        ("servers/server-2019.toml:13: ", "`description` is missing"),
        ("servers/server-2019.toml:29: ", "`uri` must be an https link"),
        ("servers/server-2019.toml:31: ", "`sha256` must be 64 lower-case hex digits"),
        ("tools/family.toml:4: ", "not TOML"),
    ];
    assert_eq!(told.len(), wanted.len(), "{told:#?}");
    for ((place, words), told) in wanted.iter().zip(&told) {
        assert!(told.starts_with(place) && told.contains(words), "{place}{words}: {told}");
    }
}

#[test]
fn faults_of_a_product_are_told_where_they_stand() {
    for (old, new, line, words) in [
        ("kind = \"software\"", "kind = \"game\"", 1, "`kind` is \"software\" or"),
        ("kind = \"software\"\n", "", 1, "`kind` is missing"),
        ("downloadable = true", "downloadable = \"yes\"", 2, "must be true or false"),
        ("key_required = true", "key_required = false", 3, "needs a product key"),
        ("[\"windows\"]", "[]", 5, "must name at least one"),
        ("[\"windows\"]", "[\"windows\", \"windows\"]", 5, "occurs twice"),
        ("[\"windows\"]", "[\"windows\", 7]", 5, "must hold texts only"),
        ("files_sample", "colour = 1\nfiles_sample", 6, "`colour` is not known here"),
        ("title = \"Server 2019\"", "title = \" \"", 9, "must not be empty"),
        ("title = \"Server 2019\"", "title = 2019", 9, "must be a text"),
        ("title = \"Server 2019\"", "title = \"a\\nb\"", 9, "must be one line"),
        ("title = \"Server 2019\"", "title = \"a\\u0007\"", 9, "control characters"),
        ("note = \"A remark.\"\n", "", 8, "`note` is missing in some languages"),
        ("note = \"A", "not_downloadable_note = \"x\"\nnote = \"A", 11, "can be downloaded has no"),
        ("id = \"2019\"", "id = \"20 19\"", 19, "`id` consists of"),
        ("language = \"en-US\"", "language = \"en_US\"", 27, "is not a language tag"),
        ("architecture = \"x64\"", "architecture = \"m68k\"", 28, "no architecture is called"),
        ("server-en-x64.iso\"", "a/b.iso\"", 29, "is a name, not a path"),
        ("https://downloads", "http://downloads", 30, "must be an https link"),
        ("https://downloads.example.com", "https://localhost", 30, "must be an https link"),
        ("1_000_000", "0", 31, "a whole number from 1"),
        ("1_000_000", "-1", 31, "a whole number from 1"),
        ("0001\"", "000A\"", 32, "must be 64 lower-case hex digits"),
    ] {
        one_fault(SERVER, old, new, line, words);
    }
}

#[test]
fn missing_and_foreign_languages_are_both_told() {
    let told = told_after(SERVER, "[text.nl]", "[text.de]");
    assert_eq!(
        told,
        [
            format!("{SERVER}:8: the texts in `nl` are missing"),
            format!("{SERVER}:13: `de` is not one of the languages of the family"),
        ]
    );
    one_fault(FAMILY, "\"nl\"]", "\"nl\", \"Dutch\"]", 1, "is not a language tag");
    one_fault(FAMILY, "\"nl\"]", "\"nl\", \"nl\"]", 1, "occurs twice");
    one_fault(FAMILY, "[\"en\", ", "[", 1, "must have \"en\"");
}

#[test]
fn r9_a_cal_is_neither_downloaded_nor_activated_and_is_managed_by_a_server() {
    one_fault(CALS, "key_required = false", "key_required = true", 3, "has no product key");
    one_fault(CALS, "managed_by = [\"server-2019\"]\n", "", 1, "names the products that manage");
    one_fault(CALS, "[\"server-2019\"]", "[\"server-2019-cals\"]", 6, "it manages nothing");
    one_fault(CALS, "[\"server-2019\"]", "[\"x\", \"server-2019\"]", 6, "no product `x`");
    let told = told_after(CALS, "downloadable = false", "downloadable = true");
    assert!(told.iter().any(|told| told.contains("licence cannot be downloaded")), "{told:#?}");
    let told =
        told_after(FAMILY, "not_downloadable_note = \"No further details available.\"\n", "");
    assert!(told.iter().any(|told| told.contains("missing in some languages")), "{told:#?}");
}

#[test]
fn faults_of_an_offer_are_told_where_they_stand() {
    for (old, new, line, words) in [
        ("hardware-tolerant", "sometimes", 3, "no counting mode is called `sometimes`"),
        ("program = \"PACK\"\n", "", 1, "`program` is missing"),
        ("servers = \"Sample.\"\n", "", 16, "a sample limit needs a reason"),
        ("servers = \"S", "desks = \"x\"\nservers = \"S", 12, "grants nothing of family `desks`"),
        ("\"CAL\"", "\"seat\"", 21, "no unit is called `seat`"),
        ("\"CAL\"", "\"user\"", 21, "the unit \"CAL\" is for"),
        ("value = 16", "value = 0", 16, "a whole number from 1"),
        ("value = 5", "value = 1_000_001", 17, "a whole number from 1"),
        ("activation_limit = {", "activation_limits = {", 17, "is not known here"),
        (
            "printed = \"10\" }",
            "printed = \"10\" }\nactivation_limit = { value = 1, sample = true }",
            22,
            "is not activated, so it has no `activation_limit`",
        ),
    ] {
        let told = told_after(OFFER, old, new);
        let place = format!("{OFFER}:{line}: ");
        let found = told.iter().any(|told| told.starts_with(&place) && told.contains(words));
        assert!(found, "`{old}` -> `{new}`: wanted {place}{words}, got {told:#?}");
    }
    let told = told_after(OFFER, "activation_limit = {", "# {");
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("the product must be activated"), "{told:#?}");
    let told = told_after(OFFER, "\"server-2019-cals\"", "\"server-2019\"");
    assert!(told.iter().any(|told| told.contains("is granted twice")), "{told:#?}");
}

#[test]
fn faults_of_a_walkthrough_are_told_where_they_stand() {
    for (old, new, line, words) in [
        ("{#introduction}", "{#preface}", 1, "has none of the marks"),
        ("{#activation-walkthrough}", "{#introduction}", 5, "{#introduction} occurs twice"),
        ("1. Setup.\n", "", 5, "{#activation-walkthrough} has no text"),
        ("1. Setup.", "1. [Setup](http://example.com).", 7, "must begin with https://"),
        ("1. Setup.", "# Setup\n", 7, "the only headings above level 3"),
        ("{{product}}", "{{vendor}}", 3, "`{{vendor}}` stands for nothing here"),
        ("{{product}}", "\n\n{{managed_by}}", 5, "`{{managed_by}}` stands for nothing here"),
        ("## Inleiding", "Hallo\n## Inleiding", 1, "stands before the first heading"),
    ] {
        let told = told_after(DUTCH, old, new);
        let place = format!("{DUTCH}:{line}: ");
        let found = told.iter().any(|told| told.starts_with(&place) && told.contains(words));
        assert!(found, "`{old}` -> `{new}`: wanted {place}{words}, got {told:#?}");
    }
    let fenced = told_after(DUTCH, "1. Setup.", "```sh\n# no heading\n## nor this\n```\n{{x}}");
    assert_eq!(fenced.len(), 1, "code is not read as headings: {fenced:#?}");
}

#[test]
fn a_file_in_the_wrong_place_or_without_a_use_is_told() {
    let folder = minimal();
    for (file, text) in [
        ("notes.txt", ""),
        ("servers/logo.png", ""),
        ("offers/deep/pack.toml", ""),
        ("servers/install/amiga.en.md", "## A {#introduction}\n\nx\n"),
        ("servers/install/windows.de.md", "## A {#introduction}\n\nx\n"),
        ("servers/install/linux.en.md", "## A {#introduction}\n\nx\n"),
        ("servers/install/server-2020/windows.en.md", "## A {#introduction}\n\nx\n"),
        ("servers/install/server-2019/2016/windows.en.md", "## A {#introduction}\n\nx\n"),
        ("servers/install/server-2019/windows.en.md", "\n"),
        ("Desks/family.toml", ""),
        ("tools/server-2019.toml", ""),
        ("servers/a_b.toml", ""),
    ] {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let told = told(folder.path());
    for wanted in [
        "notes.txt:1: no content has this place",
        "servers/logo.png:1: no content has this place",
        "offers/deep/pack.toml:1: no content has this place",
        "servers/install/amiga.en.md:1: a walkthrough is called",
        "servers/install/windows.de.md:1: `de` is not one of the languages",
        "servers/install/linux.en.md:1: no product of the family is for `linux`",
        "servers/install/server-2020/windows.en.md:1: the family has no product `server-2020`",
        "servers/install/server-2019/2016/windows.en.md:1: `server-2019` has no version `2016`",
        "servers/install/server-2019/windows.en.md:1: has none of the headings",
        "Desks:1: the name of the folder",
        "tools/family.toml:1: is missing",
        "tools/server-2019.toml:1: family `servers` has a product of this name already",
        "servers/a_b.toml:1: the file name",
    ] {
        assert!(told.iter().any(|told| told.starts_with(wanted)), "{wanted}: {told:#?}");
    }
}

#[test]
fn a_missing_folder_and_an_empty_one_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(told(folder.path()), [".:1: the folder holds no family of products"]);
    let gone = told(&folder.path().join("gone"));
    assert!(gone[0].starts_with(".:1: cannot open the folder"), "{gone:#?}");
}

#[test]
fn a_missing_walkthrough_is_told_once() {
    let folder = minimal();
    fs::remove_file(folder.path().join(DUTCH)).expect("a file");
    let wanted = format!("{DUTCH}:1: is missing: the family has products for `windows`");
    assert_eq!(told(folder.path()), [wanted]);
}

#[test]
fn what_is_no_text_or_too_large_is_told_and_not_read() {
    let folder = minimal();
    let large = "x".repeat(usize::try_from(FILE_BYTES_MAX).expect("fits") + 1);
    fs::write(folder.path().join("offers/large.toml"), large).expect("a file");
    fs::write(folder.path().join("offers/binary.toml"), b"a = 1\nb = \"\xff\"").expect("a file");
    let told = told(folder.path());
    assert_eq!(
        told,
        [
            "offers/binary.toml:2: is not UTF-8".to_owned(),
            format!("offers/large.toml:1: is larger than {FILE_BYTES_MAX} bytes"),
        ]
    );
}

#[cfg(unix)]
#[test]
fn links_may_lead_within_the_folder_and_not_out_of_it() {
    use std::os::unix::fs::symlink;
    let folder = minimal();
    let outside = tempfile::NamedTempFile::new().expect("a file");
    symlink(outside.path(), folder.path().join("offers/out.toml")).expect("a link");
    symlink("/", folder.path().join("root")).expect("a link");
    symlink("gone", folder.path().join("offers/gone.toml")).expect("a link");
    symlink("..", folder.path().join("servers/loop")).expect("a link");
    let told = told(folder.path());
    let has = |words: &str| told.iter().any(|told| told.starts_with(words));
    assert!(has("offers/out.toml:1: leads out of the content folder"), "{told:#?}");
    assert!(has("root:1: leads out of the content folder"), "{told:#?}");
    assert!(has("offers/gone.toml:1: cannot be opened"), "{told:#?}");
    assert!(has("servers/loop/servers/loop/servers:1: no content lies this deep"), "{told:#?}");

    // Volumes of containers are made of such links.
    let volume = tempfile::tempdir().expect("a folder");
    fs::rename(minimal().path(), volume.path().join("..data")).expect("a rename");
    symlink("..data/servers", volume.path().join("servers")).expect("a link");
    symlink("..data/offers", volume.path().join("offers")).expect("a link");
    check(volume.path()).expect("no faults");
}

#[test]
fn broken_toml_hides_no_fault_of_another_file() {
    let folder = minimal();
    fs::write(folder.path().join(FAMILY), "languages = [\n[text.en\n").expect("a file");
    let path = folder.path().join(SERVER);
    let text = fs::read_to_string(&path).expect("a file");
    fs::write(&path, text.replacen("\"software\"", "\"game\"", 1)).expect("a file");
    let told = told(folder.path());
    assert!(told.iter().any(|told| told.starts_with(FAMILY) && told.contains("not TOML")));
    let others: Vec<&String> = told.iter().filter(|told| !told.starts_with(FAMILY)).collect();
    assert_eq!(others.len(), 1, "nothing that is no fault is told: {others:#?}");
    assert!(others[0].starts_with(&format!("{SERVER}:1: `kind` is")), "{others:#?}");
}

#[test]
fn the_list_of_faults_is_bounded() {
    let unknown: String = (0..FAULTS_MAX + 7).map(|index| format!("x{index} = 1\n")).collect();
    let told = told_after(OFFER, "program =", &format!("{unknown}program ="));
    assert_eq!(told.len(), FAULTS_MAX + 1);
    assert_eq!(told.last().expect("a last one"), ".:1: 7 more faults are not listed");
}
