//! The command line: exit codes that tell why, every bad setting at once, and one owner a ledger.

use std::path::Path;
use std::process::{Command, Output};

use activation_service::config::Storage;
use activation_service::server::{self, ServerError};

use crate::world::{World, config};

pub(crate) fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_activation-service"))
        .args(args)
        .env("ACTIVATION__SECRETS__PEPPER", crate::world::PEPPER)
        .env("ACTIVATION__SECRETS__DEPLOYMENT_SALT", crate::world::SALT)
        .env("ACTIVATION__SECRETS__RECEIPT_KEY", crate::world::RECEIPT_KEY)
        .output()
        .expect("it runs")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn in_folder(folder: &Path) -> String {
    format!("storage.sled.folder={}", folder.display())
}

#[test]
fn bad_settings_end_with_64_and_are_told_at_once() {
    let bad = ["--set", "serve.lissten=1", "--set", "secrets.peper_id=2", "--set", "x=1"];
    for command in [&["serve"][..], &["config", "check"]] {
        let output = run(&[command, &bad].concat());
        assert_eq!(output.status.code(), Some(64));
        let told = text(&output.stderr);
        assert!(["lissten", "peper_id", "x"].iter().all(|key| told.contains(key)), "{told}");
    }
    let open = run(&["serve", "--set", "serve.listen=0.0.0.0:0"]);
    assert_eq!(open.status.code(), Some(64));
    assert_eq!(run(&["serve", "--nothing"]).status.code(), Some(64));
    assert_eq!(run(&["--help"]).status.code(), Some(0));
}

#[test]
fn the_settings_in_force_are_printed_without_secrets() {
    let output = run(&["config", "print", "--set", "storage=memory"]);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stdout);
    assert!(told.contains("storage = \"memory\"") && told.contains("[redacted]"), "{told}");
    assert!(!told.contains(crate::world::PEPPER));
    assert_eq!(run(&["config", "check"]).status.code(), Some(0));
}

#[test]
fn settings_stand_before_the_command_and_after_it() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&file, "[telemetry]\nfilter = \"debug\"\n").expect("written");
    let file = file.path().display().to_string();
    let (one, two) = ("failed_lookups.burst=6", "failed_lookups.per_minute=7");
    for args in [
        ["--config", &file, "--set", one, "--set", two, "config", "print"],
        ["config", "print", "--config", &file, "--set", one, "--set", two],
        ["--set", one, "config", "print", "--set", two, "--config", &file],
    ] {
        let told = text(&run(&args).stdout);
        let lines = ["filter = \"debug\"", "burst = 6", "per_minute = 7"];
        assert!(lines.iter().all(|line| told.contains(line)), "{args:?}: {told}");
    }
    let later = run(&["--set", one, "config", "print", "--set", "failed_lookups.burst=8"]);
    assert!(text(&later.stdout).contains("burst = 8"), "the last one wins");
}

pub(crate) async fn probe(args: &[&str]) -> Option<i32> {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let run = move || run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    tokio::task::spawn_blocking(run).await.expect("it runs").status.code()
}

#[tokio::test]
async fn healthcheck_ends_with_0_while_the_service_serves() {
    let world = World::memory().await;
    let named = format!("healthcheck.uri=http://{}", world.address);
    // What is listened on is where it is asked, unless the settings say otherwise.
    let usual = format!("serve.listen={}", world.address);
    let service = ["--service", server::SERVICE];
    for (set, code) in [(&named, 0), (&usual, 0)] {
        assert_eq!(probe(&["healthcheck", "--set", set]).await, Some(code));
        assert_eq!(probe(&["--set", set, "healthcheck", service[0], service[1]]).await, Some(code));
    }
    assert_eq!(probe(&["healthcheck", "--set", &named, "--service", "no.such"]).await, Some(1));
    world.stop().await;
    assert_eq!(probe(&["healthcheck", "--set", &named]).await, Some(1));
}

#[tokio::test]
async fn a_ledger_that_cannot_be_opened_ends_with_69_and_its_name() {
    let world = World::sled().await;
    let ledger = world.folder.path().join("ledger");
    let setting = in_folder(&ledger);
    let output = tokio::task::spawn_blocking(move || run(&["serve", "--set", &setting]));
    let output = output.await.expect("it runs");
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(69), "{told}");
    assert!(told.contains("is open in another process"), "{told}");
    assert_eq!(text(&output.stdout), "", "it never listened for callers");
    world.stop().await;

    let foreign = tempfile::tempdir().expect("a folder");
    let db = sled::open(foreign.path().join("db")).expect("another program's");
    db.insert("theirs", "1").expect("written");
    drop(db);
    let setting = in_folder(&foreign.path().join("db"));
    let output = tokio::task::spawn_blocking(move || run(&["serve", "--set", &setting]));
    let output = output.await.expect("it runs");
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(69), "{told}");
    assert!(told.contains("is no ledger of this version"), "{told}");
}

#[tokio::test]
async fn settings_without_secrets_bind_nothing() {
    let mut bare = config(Storage::Memory);
    bare.secrets.pepper = None;
    let refused = server::bind(bare).await.err().expect("no pepper");
    assert!(matches!(&refused, ServerError::Config(faults) if faults.0.len() == 1), "{refused}");
}
