//! The command line of the bench.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand, ValueEnum as _, value_parser};
use xtask::output;

use crate::noop::{self, NoopArgs};
use crate::plot::{PlotArgs, plot};
use crate::report::Report;
use crate::scenarios::{Figures, Scenario, Settings};

/// Most keys; each takes some fifty bytes of the bench.
const KEYS_MAX: i64 = 10_000_000;

/// Measures both services, as they are delivered, beside a service that does nothing.
#[derive(Parser)]
#[command(name = "bench", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    measure: MeasureArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Serve as the yardstick; the bench starts this by itself.
    #[command(hide = true)]
    Noop(NoopArgs),
    /// Draw plots as SVG from the JSON of runs.
    Plot(PlotArgs),
}

/// What is measured, and for how long.
#[derive(Args)]
struct MeasureArgs {
    /// The figures to make; all if none is named.
    scenarios: Vec<Scenario>,
    /// Seconds of each of our rounds.
    #[arg(long, default_value_t = 60.0, value_parser = seconds)]
    seconds: f64,
    /// Our rounds; the yardstick has one more.
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Keys over which new computers are spread.
    #[arg(long, default_value_t = 1_000_000, value_parser = value_parser!(u32).range(1..=KEYS_MAX))]
    keys: u32,
    /// Activations in the large ledger, which is started again and rebuilt too, and in bare sled.
    #[arg(long, default_value_t = 10_000_000)]
    large: u64,
    /// Activations in the small ledger.
    #[arg(long, default_value_t = 100_000)]
    small: u64,
    /// What keys and computers are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the figures are written.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Parses the command line, measures, and tells success from failure by the exit code. A bar that
/// is missed is told and is no failure; a wrong answer or count is.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.command {
        Some(Command::Noop(args)) => noop::serve(args),
        Some(Command::Plot(args)) => plot(args),
        None => measure(&cli.measure),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &MeasureArgs) -> Result<()> {
    let settings = Settings {
        length: Duration::from_secs_f64(args.seconds),
        rounds: usize::from(args.rounds),
        keys: usize::try_from(args.keys)?,
        large: args.large,
        small: args.small,
        seed: args.seed,
    };
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut report = Report::begin(args.seed, &format!("cargo xtask bench {}", words.join(" ")));
    let usual = || Scenario::value_variants().iter().copied().filter(|it| it.is_usual());
    let scenarios =
        if args.scenarios.is_empty() { usual().collect() } else { args.scenarios.clone() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for turn in Scenario::turns(&scenarios) {
        // What is finished is kept, whatever becomes of the next.
        let mut keep = |figures: Figures| {
            for (name, figure) in figures {
                report.add(&name, figure);
            }
            args.json.as_ref().map_or(Ok(()), |file| report.write(file))
        };
        let played = runtime.block_on(Scenario::play(&turn, &settings, &mut keep));
        let values = turn.iter().filter_map(|scenario| scenario.to_possible_value());
        let names: Vec<_> = values.map(|value| value.get_name().to_owned()).collect();
        played.with_context(|| format!("{} is no result", names.join(", ")))?;
    }
    report.summarise();
    Ok(())
}

/// A length of at least a fifth of a second and at most an hour.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "seconds are a number".to_owned())?;
    let is_good = (0.2..=3_600.0).contains(&seconds);
    is_good.then_some(seconds).ok_or_else(|| "0.2 to 3600 seconds".to_owned())
}
