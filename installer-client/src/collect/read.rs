//! Bounded reading of the small files in which Linux shows its hardware.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use hardware_evidence::AbsentReason;

/// Most bytes read of any file; the first processor and the mounts of a large server fit well.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Most entries looked at in any folder.
const ENTRIES_MAX: usize = 4096;

/// The bytes of a file, at most [`FILE_BYTES_MAX`].
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, AbsentReason> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|error| reason(error.kind()))?;
    Ok(bytes)
}

/// The text of a file without spaces at its ends.
pub(super) fn text(path: &Path) -> Result<String, AbsentReason> {
    let text = String::from_utf8_lossy(&bytes(path)?).into_owned();
    Ok(text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned())
}

/// The entries of a folder, sorted so that nothing depends on the order of the kernel; none if it
/// cannot be read.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> =
        entries.take(ENTRIES_MAX).filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// The last part of what a link or folder resolves to, such as `pci` for the link `subsystem`.
pub(super) fn target_name(path: &Path) -> Option<String> {
    let target = path.canonicalize().ok()?;
    Some(target.file_name()?.to_string_lossy().into_owned())
}

/// Whether the kernel says that people plug the device in and out while the computer runs.
pub(super) fn is_removable(device: &Path) -> bool {
    text(&device.join("removable")).is_ok_and(|text| text == "removable")
}

fn reason(kind: ErrorKind) -> AbsentReason {
    match kind {
        ErrorKind::NotFound | ErrorKind::NotADirectory => AbsentReason::NotFound,
        ErrorKind::PermissionDenied => AbsentReason::NeedsAdministrator,
        _ => AbsentReason::Unreadable,
    }
}
