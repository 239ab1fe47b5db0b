//! `cargo xtask bench`: builds what is delivered and the bench with optimisations, and starts it.

use anyhow::Result;
use clap::Args;

use crate::process::{cargo, run};

/// What the bench is asked; `cargo xtask bench -- --help` tells all of it.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub struct BenchArgs {
    /// `[activate|hotkey|reactivate|single|…] --seconds N --rounds N --json FILE`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    bench: Vec<String>,
}

/// Builds and starts it.
///
/// # Errors
/// It does not build, an answer was not what it should be, or a count is wrong.
pub fn measure(args: &BenchArgs) -> Result<()> {
    if args.bench.first().is_some_and(|word| word == "plot") {
        // Drawing needs neither services nor speed.
        let bench = ["run", "--quiet", "--locked", "-p", "bench", "--"];
        return run(cargo().args(bench).args(&args.bench));
    }
    let services = ["build", "--locked", "--release", "-p", "activation-service"];
    run(cargo().args(services).args(["-p", "catalog-service", "--bins"]))?;
    // With the process in which bare sled is measured.
    run(cargo().args(["build", "--locked", "--release", "-p", "bench", "--bins"]))?;
    let bench = ["run", "--quiet", "--locked", "--release", "-p", "bench", "--"];
    run(cargo().args(bench).args(&args.bench))
}
