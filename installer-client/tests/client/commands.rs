//! benefitsctl as people and scripts meet it: exit codes, what is printed where, and what never is.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use hardware_evidence::{ComponentKind, DeploymentSalt};
use installer_client::{Profile, RECORDED_DESKTOP};
use serde_json::Value;
use tempfile::TempDir;
use tonic::Code;

use crate::fake::{Fake, Reply, SALT, counted, refusal};

const KEY: &str = "ABCDE-FGHJK-LMNPQ-RSTUV-WXYZ2";

/// A folder with a profile, a salt and a key, and the program in it.
pub(crate) struct Shell(TempDir);

impl Shell {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("profile.json"), RECORDED_DESKTOP).unwrap();
        std::fs::write(folder.path().join("salt"), "07".repeat(32)).unwrap();
        std::fs::write(folder.path().join("key"), format!("{KEY}\n")).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs with words split at spaces; `@name` is a file of the shell's folder.
    pub(crate) fn run(&self, line: &str, input: &str) -> Output {
        let words = line.split(' ').filter(|word| !word.is_empty()).map(|word| {
            match word.strip_prefix('@') {
                Some(name) => self.path(name),
                None => word.to_owned(),
            }
        });
        let mut child = Command::new(env!("CARGO_BIN_EXE_benefitsctl"))
            .args(words)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that needs no input may be gone before it gets any.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn activate(&self, fake: &Fake, options: &str) -> Output {
        let uri = fake.uri();
        self.run(
            &format!(
                "activate --activation-endpoint {uri} --product windows-server --platform windows \
                 --profile @profile.json --state-dir @state {options}"
            ),
            &format!("{KEY}\n"),
        )
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn hardware_show_tells_kinds_and_never_values_unless_asked() {
    let shell = Shell::new();
    let profile = Profile::from_json(RECORDED_DESKTOP).unwrap();
    for format in ["table", "json"] {
        let line = format!("hardware show --profile @profile.json --salt-file @salt -o {format}");
        let output = shell.run(&line, "");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let shown = stdout(&output) + &stderr(&output);
        for kind in ComponentKind::ALL {
            assert!(shown.contains(kind.name()));
            for raw in profile.raw(kind) {
                assert!(!shown.contains(raw.as_str()), "{kind} is shown");
            }
        }
        for component in profile.evidence(&DeploymentSalt::new(SALT)).unwrap().components() {
            assert!(component.digests.iter().all(|digest| shown.contains(&digest.to_hex())));
        }
        let raw = stdout(&shell.run(&format!("{line} --raw"), ""));
        assert!(raw.contains("190757218304512"));
    }
}

#[test]
fn hardware_show_reads_this_computer_without_a_service() {
    let output = Shell::new().run("hardware show -o json", "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let shown: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(shown["kinds"].as_array().unwrap().len(), 13);
    assert!(!stdout(&output).contains("digests"), "there is no salt");
}

#[test]
fn hardware_show_makes_a_request_for_grpcurl() {
    let shell = Shell::new();
    let line = "hardware show -o activate-request --profile @profile.json --salt-file @salt \
                --product-key-file @key --product windows-server --platform windows";
    let first = shell.run(line, "");
    let request: Value = serde_json::from_str(&stdout(&first)).unwrap();
    assert_eq!(request["productKey"], KEY.replace('-', ""));
    assert_eq!(request["product"], "products/windows-server");
    assert_eq!(request["platform"], "PLATFORM_WINDOWS");
    assert_eq!(request["evidence"]["components"].as_array().unwrap().len(), 12);
    let id = request["requestId"].as_str().unwrap();
    assert_eq!(id.len(), 24, "base64 of 16 bytes");
    let second: Value = serde_json::from_str(&stdout(&shell.run(line, ""))).unwrap();
    assert_ne!(second["requestId"], id, "each request has an id of its own");
    assert!(stderr(&first).is_empty());

    let without = shell.run("hardware show -o activate-request --salt-file @salt", "");
    assert_eq!(without.status.code(), Some(0));
    assert!(stderr(&without).contains("productKey"));
    assert_eq!(shell.run("hardware show -o activate-request", "").status.code(), Some(1));
}

#[test]
fn an_activation_exits_with_0_and_shows_its_counts() {
    let shell = Shell::new();
    let fake = Fake::start([Reply::Answer(counted()), Reply::Answer(counted())]);
    let table = shell.activate(&fake, "--language nl");
    assert_eq!(table.status.code(), Some(0), "{}", stderr(&table));
    for text in ["COUNTED_NEW_COMPUTER", "1 of 5", "OS_DISK", "absent"] {
        assert!(stdout(&table).contains(text), "{text}");
    }
    let language = fake.script.metadata.lock().unwrap()[0].get("accept-language").cloned();
    assert_eq!(language.unwrap(), "nl");
    let json = shell.activate(&fake, "-o json");
    let answer: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(answer["used"], 1);
    assert_eq!(answer["outcome"], "ACTIVATION_OUTCOME_COUNTED_NEW_COMPUTER");
    assert_eq!(fake.activations()[0].product_key, KEY.replace('-', ""));
}

#[test]
fn a_refusal_exits_with_2_and_says_why_and_where_to_go() {
    let shell = Shell::new();
    let refuse = || Reply::Refuse(refusal(Code::FailedPrecondition, "ACTIVATION_LIMIT_REACHED"));
    let fake = Fake::start([refuse(), refuse()]);
    let table = shell.activate(&fake, "");
    assert_eq!(table.status.code(), Some(2));
    assert!(stdout(&table).is_empty());
    for text in [
        "refused: ACTIVATION_LIMIT_REACHED",
        "De sleutel kan niet meer worden geactiveerd.",
        "https://example.com/support",
        "field request_id: must have 16 bytes",
    ] {
        assert!(stderr(&table).contains(text), "{text}");
    }
    let json = shell.activate(&fake, "-o json");
    assert_eq!(json.status.code(), Some(2));
    let error: Value = serde_json::from_str(&stderr(&json)).unwrap();
    assert_eq!(error["error"]["kind"], "REFUSED");
    assert_eq!(error["error"]["reason"], "ACTIVATION_LIMIT_REACHED");
    assert_eq!(error["error"]["badFields"][0]["field"], "request_id");
}

#[test]
fn a_service_that_is_not_there_exits_with_3() {
    let shell = Shell::new();
    let fake = Fake::start([]);
    fake.die();
    let line = format!("keys show ab12 --activation-endpoint {}", fake.uri());
    let output = shell.run(&line, "");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).starts_with("unavailable:"));
}

#[test]
fn wrong_usage_exits_with_1_and_help_with_0() {
    let shell = Shell::new();
    for line in [
        "fly",
        "activate",
        "activate --product x --product-key-file @key --activation-endpoint http://example.com:1",
        "activate --product x --product-key-file @missing --activation-endpoint http://127.0.0.1:1",
        "benefits list --partner contoso",
        "benefits list --partner contoso --catalog-endpoint https://example.com",
        "keys show ab --activation-endpoint http://127.0.0.1:1 --dev-identity nonsense",
        "keys show ab --activation-endpoint http://127.0.0.1:1 -o activate-request",
        "release a --reason x --request-id 12 --activation-endpoint http://127.0.0.1:1",
        "hardware show --salt-file @key",
        "hardware show --profile @key",
    ] {
        let output = shell.run(line, "");
        assert_eq!(output.status.code(), Some(1), "{line}: {}", stderr(&output));
        assert!(stdout(&output).is_empty());
    }
    for line in ["--help", "--version", "benefits --help", "activate --help"] {
        let output = shell.run(line, "");
        assert_eq!(output.status.code(), Some(0), "{line}");
        assert!(!stdout(&output).is_empty());
    }
}

#[test]
fn a_product_key_is_never_printed_back() {
    let shell = Shell::new();
    let mistyped = "SB1AA-AAAAA-AAAAA-AAAAA-AAAAA-ABC";
    let refuse = || Reply::Refuse(refusal(Code::NotFound, "KEY_NOT_USABLE"));
    let fake = Fake::start([refuse()]);
    let uri = fake.uri();
    let asked = |key: &str| {
        let options = "--product x --profile @profile.json --state-dir @state";
        let line = format!("activate --activation-endpoint {uri} {options} --product-key {key}");
        let output = shell.run(&line, "");
        (output.status.code(), stdout(&output) + &stderr(&output))
    };
    let (code, shown) = asked(mistyped);
    assert_eq!(code, Some(1));
    assert!(shown.contains("typing mistake") && !shown.contains("AAAAA"), "{shown}");
    let (code, shown) = asked(KEY);
    assert_eq!(code, Some(2));
    assert!(shown.contains("shows the key to other users") && !shown.contains("FGHJK"), "{shown}");
}

#[test]
fn benefits_are_listed_over_all_pages_and_cannot_steer_the_terminal() {
    let shell = Shell::new();
    let fake = Fake::start([]);
    let line = format!(
        "benefits list --partner contoso --catalog-endpoint {} \
         --dev-identity subject=alice;roles=GLOBAL_ADMIN;tenant=contoso",
        fake.uri()
    );
    let table = shell.run(&line, "");
    assert_eq!(table.status.code(), Some(0), "{}", stderr(&table));
    assert_eq!(stdout(&table).matches("Benefit ").count(), 4);
    assert!(!stdout(&table).contains('\u{1b}'));
    assert!(stderr(&table).contains("4 of 4"));
    let identity = fake.script.metadata.lock().unwrap()[0].get("x-dev-identity").cloned();
    assert_eq!(identity.unwrap(), "subject=alice;roles=GLOBAL_ADMIN;tenant=contoso");
    let json = shell.run(&format!("{line} -o json --rows-max 3"), "");
    let list: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(list["benefits"].as_array().unwrap().len(), 3);
}

#[test]
fn f7_a_reveal_is_asked_for_once_only() {
    let shell = Shell::new();
    let fake = Fake::start([]);
    let line =
        format!("benefits reveal-key partners/c/benefits/b --catalog-endpoint {}", fake.uri());
    assert_eq!(shell.run(&line, "").status.code(), Some(3));
    assert_eq!(*fake.script.reveals.lock().unwrap(), 1);
}

#[test]
fn a_release_sends_evidence_with_a_key_and_none_without() {
    let shell = Shell::new();
    let fake = Fake::start([]);
    let name = "productKeys/ab/activations/cd";
    let id = "00112233445566778899aabbccddeeff";
    let line = format!(
        "release {name} --reason moved --request-id {id} --activation-endpoint {}",
        fake.uri()
    );
    assert_eq!(shell.run(&line, "").status.code(), Some(0));
    let with_key = format!("{line} --product-key-file - --profile @profile.json");
    assert_eq!(shell.run(&with_key, KEY).status.code(), Some(0));
    let releases = fake.script.releases.lock().unwrap();
    assert!(releases[0].product_key.is_empty() && releases[0].evidence.is_none());
    assert_eq!(releases[1].product_key, KEY.replace('-', ""));
    assert!(releases[1].evidence.is_some());
    assert_eq!(releases[0].request_id, releases[1].request_id);
}
