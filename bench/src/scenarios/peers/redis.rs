//! Redis with every write synced before its answer, and the whole activation as one Lua script,
//! called by its own redis-benchmark.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use xtask::process::{read, root};

use super::ensure_program;

/// Longest wait for it to answer.
const START_TIME_MAX: Duration = Duration::from_secs(20);
/// Calls from which the rate is found that decides how many are made.
const FIRST_CALLS: u64 = 2_000;

/// A request, and an anchor, as redis-benchmark draws them.
const REQUEST: &str = "__rand_int__-__rand_int__-__rand_int__";
const EVIDENCE_BYTES: usize = 200;

/// A server in a folder of its own; it is killed when this is dropped.
pub(super) struct Redis {
    folder: TempDir,
    server: Child,
    script: String,
}

impl Redis {
    pub(super) fn start() -> Result<Self> {
        ensure_program("redis-server", "redis-server")?;
        let folder = tempfile::tempdir_in(root().join("target").join("bench"))?;
        let mut server = Command::new("redis-server");
        server.args(["--port", "0", "--save", "", "--appendonly", "yes"]);
        server.args(["--appendfsync", "always", "--daemonize", "no", "--dir"]).arg(folder.path());
        server.arg("--unixsocket").arg(folder.path().join("socket"));
        let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut this = Self { folder, server, script: String::new() };
        let begun = Instant::now();
        while read(this.client().arg("PING")).is_err() {
            ensure!(begun.elapsed() < START_TIME_MAX, "Redis does not answer");
            std::thread::park_timeout(Duration::from_millis(50));
        }
        let script = std::fs::read_to_string(root().join("bench/shim/peer_activate.lua"))?;
        this.script = read(this.client().args(["SCRIPT", "LOAD", &script]))?.trim().to_owned();
        ensure!(this.script.len() == 40, "no script: {}", this.script);
        Ok(this)
    }

    /// Activations a second.
    pub(super) fn measure(&self, keys: usize, callers: u32, length: Duration) -> Result<f64> {
        let first = self.calls(keys, callers, FIRST_CALLS)?;
        let calls = (first * length.as_secs_f64()) as u64;
        let rate = self.calls(keys, callers, calls.max(FIRST_CALLS))?;
        // redis-benchmark counts an error as an answer.
        let errors = read(self.client().args(["INFO", "errorstats"]))?;
        ensure!(!errors.contains("errorstat_"), "not every activation was recorded: {errors}");
        Ok(rate)
    }

    /// The rate of so many calls; each with a random key, request and anchor.
    fn calls(&self, keys: usize, callers: u32, calls: u64) -> Result<f64> {
        let mut benchmark = Command::new("redis-benchmark");
        benchmark.arg("-s").arg(self.socket()).args(["--csv", "-n", &calls.to_string()]);
        // Each number is drawn by itself, below the number of keys; three make up a request.
        benchmark.args(["-c", &callers.to_string(), "-r", &keys.to_string()]);
        benchmark.args(["EVALSHA", &self.script, "1", "__rand_int__"]);
        benchmark.args([REQUEST, REQUEST, &"e".repeat(EVIDENCE_BYTES)]);
        let told = read(&mut benchmark)?;
        // The heads, then name and rate in quotes.
        let line = told.lines().rfind(|line| line.starts_with('"')).context("a line")?;
        let rate = line.rsplit("\",\"").nth(6).with_context(|| format!("no rate:\n{told}"))?;
        rate.trim_matches('"').parse().with_context(|| format!("no rate:\n{told}"))
    }

    fn client(&self) -> Command {
        let mut client = Command::new("redis-cli");
        client.arg("-s").arg(self.socket());
        client
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
