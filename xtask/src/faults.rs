//! `cargo xtask faults`: builds the delivered binaries and the fault bench, and starts the bench.

use anyhow::Result;
use clap::Args;

use crate::process::{cargo, run};

/// What the bench is asked; `cargo xtask faults -- --help` tells all of it.
#[derive(Args)]
pub struct FaultsArgs {
    /// Build with optimisations, as `--full` always does.
    #[arg(long)]
    release: bool,
    /// What the bench is asked, such as `--quick`, `--full`, `--json FILE`, `--only P3:real`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    bench: Vec<String>,
}

/// Builds and starts it.
///
/// # Errors
/// Something does not build, a promise is broken, or a deliberate bug was not noticed.
pub fn run_bench(args: &FaultsArgs) -> Result<()> {
    let is_optimised = args.release || args.bench.iter().any(|word| word == "--full");
    let profile: &[&str] = if is_optimised { &["--release"] } else { &[] };
    // Two builds: what is delivered never has the deliberate bugs in it.
    let services = ["build", "--locked", "-p", "activation-service", "-p", "catalog-service"];
    run(cargo().args(services).args(["-p", "installer-client", "--bins"]).args(profile))?;
    let bench = ["run", "--quiet", "--locked", "-p", "fault-bench", "--features", "mutants"];
    run(cargo().args(bench).args(profile).arg("--").args(&args.bench))
}
