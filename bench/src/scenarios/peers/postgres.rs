//! The same operation as a transaction of PostgreSQL that locks the row of the key, by pgbench.
//!
//! PostgreSQL runs with the settings that it is delivered with: every commit is on disk before it
//! is answered. It signs nothing, compares no evidence and speaks its own protocol on a socket of
//! the file system, which is all in its favour.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use xtask::process::{read, root};

use super::super::LIMIT_MAX;
use super::ensure_program;

/// Where Debian has the programs that are in no path.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Whom the database runs as where we are root, as it refuses to be.
const USER: &str = "postgres";

/// A database in a folder of its own; it is stopped when this is dropped.
pub(super) struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    is_root: bool,
}

impl Postgres {
    pub(super) fn start(keys: usize) -> Result<Self> {
        ensure_program("pgbench", "postgresql")?;
        let parent = root().join("target").join("bench");
        let folder = tempfile::tempdir_in(parent).context("a folder")?;
        let is_root = read(Command::new("id").arg("-u"))?.trim() == "0";
        if is_root {
            read(Command::new("chown").arg(USER).arg(folder.path()))?;
        }
        let this = Self { folder, programs: programs()?, is_root };
        let (data, log) = (this.data(), this.folder.path().join("log"));
        read(this.command("initdb").args(["--auth=trust", "-U", "bench", "-D"]).arg(&data))?;
        let sockets = format!("-k {} -c listen_addresses=", this.folder.path().display());
        let mut start = this.command("pg_ctl");
        start.args(["start", "-w", "-o", &sockets, "-D"]).arg(&data).arg("-l").arg(&log);
        // It goes on with the output of whoever starts it.
        start.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        ensure!(start.status()?.success(), "PostgreSQL does not start");
        this.sql(&["-f"], &root().join("bench/shim/peer_schema.sql"))?;
        let fill = format!(
            "INSERT INTO product_keys SELECT n, 0, {LIMIT_MAX} FROM generate_series(1, {keys}) n"
        );
        this.sql(&["-c", &fill], Path::new(""))?;
        Ok(this)
    }

    /// Transactions a second.
    pub(super) fn measure(&self, keys: usize, clients: u32, length: Duration) -> Result<f64> {
        let seconds = length.as_secs().max(1);
        let mut pgbench = self.command("pgbench");
        pgbench.args(["-n", "-M", "prepared", "-j", "2", "-U", "bench", "-h"]);
        pgbench.arg(self.folder.path()).args(["-c", &clients.to_string()]);
        pgbench.args(["-T", &seconds.to_string(), "-D", &format!("keys={keys}"), "-f"]);
        pgbench.arg(root().join("bench/shim/peer_activate.sql")).arg("postgres");
        let told = read(&mut pgbench)?;
        let rate = told.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|line| line.split_whitespace().next());
        rate.with_context(|| format!("pgbench told no rate:\n{told}"))?.parse().context("a rate")
    }

    fn sql(&self, words: &[&str], file: &Path) -> Result<()> {
        let mut psql = self.command("psql");
        psql.args(["-q", "-v", "ON_ERROR_STOP=1", "-U", "bench", "-d", "postgres", "-h"]);
        psql.arg(self.folder.path()).args(words);
        if !file.as_os_str().is_empty() {
            psql.arg(file);
        }
        read(&mut psql)?;
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        if !self.is_root {
            return Command::new(program);
        }
        let mut command = Command::new("runuser");
        command.args(["-u", USER, "--"]).arg(program);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let data = self.data();
        let _ = read(self.command("pg_ctl").args(["stop", "-w", "-m", "fast", "-D"]).arg(data));
    }
}

/// Where the programs of the newest version are.
fn programs() -> Result<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).context("apt-get install postgresql")?;
    let mut folders: Vec<PathBuf> = Vec::new();
    for version in versions {
        folders.push(version?.path().join("bin"));
    }
    folders.sort();
    folders.pop().context("apt-get install postgresql")
}
