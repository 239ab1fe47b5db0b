//! The command line: exit codes that tell why, every bad setting at once, settings wherever they
//! are written.

use std::process::{Command, Output};

use tempfile::TempDir;

use crate::world::{World, content_folder};

/// Runs it with the settings without which nothing is served.
fn run(folder: &TempDir, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_catalog-service"))
        .args(args)
        .env("CATALOG__SECRETS__ENCRYPTION_KEYS", format!("2026:{}", "2a".repeat(32)))
        .env("CATALOG__SECRETS__DIGEST_SECRET", "3b".repeat(32))
        .env("CATALOG__STORE__FILE", folder.path().join("data/catalog.sqlite"))
        .env("CATALOG__CONTENT__FOLDER", content_folder())
        .output()
        .expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn folder() -> TempDir {
    TempDir::new().expect("a folder")
}

#[test]
fn bad_settings_end_with_64_and_are_told_at_once() {
    let folder = folder();
    let bad = ["--set", "serve.lissten=1", "--set", "store.fil=2", "--set", "x=1"];
    for command in [&["serve"][..], &["config", "check"]] {
        let output = run(&folder, &[command, &bad].concat());
        assert_eq!(output.status.code(), Some(64));
        let told = text(&output.stderr);
        assert!(["lissten", "fil", "x"].iter().all(|key| told.contains(key)), "{told}");
    }
    for bad in ["serve.listen=0.0.0.0:0", "content.folder=/nowhere", "store.readers=0"] {
        assert_eq!(run(&folder, &["serve", "--set", bad]).status.code(), Some(64), "{bad}");
    }
    assert_eq!(run(&folder, &["serve", "--nothing"]).status.code(), Some(64));
    assert_eq!(run(&folder, &["--help"]).status.code(), Some(0));
    assert_eq!(run(&folder, &["config", "check"]).status.code(), Some(0));
}

#[test]
fn settings_stand_before_the_command_and_after_it() {
    let folder = folder();
    let file = folder.path().join("catalog.toml");
    std::fs::write(&file, "[telemetry]\nfilter = \"debug\"\n").expect("written");
    let file = file.display().to_string();
    let (one, two) = ("store.readers=6", "outbox.interval_ms=77");
    for args in [
        ["--config", &file, "--set", one, "--set", two, "config", "print"],
        ["config", "print", "--config", &file, "--set", one, "--set", two],
        ["--set", one, "config", "print", "--set", two, "--config", &file],
    ] {
        let told = text(&run(&folder, &args).stdout);
        let lines = ["filter = \"debug\"", "readers = 6", "interval_ms = 77", "[redacted]"];
        assert!(lines.iter().all(|line| told.contains(line)), "{args:?}: {told}");
        assert!(!told.contains("2a2a") && !told.contains("3b3b"), "{told}");
    }
    let later = run(&folder, &["--set", one, "config", "print", "--set", "store.readers=8"]);
    assert!(text(&later.stdout).contains("readers = 8"), "the last one wins");
}

#[tokio::test]
async fn a_store_or_address_that_cannot_be_had_ends_with_69_or_71() {
    let mut world = World::empty().await;
    let taken = format!("serve.listen={}", world.address());
    let told = world.outside(move |folder| run(folder, &["serve", "--set", &taken])).await;
    assert_eq!(told.status.code(), Some(71), "{}", text(&told.stderr));
    assert_eq!(text(&told.stdout), "", "it never listened for callers");
    world.stop().await;

    let folder = folder();
    std::fs::create_dir(folder.path().join("data")).expect("a folder");
    std::fs::write(folder.path().join("data/catalog.sqlite"), "no database").expect("written");
    let told = run(&folder, &["serve"]);
    assert_eq!(told.status.code(), Some(69), "{}", text(&told.stderr));
}

#[tokio::test]
async fn healthcheck_ends_with_0_while_the_service_serves() {
    let mut world = World::empty().await;
    let named = format!("healthcheck.uri=http://{}", world.address());
    // What is listened on is where it is asked, unless the settings say otherwise.
    let usual = format!("serve.listen={}", world.address());
    let probe = async |world: &World, args: &[&str]| {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let run = move |folder: &TempDir| {
            run(folder, &args.iter().map(String::as_str).collect::<Vec<_>>())
        };
        world.outside(run).await.status.code()
    };
    for set in [&named, &usual] {
        assert_eq!(probe(&world, &["healthcheck", "--set", set]).await, Some(0));
        let outbox = ["--set", set, "healthcheck", "--service", "benefits.catalog.v1.Outbox"];
        assert_eq!(probe(&world, &outbox).await, Some(0));
    }
    let unknown = ["healthcheck", "--set", &named, "--service", "no.such"];
    assert_eq!(probe(&world, &unknown).await, Some(1));
    world.stop().await;
    assert_eq!(probe(&world, &["healthcheck", "--set", &named]).await, Some(1));
}

#[test]
fn content_is_checked_without_serving_it() {
    let folder = folder();
    let good = run(&folder, &["check", &content_folder().display().to_string()]);
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stdout));
    assert_eq!(run(&folder, &["check", "/nowhere"]).status.code(), Some(1));
}
