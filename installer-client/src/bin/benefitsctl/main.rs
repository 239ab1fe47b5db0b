//! benefitsctl: the hardware of this computer, activations, benefits, keys and receipts, for
//! people.

mod activation;
mod args;
mod benefits;
mod error;
mod hardware;
mod keys;
mod ledger;
mod names;
mod output;
mod product_key;
mod receipt;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::error::{CliError, EXIT_LOCAL};
use crate::output::Printer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(help) => {
            // Help and version are printed by the same door and are no failure.
            let code = if help.use_stderr() { EXIT_LOCAL } else { 0 };
            return match help.print() {
                Ok(()) => ExitCode::from(code),
                Err(_) => ExitCode::from(EXIT_LOCAL),
            };
        }
    };
    let printer = Printer::new(cli.format());
    match run(&cli, &printer).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            printer.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

async fn run(cli: &Cli, printer: &Printer) -> Result<(), CliError> {
    match &cli.command {
        Command::Hardware(command) => hardware::run(&cli.global, command, printer).await,
        Command::Activate(args) => activation::activate(&cli.global, args, printer).await,
        Command::Preview(args) => activation::preview(&cli.global, args, printer).await,
        Command::Release(args) => activation::release(&cli.global, args, printer).await,
        Command::Benefits(command) => benefits::run(&cli.global, command, printer).await,
        Command::Keys(command) => keys::run(&cli.global, command, printer).await,
        Command::Receipt(command) => receipt::run(command, printer),
        Command::Ledger(command) => ledger::run(&cli.global, command, printer).await,
    }
}
