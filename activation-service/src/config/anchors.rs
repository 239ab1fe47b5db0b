//! Settings of anchors: heads told outside, so that an older copy of the ledger is noticed.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Longest time between two anchors: a day.
const PERIOD_S_MAX: u64 = 24 * 3_600;

/// Where durable heads are told, and which one the ledger must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Anchors {
    /// Seconds between two anchors, if there is a new head; default 60, 0 to 86,400, 0 tells none
    /// but those of start and stop.
    pub period_s: u64,
    /// A file to which anchors are also appended; default none. It is worth something where whoever
    /// changes the ledger's disk cannot change it. Its newest anchor must be held by the ledger, or
    /// the service does not start.
    pub file: Option<PathBuf>,
    /// An anchor, one line of the file or of the log, that the ledger must hold; default none.
    pub known: Option<String>,
}

impl Default for Anchors {
    fn default() -> Self {
        Self { period_s: 60, file: None, known: None }
    }
}

impl Anchors {
    pub(super) fn faults(&self, faults: &mut Vec<String>) {
        if self.period_s > PERIOD_S_MAX {
            faults.push(format!("anchors.period_s: 0 to {PERIOD_S_MAX}"));
        }
        if self.file.as_ref().is_some_and(|file| file.as_os_str().is_empty()) {
            faults.push("anchors.file: name a file".to_owned());
        }
    }
}
