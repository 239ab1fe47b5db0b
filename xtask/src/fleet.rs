//! `cargo xtask fleet`: builds the fleet simulator with optimisations and starts it.

use anyhow::Result;
use clap::Args;

use crate::process::{cargo, run};

/// What the simulator is asked; `cargo xtask fleet --help` says no more than the simulator itself.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub struct FleetArgs {
    /// `--computers N --years Y --seed S --rates-scale X --json FILE`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    simulator: Vec<String>,
}

/// Builds and starts it.
///
/// # Errors
/// It does not build, or it cannot play or write what it is asked for.
pub fn simulate(args: &FleetArgs) -> Result<()> {
    let simulator = ["run", "--quiet", "--locked", "--release", "-p", "fleet-simulator", "--"];
    run(cargo().args(simulator).args(&args.simulator))
}
