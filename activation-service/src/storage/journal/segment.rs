//! Segments: preallocated files that begin with a header and are filled with frames.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Error;
use super::frame::Fields;
use super::{ChainId, Checkpoint, Hash, Location};
use crate::storage::disk::{Disk, DiskError, DiskFile};

/// The format that this version reads and writes.
pub const SEGMENT_FORMAT: u16 = 1;
/// Bytes before the first frame: a page of its own.
pub const SEGMENT_HEADER_BYTES: u64 = 4_096;
/// Least bytes of a segment.
pub const SEGMENT_BYTES_MIN: u64 = 8 << 10;
/// Most bytes of a segment.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;
/// The last number that a segment's name can carry.
pub const SEGMENTS_MAX: u32 = 99_999_999;

const MAGIC: [u8; 8] = *b"BJSEGMNT";
const CHECKED_FROM: usize = 12;

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: u32,
    pub(super) chain: ChainId,
    /// Sequence of the first event that it holds or will hold.
    pub(super) first_sequence: u64,
    /// Hash of the head before that.
    pub(super) previous_head: Hash,
    /// Length of the file.
    pub(super) bytes: u64,
}

impl Header {
    /// The place and state before its first frame.
    pub(super) const fn start(&self) -> Checkpoint {
        Checkpoint {
            location: Location { segment: self.number, offset: SEGMENT_HEADER_BYTES },
            sequence: self.first_sequence,
            head: self.previous_head,
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut checked = Vec::with_capacity(SEGMENT_HEADER_BYTES as usize);
        checked.extend_from_slice(&SEGMENT_FORMAT.to_be_bytes());
        checked.extend_from_slice(&[0; 2]);
        checked.extend_from_slice(&self.number.to_be_bytes());
        checked.extend_from_slice(&[0; 4]);
        checked.extend_from_slice(&self.chain.0);
        checked.extend_from_slice(&self.first_sequence.to_be_bytes());
        checked.extend_from_slice(&self.previous_head);
        checked.extend_from_slice(&self.bytes.to_be_bytes());
        checked.resize(SEGMENT_HEADER_BYTES as usize - CHECKED_FROM, 0);
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&crc32c::crc32c(&checked).to_be_bytes());
        bytes.append(&mut checked);
        bytes
    }

    /// Reads and checks the header of an open segment.
    pub(super) fn read(file: &dyn DiskFile, path: &Path, number: u32) -> Result<Self, Error> {
        let damaged = |what| Error::DamagedHeader { file: path.to_owned(), what };
        let length = file.length()?;
        if length < SEGMENT_HEADER_BYTES {
            return Err(damaged("the file is shorter than a header"));
        }
        let mut bytes = vec![0; SEGMENT_HEADER_BYTES as usize];
        file.read_at(0, &mut bytes)?;
        let mut fields = Fields(&bytes);
        let magic = fields.take::<8>();
        let checksum = fields.take().map(u32::from_be_bytes);
        let is_whole = checksum == Some(crc32c::crc32c(fields.0));
        let format = fields.take().map_or(0, u16::from_be_bytes);
        if magic != Some(MAGIC) {
            // A rotten first byte is told from a stranger's file by all that stands behind it.
            return Err(if is_whole {
                damaged("it does not begin as a segment does")
            } else {
                Error::UnknownFormat { file: path.to_owned(), found: 0 }
            });
        }
        if !is_whole {
            return Err(damaged("its checksum is wrong"));
        }
        if format != SEGMENT_FORMAT {
            return Err(Error::UnknownFormat { file: path.to_owned(), found: format });
        }
        let header = Self::decode(&mut fields).ok_or_else(|| damaged("it is too short"))?;
        if header.number != number {
            return Err(damaged("it has the header of another segment"));
        }
        if header.bytes != length {
            return Err(damaged("the file has another length than the header says"));
        }
        Ok(header)
    }

    fn decode(fields: &mut Fields<'_>) -> Option<Self> {
        fields.take::<2>()?;
        let number = fields.take().map(u32::from_be_bytes)?;
        fields.take::<4>()?;
        Some(Self {
            number,
            chain: ChainId(fields.take()?),
            first_sequence: fields.take().map(u64::from_be_bytes)?,
            previous_head: fields.take()?,
            bytes: fields.take().map(u64::from_be_bytes)?,
        })
    }
}

/// A segment that has its space and no name of a segment yet.
pub(super) struct Blank {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    pub(super) bytes: u64,
}

impl Blank {
    /// Takes the space. Space that is missing is found out here, before anything depends on it, and
    /// leaves nothing behind.
    pub(super) fn allocate(disk: &dyn Disk, path: PathBuf, bytes: u64) -> Result<Self, Error> {
        let made = disk.create(&path).and_then(|file| {
            file.allocate(bytes)?;
            file.sync_all()?;
            Ok(file)
        });
        match made {
            Ok(file) => Ok(Self { file, path, bytes }),
            Err(error) => Err(no_space_or(disk, &path, bytes, error)),
        }
    }

    /// Gives it its header and what else belongs in it, and then its name.
    pub(super) fn name(
        self,
        disk: &dyn Disk,
        folder: &Path,
        header: &Header,
        fill: impl FnOnce(&dyn DiskFile) -> Result<(), Error>,
    ) -> Result<Arc<dyn DiskFile>, Error> {
        self.file.write_at(0, &header.encode())?;
        fill(self.file.as_ref())?;
        self.file.sync_all()?;
        let path = segment_path(folder, header.number);
        disk.rename(&self.path, &path)?;
        disk.sync_dir(folder)?;
        // Opened anew, so that errors speak of it by its name.
        Ok(disk.open(&path)?)
    }
}

/// Turns missing space into its own error, and gives back what was taken in vain.
pub(super) fn no_space_or(disk: &dyn Disk, path: &Path, bytes: u64, error: DiskError) -> Error {
    if !error.is_no_space() {
        return error.into();
    }
    // What cannot be removed now is removed when the journal is opened again.
    let _ = disk.remove(path);
    Error::DiskFull { bytes }
}

pub(super) fn segment_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:08}.seg"))
}

/// The name under which a segment is made.
pub(super) fn blank_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:08}.tmp"))
}

/// The number in a segment's name.
pub(super) fn segment_number(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".seg")?;
    let is_number = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

/// True for a name that only unfinished files of ours have.
pub(super) fn is_unfinished(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".tmp") else { return false };
    ["ahead", "clean", "reserve"].contains(&stem)
        || (stem.len() == 8 && stem.bytes().all(|byte| byte.is_ascii_digit()))
}
