//! The mark of a clean close: where the journal ended when it was closed in good order.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::frame::Fields;
use super::segment::{Header, no_space_or};
use super::{ChainId, Checkpoint, Location};
use crate::storage::disk::Disk;

/// The format that this version reads and writes.
pub const MARKER_FORMAT: u16 = 1;

const MAGIC: [u8; 8] = *b"BJCLOSED";
const MARKER_BYTES: usize = 8 + 4 + 2 + 16 + 4 + 8 + 8 + 32;

/// What was found in place of the mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Missing,
    /// Not readable; the journal is then read as after an unclean stop.
    Damaged,
    Closed {
        chain: ChainId,
        end: Checkpoint,
    },
}

impl Marker {
    /// Where the journal of these segments was closed in good order.
    pub(super) fn closed_at(&self, headers: &[Header]) -> Option<Checkpoint> {
        let Self::Closed { chain, end } = self else { return None };
        headers.first().is_some_and(|first| first.chain == *chain).then_some(*end)
    }
}

pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("clean")
}

fn unfinished_path(folder: &Path) -> PathBuf {
    folder.join("clean.tmp")
}

pub(super) fn read(disk: &dyn Disk, folder: &Path) -> Result<Marker, Error> {
    let file = match disk.open(&path(folder)) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(Marker::Missing),
        Err(error) => return Err(error.into()),
    };
    if file.length()? != MARKER_BYTES as u64 {
        return Ok(Marker::Damaged);
    }
    let mut bytes = vec![0; MARKER_BYTES];
    file.read_at(0, &mut bytes)?;
    Ok(decode(&bytes).unwrap_or(Marker::Damaged))
}

/// Writes the mark; it appears whole or not at all.
pub(super) fn write(
    disk: &dyn Disk,
    folder: &Path,
    chain: ChainId,
    end: &Checkpoint,
) -> Result<(), Error> {
    let unfinished = unfinished_path(folder);
    let made = disk.create(&unfinished).and_then(|file| {
        file.write_at(0, &encode(chain, end))?;
        file.sync_all()
    });
    made.map_err(|error| no_space_or(disk, &unfinished, MARKER_BYTES as u64, error))?;
    disk.rename(&unfinished, &path(folder))?;
    disk.sync_dir(folder)?;
    Ok(())
}

/// Takes the mark away for good, before anything is written that it would not know of.
pub(super) fn remove(disk: &dyn Disk, folder: &Path) -> Result<(), Error> {
    disk.remove(&path(folder))?;
    disk.sync_dir(folder)?;
    Ok(())
}

fn encode(chain: ChainId, end: &Checkpoint) -> Vec<u8> {
    let mut checked = MARKER_FORMAT.to_be_bytes().to_vec();
    checked.extend_from_slice(&chain.0);
    checked.extend_from_slice(&end.location.segment.to_be_bytes());
    checked.extend_from_slice(&end.location.offset.to_be_bytes());
    checked.extend_from_slice(&end.sequence.to_be_bytes());
    checked.extend_from_slice(&end.head);
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&crc32c::crc32c(&checked).to_be_bytes());
    bytes.append(&mut checked);
    bytes
}

fn decode(bytes: &[u8]) -> Option<Marker> {
    let mut fields = Fields(bytes);
    let magic = fields.take::<8>()?;
    let checksum = fields.take().map(u32::from_be_bytes)?;
    let is_whole = magic == MAGIC && checksum == crc32c::crc32c(fields.0);
    let format = fields.take().map(u16::from_be_bytes)?;
    if !is_whole || format != MARKER_FORMAT {
        return None;
    }
    let chain = ChainId(fields.take()?);
    let location = Location {
        segment: fields.take().map(u32::from_be_bytes)?,
        offset: fields.take().map(u64::from_be_bytes)?,
    };
    let sequence = fields.take().map(u64::from_be_bytes)?;
    let end = Checkpoint { location, sequence, head: fields.take()? };
    Some(Marker::Closed { chain, end })
}
