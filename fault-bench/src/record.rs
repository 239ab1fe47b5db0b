//! A file of finished runs, one JSON line each, so that a long bench goes on where it was stopped.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::campaign::{Promise, Side};

/// One finished run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) promise: Promise,
    pub(crate) side: Side,
    pub(crate) seed: u64,
    pub(crate) injected: u64,
    #[serde(default)]
    pub(crate) also: Vec<(Promise, u64)>,
    #[serde(default)]
    pub(crate) violation: Option<String>,
    pub(crate) seconds: f64,
}

/// What was run before, and where further runs are noted.
#[derive(Default)]
pub(crate) struct Record {
    runs: BTreeMap<(Promise, Side, u64), Run>,
    file: Option<File>,
}

impl Record {
    /// The record in a file, which is made if it does not exist; a line that was cut off by a kill
    /// is left out, and its run is made again.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).read(true).open(path);
        let mut file = file.with_context(|| format!("cannot open {}", path.display()))?;
        let mut runs = BTreeMap::new();
        for line in BufReader::new(&file).lines() {
            let Ok(run) = serde_json::from_str::<Run>(&line?) else { continue };
            runs.insert((run.promise, run.side, run.seed), run);
        }
        // Whatever a kill left of a line ends here.
        writeln!(file)?;
        Ok(Self { runs, file: Some(file) })
    }

    /// The finished run of a seed, unless it has to be made again because it broke something.
    pub(crate) fn finished(&self, promise: Promise, side: Side, seed: u64) -> Option<&Run> {
        self.runs.get(&(promise, side, seed)).filter(|run| run.violation.is_none())
    }

    pub(crate) fn note(&mut self, run: &Run) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        writeln!(file, "{}", serde_json::to_string(run)?).context("the record")
    }
}
