//! Programs run to their end with a bound on their time, and signals to those that go on.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

/// Longest time that one run may take.
const RUN_TIME_MAX: Duration = Duration::from_secs(60);

/// A tool that `cargo xtask test` installs and names in a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// grpcurl, which speaks reflection v1alpha.
    Grpcurl,
    /// buf, which speaks reflection v1.
    Buf,
    /// Python with grpcio.
    Python,
}

/// A program and its arguments.
#[derive(Debug)]
pub struct Program(Command);

/// What a program said, and how it ended.
#[derive(Clone, Debug)]
pub struct Said {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// How it ended.
    pub status: ExitStatus,
}

/// Sends a signal, by its name, to a process of ours that runs.
///
/// # Errors
/// It does not run.
pub fn signal(name: &str, pid: Option<u32>) -> Result<()> {
    let pid = pid.context("it runs")?;
    // Rust's own library can only kill; the shell knows the other signals everywhere.
    let kill = format!("kill -{name} {pid}");
    let sent = std::process::Command::new("sh").args(["-c", &kill]).status()?;
    ensure!(sent.success(), "{kill}");
    Ok(())
}

impl Tool {
    /// The variable that names its file.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Grpcurl => "BENEFITS_TEST_GRPCURL",
            Self::Buf => "BENEFITS_TEST_BUF",
            Self::Python => "BENEFITS_TEST_PYTHON",
        }
    }

    /// The tool, ready for arguments.
    ///
    /// # Errors
    /// The variable is missing: a client that is not there is a failure, never a skip.
    pub fn program(self) -> Result<Program> {
        let path = std::env::var_os(self.variable()).with_context(|| {
            format!("{} is not set; `cargo xtask test` installs and names it", self.variable())
        })?;
        Ok(Program::new(PathBuf::from(path)))
    }
}

impl Program {
    /// A program by its file.
    pub fn new(path: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(path);
        command.stdin(Stdio::null()).kill_on_drop(true);
        Self(command)
    }

    /// One of our binaries, beside the test that runs.
    ///
    /// # Errors
    /// It is not built.
    pub fn ours(name: &str) -> Result<Self> {
        let own = std::env::current_exe().context("this program has no path")?;
        let found = own.ancestors().skip(1).take(2).map(|folder| folder.join(name));
        let path = found.into_iter().find(|path| path.is_file());
        Ok(Self::new(path.with_context(|| format!("{name} is not built"))?))
    }

    /// Adds arguments.
    #[must_use]
    pub fn with<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.0.args(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn setting(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it in this folder.
    #[must_use]
    pub fn inside(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It cannot be started or does not end.
    pub async fn run(mut self) -> Result<Said> {
        let shown = format!("{:?}", self.0.as_std().get_program());
        let output = tokio::time::timeout(RUN_TIME_MAX, self.0.output()).await;
        let output = output.with_context(|| format!("{shown} does not end"))?;
        let output = output.with_context(|| format!("cannot start {shown}"))?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Said { out: text(output.stdout), err: text(output.stderr), status: output.status })
    }

    /// Runs it to its good end and gives what it printed.
    ///
    /// # Errors
    /// It fails, or cannot be started.
    pub async fn succeed(self) -> Result<String> {
        let said = self.run().await?;
        ensure!(said.status.success(), "{}:\n{}{}", said.status, said.out, said.err);
        Ok(said.out)
    }
}
