//! The command line of the bench, and the order in which everything is played.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use xtask::output;

use crate::campaign::{Campaign, Side};
use crate::record::Record;
use crate::report::Report;
use crate::runner::{Plan, play, try_mutant};
use crate::{mutants, real, simulated};

/// Injects faults into the ledger and counts broken promises; ends with 0 only if none is broken
/// and every deliberate bug is noticed.
#[derive(Parser)]
#[command(name = "fault-bench")]
struct Cli {
    /// What CI plays; the default.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// What a release plays, for hours; it goes on where it was stopped.
    #[arg(long)]
    full: bool,
    /// Where the report is written.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs of each campaign, in place of the plan's.
    #[arg(long)]
    runs: Option<u64>,
    /// Only these: a promise (`P3`), one side of it (`P3:real`), or `mutants`.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    only: Vec<String>,
    /// Finished runs are noted here and not made again; with `--full` by default in `target`.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Begin no further run after so many minutes.
    #[arg(long)]
    minutes: Option<u64>,
}

/// Parses the command line, plays, and tells success from failure by the exit code.
#[must_use]
pub fn run() -> ExitCode {
    #[cfg(feature = "mutants")]
    if let Some(ended) = crate::mutated_service::run() {
        return ended;
    }
    match bench(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            output::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn bench(cli: &Cli) -> Result<bool> {
    let start = Instant::now();
    let plan = Plan {
        seed: cli.seed,
        runs: if cli.full { |campaign| campaign.full } else { |campaign| campaign.quick },
        runs_override: cli.runs,
        until: cli.minutes.map(|minutes| start + Duration::from_secs(minutes * 60)),
    };
    let path = cli.record.clone().or_else(|| {
        let target = xtask::process::root().join("target/faults");
        cli.full.then(|| target.join(format!("record-{}.jsonl", cli.seed)))
    });
    let mut record = path.map_or_else(|| Ok(Record::default()), |path| Record::open(&path))?;
    let mut report = Report { seed: cli.seed, complete: true, ..Report::default() };
    // A panic is told with the run that it ends.
    std::panic::set_hook(Box::new(|_| {}));
    let campaigns: Vec<Campaign> = [simulated::campaigns(), real::campaigns()]
        .concat()
        .into_iter()
        .filter(|c| cli.wants(c))
        .collect();
    if campaigns.is_empty() && !cli.wants_mutants() {
        bail!("--only names nothing that there is");
    }
    for campaign in campaigns.iter().filter(|campaign| plan_has(&plan, campaign)) {
        play(campaign, &plan, &mut record, &mut report)?;
    }
    if cli.wants_mutants() {
        mutants::trials().iter().for_each(|trial| try_mutant(trial, &mut report));
    }
    report.seconds = start.elapsed().as_secs_f64();
    if let Some(path) = &cli.json {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_string_pretty(&report)?;
        std::fs::write(path, text + "\n").with_context(|| path.display().to_string())?;
    }
    summarise(&report);
    Ok(report.is_good())
}

fn plan_has(plan: &Plan, campaign: &Campaign) -> bool {
    plan.runs_override.unwrap_or_else(|| (plan.runs)(campaign)) > 0
}

fn summarise(report: &Report) {
    output::line("");
    output::line("promise   simulated       real  violations");
    for (promise, figures) in &report.promises {
        let (simulated, real, broken) = (figures.simulated, figures.real, figures.violations);
        output::line(&format!("{promise:<7} {simulated:>11} {real:>10} {broken:>11}"));
    }
    let caught = report.mutants.values().flatten().count();
    let verdict = if report.is_good() { "good" } else { "NOT GOOD" };
    output::line(&format!(
        "mutants caught: {caught} of {}; {:.0} s; {verdict}",
        report.mutants.len(),
        report.seconds
    ));
}

impl Cli {
    fn wants(&self, campaign: &Campaign) -> bool {
        let promise = campaign.promise.to_string();
        let side = match campaign.side {
            Side::Simulated => "simulated",
            Side::Real => "real",
        };
        let named = |only: &String| *only == promise || *only == format!("{promise}:{side}");
        self.only.is_empty() || self.only.iter().any(named)
    }

    fn wants_mutants(&self) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == "mutants")
    }
}
