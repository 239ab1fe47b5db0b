//! One service as a process: start, wait for its address, kill, stop.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::Process;

/// Longest wait for a service to listen or to end.
const START_TIME_MAX: Duration = Duration::from_secs(60);
/// Lines of the log that a failure to start shows.
const LOG_LINES_SHOWN: usize = 20;

/// A service that runs, or ran.
pub struct Service {
    name: &'static str,
    log: PathBuf,
    port: u16,
    address: Option<SocketAddr>,
    metrics: Option<SocketAddr>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    /// Held open: a service that cannot write its standard output has lost its reader.
    _stdout: BufReader<ChildStdout>,
}

impl Service {
    pub(super) fn new(name: &'static str, folder: &Path, port: u16) -> Result<Self> {
        let logs = folder.join("logs");
        fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        let log = logs.join(format!("{name}.log"));
        Ok(Self { name, log, port, address: None, metrics: None, running: None })
    }

    /// Where it listens; known from its first start on.
    ///
    /// # Errors
    /// It was never started.
    pub fn address(&self) -> Result<SocketAddr> {
        self.address.with_context(|| format!("{} was never started", self.name))
    }

    /// Its metrics page, if its settings ask for one.
    #[must_use]
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// What it wrote to its standard error, over all starts.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    pub(super) fn start(&mut self, settings: &[(String, String)], process: &Process) -> Result<()> {
        if self.running.is_some() {
            bail!("{} runs already", self.name);
        }
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let port = self.address.map_or(self.port, |address| address.port());
        let mut command = match process.program.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments);
                command
            }
            None => Command::new(binary(self.name)?),
        };
        command.arg("serve").envs(process.environment.iter().cloned());
        for (key, value) in settings {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        command.arg("--set").arg(format!("serve.listen=127.0.0.1:{port}"));
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", self.name))?;
        let stdout = child.stdout.take().context("its standard output is piped")?;
        let Some((line, stdout)) = first_line(stdout) else {
            child.kill()?;
            child.wait()?;
            let seconds = START_TIME_MAX.as_secs();
            bail!("{} neither listens nor ends within {seconds} s; {}", self.name, self.log_end());
        };
        let line = line?;
        self.running = Some(Running { child, _stdout: stdout });
        let address = self.listening(&line, "grpc");
        if address.is_err() {
            // It has ended, or is of no use; another start may go better.
            self.kill()?;
        }
        self.address = Some(address.with_context(|| self.log_end())?);
        self.metrics = self.listening(&line, "metrics").ok();
        Ok(())
    }

    /// Whether its process runs; one that has ended by itself is forgotten.
    pub(super) fn is_alive(&mut self) -> Result<bool> {
        let Some(running) = &mut self.running else { return Ok(false) };
        let has_ended = running.child.try_wait()?.is_some();
        if has_ended {
            self.running = None;
        }
        Ok(!has_ended)
    }

    pub(super) fn kill(&mut self) -> Result<()> {
        let mut running = self.take()?;
        running.child.kill()?;
        running.child.wait()?;
        Ok(())
    }

    pub(super) fn stop(&mut self) -> Result<ExitStatus> {
        let mut running = self.take()?;
        let pid = running.child.id();
        // Rust's own library can only kill; the shell knows the other signals everywhere.
        Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]).status()?;
        // A wait without an end cannot be given up, so another thread waits.
        let (ended, end) = mpsc::channel();
        let waiting = thread::spawn(move || ended.send(running.child.wait()));
        match end.recv_timeout(START_TIME_MAX) {
            Ok(status) => Ok(status?),
            Err(_) => {
                Command::new("sh").args(["-c", &format!("kill -KILL {pid}")]).status()?;
                drop(waiting.join());
                bail!("{} did not end within {} s", self.name, START_TIME_MAX.as_secs())
            }
        }
    }

    fn take(&mut self) -> Result<Running> {
        self.running.take().with_context(|| format!("{} does not run", self.name))
    }

    /// The address behind `what=` in the line that a service prints when it listens.
    fn listening(&self, line: &str, what: &str) -> Result<SocketAddr> {
        let mut words = line.strip_prefix("listening ").unwrap_or_default().split_whitespace();
        let address = words.find_map(|word| word.strip_prefix(what)?.strip_prefix('='));
        let address =
            address.with_context(|| format!("{} does not listen: {line:?}", self.name))?;
        Ok(address.parse()?)
    }

    fn log_end(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let shown = lines.iter().skip(lines.len().saturating_sub(LOG_LINES_SHOWN));
        format!("{} said:\n{}", self.name, shown.copied().collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.running.is_some() {
            // Nobody is left to be told.
            let _ = self.kill();
        }
    }
}

/// The first line of what a service says, and the rest; none if it says nothing in time.
fn first_line(stdout: ChildStdout) -> Option<(io::Result<String>, BufReader<ChildStdout>)> {
    let (told, line) = mpsc::channel();
    // The thread ends with the line, or with the process, whichever comes first.
    thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        let read = stdout.read_line(&mut line).map(|_| line);
        // Nobody waits for a line that comes too late.
        let _ = told.send((read, stdout));
    });
    line.recv_timeout(START_TIME_MAX).ok()
}

/// The binary of a service, beside the program that asks or above it.
///
/// # Errors
/// It is not built.
pub fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("this program has no path")?;
    // A test lies one folder deeper than a binary.
    let found = own.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    found
        .into_iter()
        .find(|path| path.is_file())
        .with_context(|| format!("{name} is not built: run `cargo build --workspace --bins` first"))
}
