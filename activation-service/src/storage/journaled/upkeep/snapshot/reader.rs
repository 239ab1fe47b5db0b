//! Reading a snapshot record by record; damage is named, and nothing is taken on trust.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::super::UpkeepError;
use super::{Header, MAGIC, RECORD_BYTES_MAX, Record, SNAPSHOT_FORMAT, SnapshotFault};
use crate::storage::disk::{Disk, DiskFile};
use crate::storage::journal::ChainId;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 1 << 20;
const FORMAT_AT: usize = MAGIC.len();
const HEADER_BYTES: usize = FORMAT_AT + 2 + 16 + 8 + 32;
const CHECKSUM_BYTES: usize = 4;
const PREFIX_BYTES: usize = 5;
const DIGEST_BYTES: usize = 32;

/// A snapshot that is being read.
pub(super) struct SnapshotReader {
    pub(super) header: Header,
    source: Source,
    /// Where the record that was read last begins.
    at: u64,
}

struct Source {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    length: u64,
    /// Behind what is held.
    offset: u64,
    held: Vec<u8>,
    /// What of `held` is taken.
    taken: usize,
    digest: Sha256,
}

impl SnapshotReader {
    pub(super) fn open(disk: &dyn Disk, path: &Path) -> Result<Self, UpkeepError> {
        let file = disk.open(path)?;
        let length = file.length()?;
        let path = path.to_owned();
        let digest = Sha256::new();
        let mut source =
            Source { file, path, length, offset: 0, held: Vec::new(), taken: 0, digest };
        // Whose file it is is told before anything else, however short it is.
        let magic = source.take(FORMAT_AT).map_err(|_| source.fault(SnapshotFault::NoSnapshot))?;
        if magic != MAGIC {
            return Err(source.fault(SnapshotFault::NoSnapshot));
        }
        let rest = source.take(HEADER_BYTES - FORMAT_AT)?;
        let format = rest.first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes));
        if format != SNAPSHOT_FORMAT {
            return Err(source.fault(SnapshotFault::UnknownFormat(format)));
        }
        let checksum = source.take(CHECKSUM_BYTES)?;
        let expected = crc32c::crc32c_append(crc32c::crc32c(&magic), &rest).to_be_bytes();
        let header = if checksum == expected { header(&rest) } else { None };
        let header = header.ok_or_else(|| source.fault(SnapshotFault::Checksum(0)))?;
        Ok(Self { header, source, at: 0 })
    }

    pub(super) fn record(&mut self) -> Result<Record, UpkeepError> {
        self.at = self.source.position();
        let prefix = self.source.take(PREFIX_BYTES)?;
        let kind = prefix.first().copied().unwrap_or_default();
        let length = prefix.last_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        let damaged = SnapshotFault::Checksum(self.at);
        let length = usize::try_from(length).ok().filter(|length| *length <= RECORD_BYTES_MAX);
        let length = length.ok_or_else(|| self.source.fault(damaged.clone()))?;
        let payload = self.source.take(length)?;
        let checksum = self.source.take(CHECKSUM_BYTES)?;
        let expected = crc32c::crc32c_append(crc32c::crc32c(&prefix), &payload).to_be_bytes();
        if checksum != expected {
            return Err(self.source.fault(damaged));
        }
        Record::decode(kind, &payload).map_err(|error| self.out_of_place(error.0))
    }

    /// The end record was read: the digest must fit, and nothing may follow.
    pub(super) fn finish(mut self) -> Result<(), UpkeepError> {
        let expected = self.source.digest.clone().finalize();
        let digest = self.source.take(DIGEST_BYTES)?;
        if digest != expected.as_slice() {
            return Err(self.source.fault(SnapshotFault::Digest));
        }
        if self.source.position() != self.source.length {
            return Err(self.source.fault(SnapshotFault::LeftOver));
        }
        Ok(())
    }

    pub(super) fn out_of_place(&self, what: &str) -> UpkeepError {
        self.source.fault(SnapshotFault::Record { at: self.at, what: what.to_owned() })
    }
}

impl Source {
    fn fault(&self, fault: SnapshotFault) -> UpkeepError {
        UpkeepError::Snapshot { file: self.path.clone(), fault }
    }

    fn position(&self) -> u64 {
        self.offset - (self.held.len() - self.taken) as u64
    }

    fn take(&mut self, count: usize) -> Result<Vec<u8>, UpkeepError> {
        if self.held.len() - self.taken < count {
            self.fill(count)?;
        }
        let end = self.taken + count;
        let bytes = self.held.get(self.taken..end).unwrap_or_default().to_vec();
        self.taken = end;
        self.digest.update(&bytes);
        Ok(bytes)
    }

    fn fill(&mut self, count: usize) -> Result<(), UpkeepError> {
        self.held.drain(..self.taken);
        self.taken = 0;
        let left = usize::try_from(self.length - self.offset).unwrap_or(usize::MAX);
        if left.saturating_add(self.held.len()) < count {
            return Err(self.fault(SnapshotFault::CutShort));
        }
        let start = self.held.len();
        let piece = left.min(PIECE_BYTES.max(count));
        self.held.resize(start + piece, 0);
        self.file.read_at(self.offset, self.held.get_mut(start..).unwrap_or_default())?;
        self.offset += piece as u64;
        Ok(())
    }
}

fn header(bytes: &[u8]) -> Option<Header> {
    let rest = bytes.get(2..)?;
    let (chain, rest) = rest.split_first_chunk()?;
    let (last_sequence, rest) = rest.split_first_chunk()?;
    let last_sequence = u64::from_be_bytes(*last_sequence);
    Some(Header { chain: ChainId(*chain), last_sequence, head: *rest.first_chunk()? })
}
