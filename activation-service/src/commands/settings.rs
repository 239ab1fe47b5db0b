//! `config check` and `config print`, and how every command finds its settings.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::{EXIT_SYSTEM, EXIT_USAGE, Failure};
use crate::config::{Config, ENV_PREFIX};

/// Where the settings come from: flag over environment over file over default.
#[derive(Debug, Args)]
pub(super) struct SettingsArgs {
    /// A TOML file with settings.
    #[arg(long, env = "ACTIVATION_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting, such as `serve.listen=127.0.0.1:50052`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    settings: Vec<(String, String)>,
}

impl SettingsArgs {
    /// The settings, valid.
    pub(super) fn load(&self) -> Result<Config, Failure> {
        let config: Config =
            chassis::config::load(self.config.as_deref(), ENV_PREFIX, &self.settings)
                .map_err(|error| Failure::new(EXIT_USAGE, error))?;
        config.validate().map_err(|faults| Failure::new(EXIT_USAGE, faults))?;
        Ok(config)
    }
}

pub(super) fn check(args: &SettingsArgs) -> Result<(), Failure> {
    args.load()?;
    print_line("the settings can be used")
}

pub(super) fn print(args: &SettingsArgs) -> Result<(), Failure> {
    let config: Config = chassis::config::load(args.config.as_deref(), ENV_PREFIX, &args.settings)
        .map_err(|error| Failure::new(EXIT_USAGE, error))?;
    let text = chassis::config::render(&config).map_err(|error| Failure::new(EXIT_USAGE, error))?;
    print_line(text.trim_end())
}

/// One answer on standard output.
pub(super) fn print_line(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(EXIT_SYSTEM, format!("standard output: {error}")))
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
