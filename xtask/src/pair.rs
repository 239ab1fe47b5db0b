//! The two real services as processes on loopback, for `dev` and for the system tests.
//!
//! Everything they need lies in one folder: identities and secrets, stores, logs, and a copy of the
//! content that may be edited. A service that is started again gets the same port and finds its
//! files again.

mod service;
mod settings;

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::certs::{self, CertsArgs};
use crate::process::root;
pub use service::{Service, binary};

/// How callers prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Plain text with the development identity.
    Plain,
    /// Certificates and tokens.
    Mtls,
}

/// What to start.
#[derive(Clone, Debug)]
pub struct PairOptions {
    /// The folder for everything; it is made if it does not exist.
    pub folder: PathBuf,
    /// How callers prove who they are.
    pub security: Security,
    /// Port of the activation service; any free one if 0.
    pub activation_port: u16,
    /// Port of the catalog service; any free one if 0.
    pub catalog_port: u16,
    /// Further settings of the activation service, `key` and `value`.
    pub activation_settings: Vec<(String, String)>,
    /// Further settings of the catalog service.
    pub catalog_settings: Vec<(String, String)>,
    /// Only the activation service is started; it does not need the other one.
    pub is_alone: bool,
    /// How the process of the activation service differs from the delivered one.
    pub activation_process: Process,
    /// How the process of the catalog service differs from the delivered one.
    pub catalog_process: Process,
}

/// How a process differs from the delivered binary that is started plainly.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// A program and its first arguments in place of the binary, if there are any.
    pub program: Vec<OsString>,
    /// Variables added to its environment.
    pub environment: Vec<(OsString, OsString)>,
}

impl PairOptions {
    /// Free ports and no further settings.
    #[must_use]
    pub fn new(folder: &Path, security: Security) -> Self {
        Self {
            folder: folder.to_owned(),
            security,
            activation_port: 0,
            catalog_port: 0,
            activation_settings: Vec::new(),
            catalog_settings: Vec::new(),
            is_alone: false,
            activation_process: Process::default(),
            catalog_process: Process::default(),
        }
    }
}

/// Both services; they are killed when this is dropped.
pub struct Pair {
    options: PairOptions,
    activation: Service,
    catalog: Service,
}

impl Pair {
    /// Starts both and waits until each says where it listens.
    ///
    /// # Errors
    /// The folder cannot be written, a binary is missing, or a service ends instead of listening.
    pub fn start(options: PairOptions) -> Result<Self> {
        let mut pair = Self::prepare(options)?;
        pair.start_activation()?;
        if !pair.options.is_alone {
            pair.start_catalog()?;
        }
        Ok(pair)
    }

    /// Makes what is missing in the folder and starts nothing yet.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn prepare(options: PairOptions) -> Result<Self> {
        prepare(&options)?;
        let (activation_port, catalog_port) = (options.activation_port, options.catalog_port);
        let activation = Service::new("activation-service", &options.folder, activation_port)?;
        let catalog = Service::new("catalog-service", &options.folder, catalog_port)?;
        Ok(Self { options, activation, catalog })
    }

    /// The settings that the activation service is started with, for its other commands.
    #[must_use]
    pub fn activation_settings(&self) -> Vec<(String, String)> {
        settings::activation(&self.options)
    }

    /// How the next processes differ from the delivered ones; those that run go on as they are.
    pub fn set_processes(&mut self, activation: Process, catalog: Process) {
        self.options.activation_process = activation;
        self.options.catalog_process = catalog;
    }

    /// The activation service.
    #[must_use]
    pub fn activation(&self) -> &Service {
        &self.activation
    }

    /// The catalog service.
    #[must_use]
    pub fn catalog(&self) -> &Service {
        &self.catalog
    }

    /// Starts the activation service again, on the same port and files.
    ///
    /// # Errors
    /// It runs already, or ends instead of listening.
    pub fn start_activation(&mut self) -> Result<()> {
        let settings = settings::activation(&self.options);
        self.activation.start(&settings, &self.options.activation_process)
    }

    /// Starts the catalog service again, on the same port and files.
    ///
    /// # Errors
    /// It runs already, or ends instead of listening.
    pub fn start_catalog(&mut self) -> Result<()> {
        let activation: SocketAddr = self.activation.address()?;
        let settings = settings::catalog(&self.options, activation);
        self.catalog.start(&settings, &self.options.catalog_process)
    }

    /// Whether the process of the activation service runs.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn is_activation_alive(&mut self) -> Result<bool> {
        self.activation.is_alive()
    }

    /// Whether the process of the catalog service runs.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn is_catalog_alive(&mut self) -> Result<bool> {
        self.catalog.is_alive()
    }

    /// Ends the activation service with SIGKILL.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill_activation(&mut self) -> Result<()> {
        self.activation.kill()
    }

    /// Ends the catalog service with SIGKILL.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill_catalog(&mut self) -> Result<()> {
        self.catalog.kill()
    }

    /// Ends the activation service with SIGTERM and waits for its end.
    ///
    /// # Errors
    /// It does not run.
    pub fn stop_activation(&mut self) -> Result<std::process::ExitStatus> {
        self.activation.stop()
    }

    /// Ends the catalog service with SIGTERM and waits for its end.
    ///
    /// # Errors
    /// It does not run.
    pub fn stop_catalog(&mut self) -> Result<std::process::ExitStatus> {
        self.catalog.stop()
    }

    /// The content that the catalog service serves; it may be edited.
    #[must_use]
    pub fn content_folder(&self) -> PathBuf {
        settings::content(&self.options.folder)
    }

    /// Identities and secrets, as `cargo xtask certs` writes them.
    #[must_use]
    pub fn certs(&self) -> PathBuf {
        settings::certs(&self.options.folder)
    }

    /// How callers prove who they are.
    #[must_use]
    pub fn security(&self) -> Security {
        self.options.security
    }
}

/// Makes what is missing in the folder.
fn prepare(options: &PairOptions) -> Result<()> {
    let folder = options.folder.as_path();
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let out = settings::certs(folder);
    if !out.join("ca.pem").exists() {
        certs::write(&CertsArgs { out, days: 90, replace: false })?;
    }
    let content = settings::content(folder);
    if !options.is_alone && !content.exists() {
        copy(&root().join("catalog-service").join("catalog"), &content)?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)
                .with_context(|| format!("cannot copy to {}", target.display()))?;
        }
    }
    Ok(())
}
