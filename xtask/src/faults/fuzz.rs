//! Runs the fuzz targets one after the other, each for a time, and tells what they found.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::output;
use crate::process::{cargo, root, run};

/// The targets of `fuzz/`.
const TARGETS: [&str; 5] = ["request", "journal", "snapshot", "receipt", "page_token"];
/// Longest input; the snapshot that is edited is shorter.
const INPUT_BYTES_MAX: u32 = 32 * 1024;

/// Fuzzes every target for so many seconds; adds the figures to the report, if there is one.
pub(super) fn run_all(seconds: u64, report: Option<&Path>) -> Result<()> {
    install()?;
    let mut figures = serde_json::Map::new();
    for target in TARGETS {
        let found = fuzz(target, seconds)?;
        let (runs, crashes) = (found.runs, found.crashes);
        output::line(&format!("fuzz {target}: {runs} runs in {seconds} s, {crashes} crashes"));
        let figure = json!({ "seconds": seconds, "runs": runs, "crashes": crashes });
        figures.insert(target.to_owned(), figure);
    }
    let crashes = |figure: &Value| figure.get("crashes").and_then(Value::as_u64).unwrap_or(0);
    let all: u64 = figures.values().map(crashes).sum();
    if let Some(report) = report {
        add(report, figures)?;
    }
    ensure!(all == 0, "fuzzing found {all} inputs that break a promise: see fuzz/artifacts");
    Ok(())
}

/// cargo-fuzz from the registry, if it is missing.
fn install() -> Result<()> {
    let asked = nightly().args(["fuzz", "--version"]).output().context("cargo +nightly")?;
    if asked.status.success() {
        return Ok(());
    }
    run(cargo().args(["install", "--locked", "cargo-fuzz"]))
}

/// Fuzzing needs the instrumentation of a nightly compiler; rustup's own `cargo` finds it.
fn nightly() -> Command {
    let mut command = Command::new("cargo");
    command.arg("+nightly").current_dir(root());
    // Those of the toolchain that started us would win over the nightly one.
    for variable in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "RUSTDOC"] {
        command.env_remove(variable);
    }
    command
}

struct Found {
    runs: u64,
    crashes: u64,
}

fn fuzz(target: &str, seconds: u64) -> Result<Found> {
    let folder = root().join("fuzz/artifacts").join(target);
    let before = files(&folder);
    let seed_corpus = root().join("fuzz/corpus").join(target);
    // What is found goes into target/, so that a run leaves the repository as it was.
    let grown = root().join("target/fuzz-corpus").join(target);
    std::fs::create_dir_all(&grown)?;
    let mut command = nightly();
    command.args(["fuzz", "run", target]).arg(&grown).arg(&seed_corpus).arg("--");
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={INPUT_BYTES_MAX}"));
    command.args(["-print_final_stats=1", "-timeout=10", "-rss_limit_mb=4096"]);
    let ended = command.output().with_context(|| format!("fuzzing {target}"))?;
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    let runs = told.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let runs = runs.and_then(|runs| runs.trim().parse().ok());
    let crashes = files(&folder).saturating_sub(before);
    match runs {
        Some(runs) => Ok(Found { runs, crashes: crashes.max(u64::from(!ended.status.success())) }),
        None => bail!(
            "{target} was not fuzzed: {}",
            told.lines().rev().take(20).collect::<Vec<_>>().join("\n")
        ),
    }
}

fn files(folder: &Path) -> u64 {
    std::fs::read_dir(folder).map_or(0, |files| files.count() as u64)
}

fn add(report: &Path, figures: serde_json::Map<String, Value>) -> Result<()> {
    let mut whole: Value = match std::fs::read_to_string(report) {
        Ok(text) => serde_json::from_str(&text).context("the report")?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => json!({}),
        Err(error) => return Err(error.into()),
    };
    whole
        .as_object_mut()
        .context("the report is an object")?
        .insert("fuzz".to_owned(), figures.into());
    Ok(std::fs::write(report, serde_json::to_string_pretty(&whole)? + "\n")?)
}
