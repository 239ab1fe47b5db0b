//! The command line of the simulator.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use activation_service::adapters::policy_file::read;
use activation_service::domain::policy::{Policy, PolicyFault};
use anyhow::{Context as _, Result, anyhow, bail};
use clap::Parser;
use hardware_evidence::JunkDigests;
use serde::Serialize;

use crate::dice::SCALE_WHOLE;
use crate::plan::Plan;
use crate::play::play;
use crate::rates::Rates;
use crate::report::Report;
use crate::rules::{Policies, SALT};
use crate::shares::Shares;

/// Most computers of a run.
const COMPUTERS_MAX: u64 = 1_000_000;
/// Most years of a run.
const YEARS_MAX: u32 = 50;
/// Most that rates can be multiplied with.
const SCALE_MAX: f64 = 100.0;

/// Lives through years of computer fleets and tells what the hardware policy and its peers count of
/// them; docs/fleet.md explains the figures.
#[derive(Parser)]
#[command(name = "fleet-simulator")]
struct Cli {
    /// How many computers there are at any time.
    #[arg(long, default_value_t = 10_000)]
    computers: u64,
    /// For how many years.
    #[arg(long, default_value_t = 5)]
    years: u32,
    /// The seed; the same one gives the same report.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Multiplies every yearly rate.
    #[arg(long, default_value_t = 1.0)]
    rates_scale: f64,
    /// The hardware policy; without it the built-in one.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A further policy on the same lives; may be given several times.
    #[arg(long, value_name = "FILE")]
    variant: Vec<PathBuf>,
    /// Where the report is written.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where the patterns of comparisons are written, each with how many activations that looked so
    /// were due for a count and how many were not.
    #[arg(long, value_name = "FILE")]
    patterns: Option<PathBuf>,
}

/// Parses the command line, plays, and tells success from failure by the exit code; a bar that is
/// missed is no failure, for it is told.
#[must_use]
pub fn run() -> ExitCode {
    match simulate(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a terminal to complain to, the exit code is all there is.
            writeln!(std::io::stderr(), "fleet-simulator: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

fn simulate(cli: &Cli) -> Result<()> {
    if cli.computers > COMPUTERS_MAX || cli.years > YEARS_MAX {
        bail!("at most {COMPUTERS_MAX} computers and {YEARS_MAX} years");
    }
    if !(0.0..=SCALE_MAX).contains(&cli.rates_scale) {
        bail!("--rates-scale is between 0 and {SCALE_MAX}");
    }
    let plan = Plan {
        computers: cli.computers,
        years: cli.years,
        seed: cli.seed,
        rates: Rates::table((cli.rates_scale * SCALE_WHOLE as f64).round() as u32),
        shares: Shares::table(),
    };
    let junk = JunkDigests::new(&SALT);
    let policies = Policies {
        product: policy(cli.policy.as_deref(), &junk)?,
        variants: cli
            .variant
            .iter()
            .map(|file| policy(Some(file), &junk))
            .collect::<Result<_>>()?,
    };
    let outcome = play(&plan, &policies)?;
    let report = Report::new(&plan, &policies.product.rules().version, &outcome);
    if let Some(path) = &cli.json {
        write(path, &report)?;
    }
    if let Some(path) = &cli.patterns {
        write(path, &outcome.seen.scored)?;
    }
    let mut out = std::io::stdout().lock();
    for line in report.lines() {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn policy(file: Option<&Path>, junk: &JunkDigests) -> Result<Arc<Policy>> {
    let policy = Policy::new(read(file)?, junk.clone());
    let told =
        |faults: Vec<PolicyFault>| faults.iter().map(ToString::to_string).collect::<Vec<_>>();
    policy.map(Arc::new).map_err(|faults| anyhow!("the policy: {}", told(faults).join("; ")))
}

fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    std::fs::write(path, text + "\n").with_context(|| path.display().to_string())
}
