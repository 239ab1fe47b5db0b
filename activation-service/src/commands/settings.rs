//! `config check` and `config print`, and how every command finds its settings.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::{EXIT_SYSTEM, EXIT_USAGE, Failure};
use crate::adapters::policy_file;
use crate::config::{Config, ENV_PREFIX};

/// Settings that are given after the command.
#[derive(Debug, Args)]
pub(super) struct SettingsArgs {
    /// One setting, such as `serve.listen=127.0.0.1:50052`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    settings: Vec<(String, String)>,
}

/// Where the settings come from: flag over environment over file over default.
#[derive(Debug)]
pub(super) struct Source {
    file: Option<PathBuf>,
    flags: Vec<(String, String)>,
}

impl Source {
    pub(super) fn new(file: Option<PathBuf>, flags: Vec<(String, String)>) -> Self {
        Self { file, flags }
    }

    /// What stands after the command comes on top of what stands before it.
    pub(super) fn and(mut self, args: SettingsArgs) -> Self {
        self.flags.extend(args.settings);
        self
    }

    /// The settings as they are given.
    pub(super) fn read(&self) -> Result<Config, Failure> {
        chassis::config::load(self.file.as_deref(), ENV_PREFIX, &self.flags)
            .map_err(|error| Failure::new(EXIT_USAGE, error))
    }

    /// The settings, valid.
    pub(super) fn valid(&self) -> Result<Config, Failure> {
        let config = self.read()?;
        config.validate().map_err(|faults| Failure::new(EXIT_USAGE, faults))?;
        Ok(config)
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        let config = self.valid()?;
        policy_file::read(config.policy.file.as_deref())
            .map_err(|error| Failure::new(EXIT_USAGE, format!("policy.file: {error}")))?;
        print_line("the settings can be used")
    }

    pub(super) fn print(&self) -> Result<(), Failure> {
        let text = chassis::config::render(&self.read()?)
            .map_err(|error| Failure::new(EXIT_USAGE, error))?;
        print_line(text.trim_end())
    }
}

/// One answer on standard output.
pub(super) fn print_line(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(EXIT_SYSTEM, format!("standard output: {error}")))
}

/// Reads `KEY=VALUE`.
pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
