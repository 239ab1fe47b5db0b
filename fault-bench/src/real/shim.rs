//! The shim between a service and its disk and clock: built here, loaded with `LD_PRELOAD`, and
//! told through a small file what to do.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow};
use jiff::{SignedDuration, Timestamp};
use system_tests::Service;
use xtask::pair::Process;
use xtask::process::root;

/// Words of the control file, as shim.h places them.
mod word {
    pub(super) const IS_CUT: u64 = 0;
    pub(super) const OPERATIONS: u64 = 1;
    pub(super) const CUT_AT: u64 = 2;
    pub(super) const FAULTS: u64 = 3;
    pub(super) const CLASSES: u64 = 0;
    pub(super) const HITS: u64 = 4;
    pub(super) const PASSED: u64 = 5;
    pub(super) const FAULT_WORDS: u64 = 6;
    pub(super) const CLOCKS: u64 = FAULTS + 2 * FAULT_WORDS;
    pub(super) const CLOCK_WORDS: u64 = 3;
    pub(super) const ALL: u64 = CLOCKS + 2 * CLOCK_WORDS;
}
const WORD_BYTES: u64 = 8;

/// Which operations fail; several may be joined.
pub(super) mod class {
    /// Writes and cuts of files.
    pub(in crate::real) const WRITE: u64 = 1;
    /// Syncs of files and folders.
    pub(in crate::real) const SYNC: u64 = 2;
    /// Renames.
    pub(in crate::real) const RENAME: u64 = 4;
    /// All that takes space: new files and folders, and files that get longer.
    pub(in crate::real) const GROW: u64 = 8;
}

/// Numbers of errors, which are the same on all Linux systems.
pub(super) mod errno {
    /// The device failed.
    pub(in crate::real) const EIO: u64 = 5;
    /// No space is left.
    pub(in crate::real) const ENOSPC: u64 = 28;
}

/// Operations that fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) classes: u64,
    pub(super) error: u64,
    /// So many of them succeed before.
    pub(super) skip: u64,
    /// So many fail; `u64::MAX` for all from then on.
    pub(super) times: u64,
}

/// How the wall clock goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// By the true one.
    True,
    /// So far beside it.
    Shifted(SignedDuration),
    /// Backwards from there.
    Backwards(SignedDuration),
    /// It stands there.
    Frozen(SignedDuration),
}

/// The library and the file through which it is told what to do.
pub(super) struct Shim {
    library: PathBuf,
    path: PathBuf,
    control: File,
}

impl Shim {
    /// A shim that does nothing yet, with its control file in a folder that no service writes to.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        static LIBRARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let built = LIBRARY.get_or_init(|| build().map_err(|error| format!("{error:#}")));
        let library = built.clone().map_err(|error| anyhow!(error))?;
        let path = folder.join("control");
        let control = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        let control = control.with_context(|| path.display().to_string())?;
        control.set_len(word::ALL * WORD_BYTES)?;
        Ok(Self { library, path, control })
    }

    /// A process of a service whose files under `folder` are watched; changes are written to
    /// `trace` if there is one.
    pub(super) fn process(&self, service: Service, folder: &Path, trace: Option<&Path>) -> Process {
        let variable = |name: &str, value: &Path| (OsString::from(name), value.into());
        let mut environment = vec![
            variable("LD_PRELOAD", &self.library),
            variable("FAULTS_FOLDER", folder),
            variable("FAULTS_CONTROL", &self.path),
            (OsString::from("FAULTS_SLOT"), OsString::from(slot(service).to_string())),
        ];
        environment.extend(trace.map(|trace| variable("FAULTS_TRACE", trace)));
        Process { environment, ..Process::default() }
    }

    /// The power goes after so many operations from now.
    pub(super) fn cut_after(&self, operations: u64) -> Result<()> {
        self.write(word::CUT_AT, self.read(word::OPERATIONS)? + operations.max(1))
    }

    /// The power goes now.
    pub(super) fn cut(&self) -> Result<()> {
        self.write(word::IS_CUT, 1)
    }

    /// True once the power is gone.
    pub(super) fn is_cut(&self) -> Result<bool> {
        Ok(self.read(word::IS_CUT)? != 0)
    }

    /// The power is back: what is started from now on lives.
    pub(super) fn restore(&self) -> Result<()> {
        self.write(word::CUT_AT, 0)?;
        self.write(word::IS_CUT, 0)
    }

    /// From now on these operations of a service fail; none ends it.
    pub(super) fn fail(&self, service: Service, fault: Option<Fault>) -> Result<()> {
        let at = word::FAULTS + slot(service) * word::FAULT_WORDS;
        // Without a class nobody looks at the others, which can then be changed one by one.
        self.write(at + word::CLASSES, 0)?;
        let Some(fault) = fault else { return Ok(()) };
        for (number, value) in (1..).zip([fault.error, fault.skip, fault.times, 0, 0]) {
            self.write(at + number, value)?;
        }
        self.write(at + word::CLASSES, fault.classes)
    }

    /// Operations of a service that were made to fail since the last [`Self::fail`].
    pub(super) fn hits(&self, service: Service) -> Result<u64> {
        self.read(word::FAULTS + slot(service) * word::FAULT_WORDS + word::HITS)
    }

    /// Operations of the failing classes that a service tried since the last [`Self::fail`].
    pub(super) fn passed(&self, service: Service) -> Result<u64> {
        self.read(word::FAULTS + slot(service) * word::FAULT_WORDS + word::PASSED)
    }

    /// How the wall clock of a service goes from now on.
    pub(super) fn set_clock(&self, service: Service, clock: Clock) -> Result<()> {
        let (mode, offset) = match clock {
            Clock::True => (0, SignedDuration::ZERO),
            Clock::Shifted(by) => (1, by),
            Clock::Backwards(from) => (2, from),
            Clock::Frozen(at) => (3, at),
        };
        let at = word::CLOCKS + slot(service) * word::CLOCK_WORDS;
        self.write(at, 0)?;
        let since = i64::try_from(Timestamp::now().as_nanosecond())?;
        self.write(at + 1, since.cast_unsigned())?;
        self.write(at + 2, i64::try_from(offset.as_nanos())?.cast_unsigned())?;
        self.write(at, mode)
    }

    fn read(&self, word: u64) -> Result<u64> {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, word * WORD_BYTES)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn write(&self, word: u64, value: u64) -> Result<()> {
        Ok(self.control.write_all_at(&value.to_le_bytes(), word * WORD_BYTES)?)
    }
}

fn slot(service: Service) -> u64 {
    match service {
        Service::Activation => 0,
        Service::Catalog => 1,
    }
}

/// Compiles the library; a bench that runs at the same time replaces it by the same.
fn build() -> Result<PathBuf> {
    let (source, target) = (root().join("fault-bench/shim"), root().join("target/faults"));
    fs::create_dir_all(&target).with_context(|| target.display().to_string())?;
    let own = target.join(format!("shim-{}.so", std::process::id()));
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden", "-o"]);
    command.arg(&own);
    for part in ["trace.c", "calls.c", "clock.c"] {
        command.arg(source.join(part));
    }
    xtask::process::read(&mut command).context("the shim needs a C compiler")?;
    let library = target.join("shim.so");
    fs::rename(&own, &library).context("the shim")?;
    Ok(library)
}
