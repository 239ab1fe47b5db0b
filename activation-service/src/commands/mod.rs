//! The command line: `serve`, `healthcheck`, `ledger …`, `policy …`, `config check` and `config
//! print`.

mod healthcheck;
mod ledger;
mod policy;
mod progress;
mod serve;
mod settings;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use healthcheck::HealthcheckArgs;
use ledger::LedgerCommand;
use policy::PolicyCommand;
use settings::{SettingsArgs, Source};

/// What was asked about is not as it should be: the service does not serve.
const EXIT_NOT_GOOD: u8 = 1;
/// The settings or the command line cannot be used (EX_USAGE).
const EXIT_USAGE: u8 = 64;
/// The ledger cannot be opened (EX_UNAVAILABLE).
const EXIT_STORAGE: u8 = 69;
/// A fault of the program (EX_SOFTWARE).
const EXIT_FAULT: u8 = 70;
/// The system does not give what is needed, such as the address (EX_OSERR).
const EXIT_SYSTEM: u8 = 71;
/// The open calls did not end in time and were cut off (EX_TEMPFAIL).
const EXIT_CUT_OFF: u8 = 75;

/// Decides whether an installation counts, and keeps the ledger of product keys and computers.
#[derive(Debug, Parser)]
#[command(name = "activation-service", version)]
pub struct Cli {
    /// A TOML file with settings.
    #[arg(long, global = true, env = "ACTIVATION_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting, such as `serve.listen=127.0.0.1:50052`; may be repeated, before the command
    /// and after it.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = settings::key_value)]
    settings: Vec<(String, String)>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or ctrl-c.
    Serve(SettingsArgs),
    /// Ask a running service whether it serves; ends with 0 if it does.
    Healthcheck(HealthcheckArgs),
    /// Look after the ledger of a service that is stopped.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Look at a hardware policy, and at what it would have decided.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Look at the settings.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Tell every fault of the settings, and where it came from.
    Check(SettingsArgs),
    /// Print the settings in force, without secrets.
    Print(SettingsArgs),
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    run_with(std::env::args_os())
}

/// Runs a command line; the first argument names the program.
pub fn run_with(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
            // Without a terminal to write to, the exit code must do.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let source = Source::new(cli.config, cli.settings);
    let done = match cli.command {
        Command::Serve(args) => serve::run(&source.and(args)),
        Command::Healthcheck(args) => healthcheck::run(source, args),
        Command::Ledger(command) => ledger::run(source, command),
        Command::Policy(command) => policy::run(source, command),
        Command::Config(ConfigCommand::Check(args)) => source.and(args).check(),
        Command::Config(ConfigCommand::Print(args)) => source.and(args).print(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "activation-service: {}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}

/// Why a command did not do what it was asked, and the code it ends with.
#[derive(Debug)]
struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    fn new(code: u8, message: impl Display) -> Self {
        Self { code, message: message.to_string() }
    }
}
