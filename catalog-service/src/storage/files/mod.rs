//! Reads the content folder, checks it as a whole, and makes an immutable content of it.
//!
//! Nothing stops at the first fault: every file is read, every fault is told with its file and
//! line, and only content without any fault is served. The format is described in
//! `catalog/README.md`.

mod assemble;
mod download;
mod family;
mod faults;
mod folder;
mod offer;
mod product;
mod resolve;
mod section;
mod walkthrough;

use std::path::Path;

use crate::domain::content::Content;
use crate::ports::ContentFault;

pub use faults::FAULTS_MAX;
pub use folder::{CONTENT_BYTES_MAX, FILE_BYTES_MAX, FILES_MAX};

use faults::Faults;

/// Reads and checks the folder. On failure every fault is returned, by file and line. It blocks
/// while it reads.
pub fn check(dir: &Path) -> Result<Content, Vec<ContentFault>> {
    let mut faults = Faults::default();
    let folder = folder::read(dir, &mut faults);
    let content = assemble::assemble(&folder, &mut faults);
    faults.into_result(content)
}

#[cfg(test)]
mod tests;
