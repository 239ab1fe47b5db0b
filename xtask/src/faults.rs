//! `cargo xtask faults`: builds the delivered binaries and the fault bench, starts the bench, and
//! fuzzes what reads bytes from anywhere.

mod fuzz;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use crate::process::{cargo, run};

/// How long `--full` fuzzes each target.
const FULL_FUZZ_SECONDS: u64 = 60;

/// What the bench is asked; `cargo xtask faults -- --help` tells all of it.
#[derive(Args)]
pub struct FaultsArgs {
    /// Build with optimisations, as `--full` always does.
    #[arg(long)]
    release: bool,
    /// Fuzz each target for so many seconds, and start no bench; `--full` does both.
    #[arg(long, value_name = "SECONDS")]
    fuzz: Option<u64>,
    /// What the bench is asked, such as `--quick`, `--full`, `--json FILE`, `--only P3:real`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    bench: Vec<String>,
}

impl FaultsArgs {
    /// The bench with these words, not optimised and without fuzzing.
    #[must_use]
    pub fn of(bench: Vec<String>) -> Self {
        Self { release: false, fuzz: None, bench }
    }
}

/// Builds and starts it.
///
/// # Errors
/// Something does not build, a promise is broken, or a deliberate bug was not noticed.
pub fn run_bench(args: &FaultsArgs) -> Result<()> {
    let json = json_file(&args.bench);
    if let Some(seconds) = args.fuzz {
        return fuzz::run_all(seconds, json.as_deref());
    }
    let is_full = args.bench.iter().any(|word| word == "--full");
    let profile: &[&str] = if args.release || is_full { &["--release"] } else { &[] };
    // Two builds: what is delivered never has the deliberate bugs in it.
    let services = ["build", "--locked", "-p", "activation-service", "-p", "catalog-service"];
    run(cargo().args(services).args(["-p", "installer-client", "--bins"]).args(profile))?;
    let bench = ["run", "--quiet", "--locked", "-p", "fault-bench", "--features", "mutants"];
    let played = run(cargo().args(bench).args(profile).arg("--").args(&args.bench));
    if !is_full || args.bench.iter().any(|word| word.starts_with("--only")) {
        return played;
    }
    // What one half found does not keep the other from being looked at.
    let fuzzed = fuzz::run_all(FULL_FUZZ_SECONDS, json.as_deref());
    ensure!(played.is_ok(), "{}", played.err().map_or_else(String::new, |why| why.to_string()));
    fuzzed
}

/// The file of the report, which the bench writes and fuzzing adds to.
fn json_file(bench: &[String]) -> Option<PathBuf> {
    let mut words = bench.iter();
    while let Some(word) = words.next() {
        if word == "--json" {
            return words.next().map(PathBuf::from);
        }
        if let Some(file) = word.strip_prefix("--json=") {
            return Some(PathBuf::from(file));
        }
    }
    None
}
