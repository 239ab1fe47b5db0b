//! The outside tools, pinned, in a Python environment of our own under `target/tools`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::output;
use crate::process::{read, root, run};

/// Packages of the Python index. The clients are chosen for what people have: grpcurl 1.8.6 speaks
/// reflection v1alpha only, buf curl speaks v1.
const REQUIREMENTS: &str = include_str!("../../tools.txt");
/// What each tool answers when asked for its version.
const GRPCURL_VERSION: &str = "v1.8.6";
const BUF_VERSION: &str = "1.75.0";

/// Where the tools are.
pub(super) struct Tools {
    pub(super) grpcurl: PathBuf,
    pub(super) buf: PathBuf,
    pub(super) python: PathBuf,
}

impl Tools {
    /// Installs what is missing and checks that every tool answers; a missing tool is a failure.
    pub(super) fn ensure() -> Result<Self> {
        let folder = root().join("target").join("tools").join("venv");
        let bin = folder.join("bin");
        let tools =
            Self { grpcurl: bin.join("grpcurl"), buf: bin.join("buf"), python: bin.join("python") };
        let stamp = folder.join("installed.txt");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == REQUIREMENTS) {
            return Ok(tools);
        }
        install(&folder, &tools.python)?;
        tools.check()?;
        fs::write(&stamp, REQUIREMENTS).context("cannot note what was installed")?;
        Ok(tools)
    }

    /// How the tests find the tools.
    pub(super) fn environment(&self) -> [(&'static str, &Path); 3] {
        [
            ("BENEFITS_TEST_GRPCURL", &self.grpcurl),
            ("BENEFITS_TEST_BUF", &self.buf),
            ("BENEFITS_TEST_PYTHON", &self.python),
        ]
    }

    fn check(&self) -> Result<()> {
        let grpcurl = read(Command::new(&self.grpcurl).arg("--version"))?;
        let buf = read(Command::new(&self.buf).arg("--version"))?;
        let grpc = "import grpc, grpc_tools; print(grpc.__version__)";
        let grpcio = read(Command::new(&self.python).args(["-c", grpc]))?;
        if !grpcurl.contains(GRPCURL_VERSION) || !buf.contains(BUF_VERSION) {
            bail!("wanted grpcurl {GRPCURL_VERSION} and buf {BUF_VERSION}, got {grpcurl}{buf}");
        }
        output::line(&format!(
            "grpcurl {GRPCURL_VERSION}, buf {BUF_VERSION}, grpcio {}",
            grpcio.trim()
        ));
        Ok(())
    }
}

fn install(folder: &Path, python: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).context("cannot remove the old target/tools/venv")?;
    }
    let venv = || read(Command::new("python3").args(["-m", "venv"]).arg(folder));
    if venv().is_err() {
        // Debian ships Python without this module, in a package of its own.
        run(Command::new("apt-get").args(["install", "--yes", "python3-venv"]))
            .and_then(|()| venv())
            .context("Python 3 with its venv module is needed")?;
    }
    let list = root().join("xtask").join("tools.txt");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(Command::new(python).args(pip).arg(list))
        .context("the Python index must be reachable once, for the tools in xtask/tools.txt")
}
