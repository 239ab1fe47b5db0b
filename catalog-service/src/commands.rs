//! The commands of the binary: what a person or a container can ask of it.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, ENVIRONMENT_PREFIX};
use crate::ports::ContentFault;
use crate::server;
use crate::storage::files;

/// Exit code of a command that was called wrongly or with bad settings, as in sysexits.
const EXIT_USAGE: u8 = 64;

/// Tells partners which products they are entitled to, how to install them, and reveals product
/// keys.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// A TOML file with settings.
    #[arg(long, global = true, value_name = "FILE", env = "CATALOG_CONFIG")]
    config: Option<PathBuf>,
    /// One setting, over file and environment; may occur more than once.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or ctrl-c; SIGHUP reads the content again.
    Serve,
    /// Check a content folder and print every fault with file and line.
    Check {
        /// The folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Ask the running service whether it serves; for containers.
    Healthcheck {
        /// A health service, such as benefits.catalog.v1.Outbox; the whole server if empty.
        #[arg(long, default_value = "")]
        service: String,
    },
    /// Look at the settings.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum ConfigCommand {
    /// Check the settings and say what is wrong with each.
    Check,
    /// Print the settings in force, without secrets.
    Print,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Does what the arguments say.
pub async fn run(arguments: Arguments) -> ExitCode {
    if let Command::Check { folder } = &arguments.command {
        return check(folder);
    }
    let file = arguments.config.as_deref();
    let config: Config = match chassis::config::load(file, ENVIRONMENT_PREFIX, &arguments.settings)
    {
        Ok(config) => config,
        Err(error) => return failed(EXIT_USAGE, &error),
    };
    match arguments.command {
        Command::Serve => serve(config).await,
        Command::Check { folder } => check(&folder),
        Command::Healthcheck { service } => {
            match chassis::healthcheck::check(&config.healthcheck_channel(), &service).await {
                Ok(()) => said("serving"),
                Err(error) => failed(1, &error),
            }
        }
        Command::Config { command: ConfigCommand::Check } => {
            let faults = config.faults();
            if faults.is_empty() {
                said("the settings are in order")
            } else {
                failed(EXIT_USAGE, &faults.join("\n"))
            }
        }
        Command::Config { command: ConfigCommand::Print } => {
            match chassis::config::render(&config) {
                Ok(text) => said(&text),
                Err(error) => failed(EXIT_USAGE, &error),
            }
        }
    }
}

async fn serve(config: Config) -> ExitCode {
    if let Err(error) = chassis::telemetry::init(&config.telemetry) {
        return failed(EXIT_USAGE, &error);
    }
    let stop = match chassis::shutdown::signal() {
        Ok(stop) => stop,
        Err(error) => return failed(1, &error),
    };
    let page = match chassis::metrics::serve(&config.metrics).await {
        Ok(page) => page,
        Err(error) => return failed(EXIT_USAGE, &error),
    };
    let server = match server::bind(config).await {
        Ok(server) => server,
        Err(error) => return failed(EXIT_USAGE, &error),
    };
    // One line that a program which started us on port 0 can read.
    let metrics =
        page.as_ref().map_or_else(String::new, |page| format!(" metrics={}", page.local_addr()));
    said(&format!("listening grpc={}{metrics}", server.local_addr()));
    match server.run(stop).await {
        Ok(outcome) => {
            tracing::info!(?outcome, "stopped");
            ExitCode::SUCCESS
        }
        Err(error) => failed(1, &error),
    }
}

fn check(folder: &std::path::Path) -> ExitCode {
    match files::check(folder) {
        Ok(content) => said(&format!(
            "in order: {} families, {} products, {} offers",
            content.families().len(),
            content.products().len(),
            content.offers().len()
        )),
        Err(faults) => {
            let line = |fault: &ContentFault| {
                format!("{}:{}: {}", fault.file.display(), fault.line, fault.message)
            };
            let lines: Vec<String> = faults.iter().map(line).collect();
            said(&lines.join("\n"));
            failed(1, &format!("{} faults", faults.len()))
        }
    }
}

fn said(text: &str) -> ExitCode {
    // A reader that went away is no reason to stop serving.
    let mut out = std::io::stdout().lock();
    let _gone = writeln!(out, "{text}").and_then(|()| out.flush());
    ExitCode::SUCCESS
}

fn failed(code: u8, error: &dyn std::fmt::Display) -> ExitCode {
    let _gone = writeln!(std::io::stderr(), "catalog-service: {error}");
    ExitCode::from(code)
}
