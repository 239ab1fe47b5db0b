//! `policy check`, `show`, `suggest-junk` and `replay`: looking at a hardware policy before it is
//! in force, and at what it would have decided.

mod report;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use hardware_evidence::{DeploymentSalt, JunkDigests};

use super::ledger::ledger;
use super::progress::Progress;
use super::settings::{SettingsArgs, Source, print_line};
use super::{EXIT_FAULT, EXIT_NOT_GOOD, EXIT_STORAGE, EXIT_SYSTEM, EXIT_USAGE, Failure};
use crate::adapters::development_secrets::load_or_make;
use crate::adapters::policy_file::{self, PolicyFileError};
use crate::config::{Config, secret_bytes};
use crate::domain::event::Body;
use crate::domain::policy::{Policy, Rules};
use crate::domain::popularity::{self, Popular, Popularity, Slice};
use crate::domain::replay::Replay;
use crate::storage::journaled::upkeep::{Recorded, UpkeepError};

/// Values that are counted at once: some four hundred mebibytes, at two hundred bytes each.
const SLICE_VALUES_MAX: u64 = 2_000_000;
/// Most lines that are told unless more are asked for.
const TOLD_MAX: usize = 1_000;

/// What can be done with a hardware policy. Where the recorded history is looked at, the service
/// must be stopped, and nothing is changed.
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Tell every fault of a policy with its field; ends with 1 at a fault.
    Check(CheckArgs),
    /// Print a policy in its one form, with its fingerprint.
    Show(ShowArgs),
    /// Tell which anchor values were seen with more than 3 different sets of other anchors.
    SuggestJunk(SuggestArgs),
    /// Make the recorded decisions again under a new policy and tell which would change.
    Replay(ReplayArgs),
}

/// What `policy check` is asked.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The policy.
    file: PathBuf,
}

/// What `policy show` is asked.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The policy; without it that of the settings.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// What `policy suggest-junk` is asked.
#[derive(Debug, Args)]
pub(super) struct SuggestArgs {
    /// The policy that says what is junk already; without it that of the settings.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    told: ToldArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// What `policy replay` is asked.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The policy that is to be tried.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    #[command(flatten)]
    told: ToldArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// How much is told, and how.
#[derive(Debug, Args)]
struct ToldArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Most values or decisions that are told one by one; all are counted.
    #[arg(long, value_name = "NUMBER", default_value_t = TOLD_MAX)]
    most: usize,
}

pub(super) fn run(source: Source, command: PolicyCommand) -> Result<(), Failure> {
    match command {
        PolicyCommand::Check(args) => check(&args.file),
        PolicyCommand::Show(args) => show(&source.and(args.settings), args.policy.as_deref()),
        PolicyCommand::SuggestJunk(args) => {
            suggest(&source.and(args.settings), args.policy.as_deref(), &args.told)
        }
        PolicyCommand::Replay(args) => replay(&source.and(args.settings), &args.policy, &args.told),
    }
}

fn check(file: &Path) -> Result<(), Failure> {
    match policy_file::read(Some(file)) {
        Ok(rules) => print_line(&report::good(&rules)),
        Err(error @ PolicyFileError::Faulty { .. }) => Err(Failure::new(EXIT_NOT_GOOD, error)),
        Err(error) => Err(Failure::new(EXIT_SYSTEM, error)),
    }
}

fn show(source: &Source, file: Option<&Path>) -> Result<(), Failure> {
    let rules = rules(&source.read()?, file)?;
    let fingerprint = policy_file::fingerprint(&rules);
    print_line(&format!("# fingerprint {fingerprint}\n{}", policy_file::write(&rules).trim_end()))
}

fn suggest(source: &Source, file: Option<&Path>, told: &ToldArgs) -> Result<(), Failure> {
    let config = source.read()?;
    let policy = policy(&config, file)?;
    let mut progress = Progress::start();
    let recorded = Recorded::open(&ledger(&config)?.folder);
    let popular = recorded.and_then(|recorded| popular(&recorded, &policy, &mut progress));
    progress.end();
    let popular = popular.map_err(|error| Failure::new(EXIT_STORAGE, error))?;
    let report = report::Suggested::of(&policy.rules().version, &popular, told.most);
    if told.json { print_json(&report) } else { print_line(&report.text()) }
}

/// All values that many computers share, looked at in slices that fit into memory.
fn popular(
    recorded: &Recorded,
    policy: &Policy,
    progress: &mut Progress,
) -> Result<Vec<Popular>, UpkeepError> {
    let mut values = 0;
    recorded.each_event("measuring", &mut |step| progress.tell(step), &mut |event| {
        if let Body::Activated(activated) = &event.body {
            values += Popularity::values(policy, &activated.evidence);
        }
    })?;
    let of = values.div_ceil(SLICE_VALUES_MAX).max(1);
    let mut popular = Vec::new();
    for number in 0..of {
        let mut slice = Popularity::new(policy, Slice { number, of });
        recorded.each_event("counting", &mut |step| progress.tell(step), &mut |event| {
            if let Body::Activated(activated) = &event.body {
                slice.note(activated.activation, &activated.evidence);
            }
        })?;
        popular.extend(slice.popular());
    }
    popularity::sort(&mut popular);
    Ok(popular)
}

fn replay(source: &Source, file: &Path, told: &ToldArgs) -> Result<(), Failure> {
    let config = source.read()?;
    let policy = policy(&config, Some(file))?;
    let mut progress = Progress::start();
    let recorded = Recorded::open(&ledger(&config)?.folder);
    let (mut replay, mut differing) = (Replay::default(), Vec::new());
    let done = recorded.and_then(|recorded| {
        recorded.each_history(&mut |step| progress.tell(step), &mut |events| {
            let history = replay.history(&policy, events, &mut |one| {
                if differing.len() < told.most {
                    differing.push(one);
                }
            });
            history.map_err(UpkeepError::from)
        })
    });
    progress.end();
    done.map_err(|error| Failure::new(EXIT_STORAGE, error))?;
    let report = report::Replayed::of(&policy.rules().version, &replay, &differing);
    if told.json { print_json(&report) } else { print_line(&report.text()) }
}

fn print_json(report: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report);
    print_line(&text.map_err(|error| Failure::new(EXIT_FAULT, error))?)
}

/// The policy of the file, or that of the settings.
fn rules(config: &Config, file: Option<&Path>) -> Result<Rules, Failure> {
    policy_file::read(file.or(config.policy.file.as_deref()))
        .map_err(|error| Failure::new(EXIT_USAGE, error))
}

/// The same, with the placeholders under the deployment's salt.
fn policy(config: &Config, file: Option<&Path>) -> Result<Policy, Failure> {
    let rules = rules(config, file)?;
    let usage = |faults: Vec<_>| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Failure::new(EXIT_USAGE, faults.join("\n"))
    };
    Policy::new(rules, JunkDigests::new(&salt(config)?)).map_err(usage)
}

fn salt(config: &Config) -> Result<DeploymentSalt, Failure> {
    let secrets = &config.secrets;
    if let Some(salt) = secrets.deployment_salt.as_ref().and_then(secret_bytes) {
        return Ok(DeploymentSalt::new(salt));
    }
    let Some(folder) = &secrets.development_folder else {
        let words = "secrets.deployment_salt: required, 64 hex digits; give \
                     secrets.deployment_salt_file";
        return Err(Failure::new(EXIT_USAGE, words));
    };
    let made = load_or_make(folder).map_err(|error| Failure::new(EXIT_SYSTEM, error))?;
    Ok(DeploymentSalt::new(made.deployment_salt))
}
