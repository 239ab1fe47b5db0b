//! The real binary looks after a ledger: each command once as it should go, and refused by name.

#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where it finds a fault")]

mod bad_ground;
#[path = "../ledger/filled.rs"]
mod filled;
#[path = "../ledger/keys.rs"]
mod keys;
#[path = "../ledger/mounted.rs"]
mod mounted;
mod policy;

use std::path::Path;
use std::process::{Command, Output};

use crate::filled::{EVENTS, SEED, filled};

/// One story at a time: a process that is being started holds the locks of the whole test for a
/// moment, so a ledger that another story has just closed would look open.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

struct Operator<'a> {
    folder: &'a Path,
    key: tempfile::NamedTempFile,
}

impl Operator<'_> {
    fn of(folder: &Path) -> Operator<'_> {
        let key = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(&key, hex::encode(SEED)).expect("written");
        Operator { folder, key }
    }

    /// Runs `ledger …`; gives the exit code and what was told on both outputs.
    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        self.command("ledger", args)
    }

    /// The same of any command.
    fn command(&self, command: &str, args: &[&str]) -> (Option<i32>, String, String) {
        let folder = format!("storage.sled.folder={}", self.folder.display());
        let output: Output = Command::new(env!("CARGO_BIN_EXE_activation-service"))
            .args(["--set", &folder])
            .args(["--set", "storage.sled.segment_bytes=1048576"])
            .args(["--set", "storage.sled.reserve_bytes=1048576"])
            .arg(command)
            .args(args)
            .env("ACTIVATION__SECRETS__RECEIPT_KEY_FILE", self.key.path())
            .env("ACTIVATION__SECRETS__DEPLOYMENT_SALT", "03".repeat(32))
            .output()
            .expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }
}

#[tokio::test]
async fn every_command_does_its_work_and_says_so() {
    let _alone = ALONE.lock().await;
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    filled(&folder).await;
    assert_eq!(EVENTS, 82);
    let operator = Operator::of(&folder);
    let (code, out, err) = operator.run(&["stat"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("applied sequence        82"), "{out}");
    let (code, out, _) = operator.run(&["stat", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &told["events"]), (Some(0), &serde_json::json!(82)));
    assert_eq!(told["books"]["applied_sequence"], serde_json::json!(82));

    let (code, out, err) = operator.run(&["verify"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("is whole: 82 frames with 82 events; 5 accounts"), "{out}");
    let (code, out, err) = operator.run(&["rebuild"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("applied 82 events; the old books are in"), "{out}");
    for command in ["rebuild", "verify"] {
        let (code, _, err) = operator.run(&[command, "--memory-mib", "64"]);
        assert_eq!(code, Some(0), "{command}: {err}");
    }

    let file = home.path().join("snapshot");
    let file_name = file.display().to_string();
    let (code, out, err) = operator.run(&["export", &file_name]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("wrote and read back 5 accounts with 82 events"), "{out}");
    let new = home.path().join("new");
    let (code, out, err) = Operator::of(&new).run(&["import", &file_name]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("imported and verified 5 accounts with 82 events"), "{out}");
    let (code, _, err) = Operator::of(&new).run(&["verify"]);
    assert_eq!(code, Some(0), "{err}");

    let (code, _, err) = operator.run(&["import", &file_name]);
    assert_eq!(code, Some(69), "{err}");
    assert!(err.contains("is not empty"), "{err}");
    let (code, _, err) = operator.run(&["export", &file_name]);
    assert_eq!(code, Some(69), "{err}");
    assert!(err.contains("exists already"), "{err}");
    let whole = std::fs::read(&file).expect("read");
    std::fs::write(&file, &whole[..whole.len() / 2]).expect("written");
    let other = home.path().join("other");
    let (code, _, err) = Operator::of(&other).run(&["import", &file_name]);
    assert_eq!(code, Some(69), "{err}");
    assert!(err.contains("it is cut short") && !other.exists(), "{err}");
}

#[tokio::test]
async fn erase_says_what_it_erased_and_refuses_by_name() {
    let _alone = ALONE.lock().await;
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    filled(&folder).await;
    let operator = Operator::of(&folder);
    let key = keys::key_id(3).to_string();
    let (code, _, err) = operator.run(&["erase", "no-key", "5"]);
    assert_eq!(code, Some(64), "{err}");
    let (code, _, err) = operator.run(&["erase", &key]);
    assert_eq!(code, Some(64), "either versions or --all: {err}");
    let (code, _, err) = operator.run(&["erase", &key, "1"]);
    assert_eq!(code, Some(69), "{err}");
    assert!(err.contains("holds nothing of a computer: nothing was erased"), "{err}");
    let (code, out, err) = operator.run(&["erase", &key, "5", "7"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("erased what lay beside 2 events"), "{out}");
    let (code, out, err) = operator.run(&["erase", &key, "--all"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("beside 38 events; beside 2 it was gone before"), "{out}");
    let (code, _, err) = operator.run(&["verify"]);
    assert_eq!(code, Some(0), "{err}");
}

#[test]
fn memory_out_of_bounds_is_refused_by_name() {
    let home = tempfile::tempdir().expect("a folder");
    let operator = Operator::of(home.path());
    for command in ["verify", "rebuild"] {
        for wrong in ["63", "1048577", "0", "-1", "much", "99999999999999999999"] {
            let given = format!("--memory-mib={wrong}");
            let (code, out, err) = operator.run(&[command, &given]);
            assert_eq!((code, out.as_str()), (Some(64), ""), "{command} {wrong}: {err}");
            assert!(err.contains("--memory-mib") && err.contains(wrong), "{command}: {err}");
        }
        // What it is for and its bounds are in the help.
        let (code, out, err) = operator.run(&[command, "--help"]);
        assert_eq!(code, Some(0), "{err}");
        assert!(out.contains("--memory-mib <N>") && out.contains("[default: 1024]"), "{out}");
    }
}

#[tokio::test]
async fn verify_ends_with_1_and_names_what_is_wrong() {
    let _alone = ALONE.lock().await;
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    filled(&folder).await;
    std::fs::remove_dir_all(folder.join("sled")).expect("removed");
    let (code, _, err) = Operator::of(&folder).run(&["verify"]);
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("1 fault\nthere are no books"), "{err}");
    let nowhere = home.path().join("nowhere");
    let (code, _, err) = Operator::of(&nowhere).run(&["verify"]);
    assert_eq!(code, Some(69), "{err}");
    assert!(err.contains("holds no journal"), "{err}");
    let memory = ["stat", "--set", "storage=memory"];
    let output = Command::new(env!("CARGO_BIN_EXE_activation-service"))
        .arg("ledger")
        .args(memory)
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(64));
}
