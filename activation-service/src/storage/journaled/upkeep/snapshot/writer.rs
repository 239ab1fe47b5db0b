//! Writing a snapshot: beside its place, synced, and then given its name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::super::{UpkeepError, io_at};
use super::{Header, MAGIC, RECORD_BYTES_MAX, Record, SNAPSHOT_FORMAT};
use crate::storage::disk::{Disk, DiskFile};

/// Bytes that are written at once.
const PIECE_BYTES: usize = 1 << 20;

/// A snapshot that is being written.
pub(in super::super) struct SnapshotWriter {
    file: Arc<dyn DiskFile>,
    unfinished: PathBuf,
    place: PathBuf,
    offset: u64,
    waiting: Vec<u8>,
    digest: Sha256,
}

impl SnapshotWriter {
    /// Begins a snapshot; a file that stands in its place is never replaced.
    pub(in super::super) fn create(
        disk: &dyn Disk,
        place: &Path,
        header: &Header,
    ) -> Result<Self, UpkeepError> {
        if place.exists() {
            return Err(UpkeepError::Exists(place.to_owned()));
        }
        let Some(name) = place.file_name() else {
            return Err(io_at(place)(std::io::Error::other("it names no file")));
        };
        let mut unfinished = name.to_owned();
        unfinished.push(".tmp");
        let unfinished = place.with_file_name(unfinished);
        let file = disk.create(&unfinished)?;
        let (waiting, digest) = (Vec::with_capacity(PIECE_BYTES), Sha256::new());
        let place = place.to_owned();
        let mut writer = Self { file, unfinished, place, offset: 0, waiting, digest };
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&SNAPSHOT_FORMAT.to_be_bytes());
        bytes.extend_from_slice(&header.chain.0);
        bytes.extend_from_slice(&header.last_sequence.to_be_bytes());
        bytes.extend_from_slice(&header.head);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        writer.append(&bytes)?;
        Ok(writer)
    }

    pub(in super::super) fn put(&mut self, record: &Record) -> Result<(), UpkeepError> {
        let (kind, payload) = record.encode();
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        if payload.len() > RECORD_BYTES_MAX {
            let cause = std::io::Error::other("a record is too long for this format");
            return Err(io_at(&self.place)(cause));
        }
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&payload);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        self.append(&bytes)
    }

    /// Ends it, makes it durable and gives it its name; gives how many bytes it has.
    pub(in super::super) fn finish(mut self, disk: &dyn Disk) -> Result<u64, UpkeepError> {
        let digest = self.digest.clone().finalize();
        self.waiting.extend_from_slice(&digest);
        self.write()?;
        self.file.sync_all()?;
        disk.rename(&self.unfinished, &self.place)?;
        disk.sync_dir(self.place.parent().unwrap_or(Path::new("")))?;
        Ok(self.offset)
    }

    /// Takes away what was written, after a failure.
    pub(in super::super) fn abandon(self, disk: &dyn Disk) {
        // The failure before it is the one to tell.
        let _ = disk.remove(&self.unfinished);
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), UpkeepError> {
        self.digest.update(bytes);
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= PIECE_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), UpkeepError> {
        self.file.write_at(self.offset, &self.waiting)?;
        self.offset += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }
}
