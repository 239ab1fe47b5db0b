//! `cargo xtask test`: everything that CI runs, in the order in which a fault is cheapest to find.

mod steps;
mod tools;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::output;
use steps::STEPS;

/// What to run.
#[derive(Args)]
pub struct TestArgs {
    /// Run these steps only, in their usual order; all steps if none is named.
    #[arg(long = "only", value_name = "STEP", value_delimiter = ',')]
    only: Vec<String>,
    /// List the steps and run none.
    #[arg(long)]
    list: bool,
}

/// Runs the steps; the first failure ends the run.
///
/// # Errors
/// A step failed, or a step is named that does not exist.
pub fn run(args: &TestArgs) -> Result<()> {
    if args.list {
        for step in STEPS {
            output::line(&format!("{:<10} {}", step.name, step.about));
        }
        return Ok(());
    }
    let known = |name: &String| STEPS.iter().any(|step| step.name == name);
    if let Some(unknown) = args.only.iter().find(|name| !known(name)) {
        bail!("there is no step `{unknown}`; `cargo xtask test --list` names them");
    }
    let chosen: Vec<_> = STEPS
        .iter()
        .filter(|step| args.only.is_empty() || args.only.iter().any(|name| name == step.name))
        .collect();

    let start = Instant::now();
    let mut passed: Vec<(&str, Duration)> = Vec::new();
    for (index, step) in chosen.iter().enumerate() {
        output::line(&format!("== {}/{} {}: {}", index + 1, chosen.len(), step.name, step.about));
        let step_start = Instant::now();
        let outcome = (step.run)();
        let taken = step_start.elapsed();
        if let Err(error) = outcome {
            summarise(&passed, Some((step.name, taken)), start.elapsed());
            return Err(error).with_context(|| format!("step {} failed", step.name));
        }
        output::line(&format!("-- {} passed in {}", step.name, seconds(taken)));
        passed.push((step.name, taken));
    }
    summarise(&passed, None, start.elapsed());
    Ok(())
}

fn summarise(passed: &[(&str, Duration)], failed: Option<(&str, Duration)>, total: Duration) {
    output::line("");
    for (name, taken) in passed {
        output::line(&format!("{name:<10} passed  {:>8}", seconds(*taken)));
    }
    if let Some((name, taken)) = failed {
        output::line(&format!("{name:<10} FAILED  {:>8}", seconds(taken)));
    }
    output::line(&format!("{:<10}         {:>8}", "in all", seconds(total)));
    output::line(&format!(
        "steps: {} passed, {} failed",
        passed.len(),
        usize::from(failed.is_some())
    ));
}

fn seconds(taken: Duration) -> String {
    format!("{}.{} s", taken.as_secs(), taken.subsec_millis() / 100)
}
