//! The disk's own yardstick: what it takes to have 4 KiB more on it.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;

/// Bytes of each write.
const PAGE_BYTES: usize = 4096;
/// Pages of the file, which is written from its start again when it is full.
const PAGES: u64 = 4096;

/// A file in the folder of the data, its space taken beforehand as the journal's is.
pub struct Disk {
    file: File,
    page: u64,
}

impl Disk {
    /// Makes the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn in_folder(folder: &Path) -> Result<Self> {
        let path = folder.join("fdatasync");
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(&path);
        let mut file = file.with_context(|| path.display().to_string())?;
        for _ in 0..PAGES {
            file.write_all(&[0; PAGE_BYTES])?;
        }
        file.sync_all()?;
        Ok(Self { file, page: 0 })
    }

    /// Writes page after page for so long, each followed by `fdatasync`; gives microseconds.
    /// Nothing of it changes the length of the file, so the file system has nothing else to do.
    ///
    /// # Errors
    /// The disk fails.
    pub fn measure(&mut self, length: Duration) -> Result<Histogram<u64>> {
        let mut latency = Histogram::new_with_bounds(1, 60_000_000, 3)?;
        let start = Instant::now();
        while start.elapsed() < length {
            let before = Instant::now();
            self.file.seek(SeekFrom::Start(self.page * PAGE_BYTES as u64))?;
            self.file.write_all(&[1; PAGE_BYTES])?;
            self.file.sync_data()?;
            latency.saturating_record(u64::try_from(before.elapsed().as_micros())?);
            self.page = (self.page + 1) % PAGES;
        }
        Ok(latency)
    }
}
