//! What can be asked for on the command line, and which module answers.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{bench, certs, dev, faults, fleet, instructions, output, test, token};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "The commands of this repository",
    bin_name = "cargo xtask"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build and start both services, walk through the main job, and go on serving.
    Dev(dev::DevArgs),
    /// Run everything that CI runs: formatting, lints, tests, documentation.
    Test(test::TestArgs),
    /// Inject faults into the ledger, simulated and real, and count broken promises.
    Faults(faults::FaultsArgs),
    /// Live through years of computer fleets and tell what the hardware policy counts of them.
    Fleet(fleet::FleetArgs),
    /// Measure both services beside a service that does nothing, and tell ratios.
    Bench(bench::BenchArgs),
    /// Count what the parts of an activation cost, with valgrind, beside what is recorded.
    Instructions(instructions::InstructionsArgs),
    /// Make a local certificate authority with identities for services and people.
    Certs(certs::CertsArgs),
    /// Mint a development token for a portal user, signed with the key that `certs` made.
    Token(token::TokenArgs),
}

/// Parses the command line, does what it asks for, and tells success from failure by the exit code.
#[must_use]
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Dev(args) => dev::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Faults(args) => faults::run_bench(&args),
        Command::Fleet(args) => fleet::simulate(&args),
        Command::Bench(args) => bench::measure(&args),
        Command::Instructions(args) => instructions::run_instrument(&args),
        Command::Certs(args) => certs::run(&args),
        Command::Token(args) => token::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
