//! `healthcheck`: the probe for containers, which need neither a shell nor another tool.

use clap::Args;

use super::settings::{SettingsArgs, Source, print_line};
use super::{EXIT_FAULT, EXIT_NOT_GOOD, Failure};

/// What is asked. How the service is reached is the `healthcheck` section of its settings.
#[derive(Debug, Args)]
pub(super) struct HealthcheckArgs {
    /// A health service, such as benefits.catalog.v1.Outbox; the whole if empty.
    #[arg(long, value_name = "NAME", default_value = "")]
    service: String,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(source: Source, args: HealthcheckArgs) -> Result<(), Failure> {
    let config = source.and(args.settings).read()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(EXIT_FAULT, error))?;
    runtime
        .block_on(chassis::healthcheck::check(&config.healthcheck_channel(), &args.service))
        .map_err(|error| Failure::new(EXIT_NOT_GOOD, error))?;
    print_line("serving")
}
