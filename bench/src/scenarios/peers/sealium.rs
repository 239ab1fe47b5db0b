//! sealium, the peer that is nearest in what it does: weighted evidence of several kinds, and the
//! same computer again is no second activation. One process of Python with SQLite, as it is
//! delivered, but for its limit of sixty requests a minute from an address.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use xtask::process::{read, root, run};

const PACKAGE: &str = "sealium==1.5.2";
/// Longest wait for it to listen.
const START_TIME_MAX: Duration = Duration::from_secs(30);

/// A server in a folder of its own; it is killed when this is dropped.
pub(super) struct Sealium {
    folder: TempDir,
    server: Child,
    port: u16,
}

impl Sealium {
    pub(super) fn start() -> Result<Self> {
        install()?;
        let folder = tempfile::tempdir_in(root().join("target").join("bench"))?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let configured = || {
            let mut command = python();
            command.current_dir(folder.path()).env("SEALIUM_SERVER__PORT", port.to_string());
            command.env("SEALIUM_RATE_LIMIT__ENABLED", "false");
            command
        };
        // The first codes make the file, which the server wants to find.
        read(configured().args(["-m", "sealium.scripts.generate_keys"]))?;
        read(configured().args(["-m", "sealium.scripts.generate_activation_codes", "--no-print"]))?;
        let mut server = configured();
        server.args(["-m", "sealium.server.run"]).stdout(Stdio::null()).stderr(Stdio::null());
        let server = server.spawn().context("sealium")?;
        let this = Self { folder, server, port };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            ensure!(begun.elapsed() < START_TIME_MAX, "sealium does not listen");
            std::thread::park_timeout(Duration::from_millis(50));
        }
        Ok(this)
    }

    /// Activations a second.
    pub(super) fn measure(&self, callers: u32, length: Duration) -> Result<f64> {
        let mut load = python();
        load.current_dir(self.folder.path()).arg(root().join("bench/shim/peer_sealium.py"));
        load.arg(self.folder.path().join("data"));
        load.arg(format!("http://127.0.0.1:{}/v1/activation", self.port));
        load.args([callers.to_string(), length.as_secs_f64().to_string()]);
        let told = read(&mut load)?;
        let rate = told.lines().find_map(|line| line.strip_prefix("activations_per_s "));
        rate.with_context(|| format!("no rate:\n{told}"))?.parse().context("a rate")
    }
}

impl Drop for Sealium {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Where it is installed, with a Python of its own.
fn environment() -> PathBuf {
    root().join("target").join("bench").join("sealium")
}

fn python() -> Command {
    Command::new(environment().join("bin").join("python"))
}

/// Installs it from the Python index where it is missing.
fn install() -> Result<()> {
    if python().args(["-c", "import sealium"]).output().is_ok_and(|it| it.status.success()) {
        return Ok(());
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(environment()))?;
    run(python().args(["-m", "pip", "install", "--quiet", PACKAGE]))
}
