//! Bytes on disk, of folders and of a ledger split by file.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::Result;

/// Bytes that are read at a time from the end of a file.
const PIECE_BYTES: usize = 64 * 1024;

/// Bytes of a ledger.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sizes {
    /// Of the journal without the space that is only taken beforehand.
    pub(crate) journal: u64,
    /// Of everything else, which are the books.
    pub(crate) books: u64,
}

impl Sizes {
    pub(crate) fn of(ledger: &Path) -> Result<Self> {
        let mut sizes = Self::default();
        for entry in std::fs::read_dir(ledger)? {
            let entry = entry?;
            if entry.file_name() == "journal" {
                sizes.journal += bytes_in(&entry.path(), written)?;
            } else {
                sizes.books += bytes_in(&entry.path(), whole)?;
            }
        }
        Ok(sizes)
    }
}

/// Bytes of all files in a folder.
pub(crate) fn bytes_in_all(folder: &Path) -> Result<u64> {
    bytes_in(folder, whole)
}

fn bytes_in(path: &Path, of: fn(&Path) -> Result<u64>) -> Result<u64> {
    if !path.is_dir() {
        return of(path);
    }
    let mut sum = 0;
    for entry in std::fs::read_dir(path)? {
        sum += bytes_in(&entry?.path(), of)?;
    }
    Ok(sum)
}

fn whole(file: &Path) -> Result<u64> {
    // A file that went away meanwhile has no bytes.
    Ok(file.metadata().map_or(0, |about| about.len()))
}

/// Bytes up to the last that is not zero.
fn written(file: &Path) -> Result<u64> {
    let mut file = File::open(file)?;
    let mut end = file.metadata()?.len();
    let mut piece = vec![0; PIECE_BYTES];
    while end > 0 {
        let start = end.saturating_sub(PIECE_BYTES as u64);
        piece.resize(usize::try_from(end - start)?, 0);
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut piece)?;
        if let Some(last) = piece.iter().rposition(|byte| *byte != 0) {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_that_is_only_taken_beforehand_is_not_written() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("segment");
        let mut bytes = vec![0; PIECE_BYTES * 2 + 5];
        std::fs::write(&file, &bytes)?;
        assert_eq!(written(&file)?, 0);
        bytes[PIECE_BYTES + 3] = 7;
        std::fs::write(&file, &bytes)?;
        assert_eq!(written(&file)?, PIECE_BYTES as u64 + 4);
        assert_eq!(bytes_in(folder.path(), whole)?, PIECE_BYTES as u64 * 2 + 5);
        Ok(())
    }
}
