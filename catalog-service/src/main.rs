//! Front door of the catalog service: arguments in, exit code out.

use std::process::ExitCode;

use catalog_service::commands::{self, Arguments};
use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    commands::run(Arguments::parse()).await
}
