//! Reading the frames of one segment one after the other.

use std::sync::Arc;

use super::error::Flaw;
use super::frame::{self, ALIGN_BYTES, Frame, HEADER_BYTES, MAGIC, Sizes};
use super::segment::Header;
use super::{ChainId, Location};
use crate::storage::disk::{DiskError, DiskFile};

/// Bytes that are read at once when many frames are read.
pub(super) const WINDOW_BYTES: usize = 1 << 20;

/// The frames of a segment.
pub(super) struct Scan {
    pub(super) header: Header,
    /// Nothing is read ahead from here on: it may still be written.
    pub(super) settled_to: u64,
    window: Window,
}

/// What lies at a place.
pub(super) enum Found {
    Frame(Box<Frame>),
    Flaw(Flaw),
}

/// What lies behind the place where the frames end.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    /// Something other than zeros.
    pub(super) is_written: bool,
    /// Frames that were written before the place was synced, as torn writes leave them.
    pub(super) unsynced_frames: u64,
    /// A frame that was written after the place was synced: what stood there is lost.
    pub(super) synced_frame: Option<Location>,
}

impl Scan {
    /// `ahead` is how many bytes are read at once.
    pub(super) fn new(file: Arc<dyn DiskFile>, header: Header, ahead: usize) -> Self {
        let window = Window { file, ahead, start: 0, bytes: Vec::new() };
        Self { header, settled_to: header.bytes, window }
    }

    /// The frame at this offset, or what is wrong there.
    pub(super) fn at(&mut self, offset: u64) -> Result<Found, DiskError> {
        let place = Location { segment: self.header.number, offset };
        let room = self.header.bytes.saturating_sub(offset);
        if room < HEADER_BYTES as u64 {
            return Ok(Found::Flaw(Flaw::Blank));
        }
        let end = self.settled_to;
        let sizes = match Sizes::read(self.window.get(offset, HEADER_BYTES, end)?, room) {
            Ok(sizes) => sizes,
            Err(flaw) => return Ok(Found::Flaw(flaw)),
        };
        let bytes = self.window.get(offset, sizes.total(), end)?;
        Ok(match frame::decode(bytes, place, sizes) {
            Ok(frame) => Found::Frame(Box::new(frame)),
            Err(flaw) => Found::Flaw(flaw),
        })
    }

    /// Looks through all that lies behind the end of the frames.
    pub(super) fn beyond(&mut self, end: u64, chain: ChainId) -> Result<Beyond, DiskError> {
        let mut beyond = Beyond::default();
        let mut offset = end;
        while offset < self.header.bytes {
            let left = usize::try_from(self.header.bytes - offset).unwrap_or(usize::MAX);
            let piece = self.window.get(offset, left.min(WINDOW_BYTES), self.header.bytes)?;
            let step = piece.len() as u64;
            let candidates = candidates(piece, offset, chain, &mut beyond.is_written);
            // Pieces overlap, so that no header is cut in two.
            let is_last = offset + step == self.header.bytes;
            offset += if is_last { step } else { step - HEADER_BYTES as u64 };
            for candidate in candidates.into_iter().filter(|at| *at > end && *at < offset) {
                if let Found::Frame(frame) = self.at(candidate)? {
                    if frame.synced_below > end {
                        beyond.synced_frame.get_or_insert(frame.location);
                    } else {
                        beyond.unsynced_frames += 1;
                    }
                }
            }
        }
        Ok(beyond)
    }
}

/// Where in a piece a frame of this chain may begin.
fn candidates(piece: &[u8], offset: u64, chain: ChainId, is_written: &mut bool) -> Vec<u64> {
    let mut found = Vec::new();
    let mut rest = piece;
    let mut at = offset;
    while !rest.is_empty() {
        let (unit, later) = rest.split_at(ALIGN_BYTES.min(rest.len()));
        if unit.iter().any(|byte| *byte != 0) {
            *is_written = true;
            if unit.starts_with(&MAGIC) && frame::named_chain(rest) == Some(chain) {
                found.push(at);
            }
        }
        at += unit.len() as u64;
        rest = later;
    }
    found
}

/// A piece of a file that was read ahead.
struct Window {
    file: Arc<dyn DiskFile>,
    ahead: usize,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    fn get(&mut self, offset: u64, count: usize, end: u64) -> Result<&[u8], DiskError> {
        let inside = offset.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        let is_held = inside
            .is_some_and(|at| at.checked_add(count).is_some_and(|last| last <= self.bytes.len()));
        if !is_held {
            let settled = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
            self.bytes.clear();
            self.bytes.resize(count.max(self.ahead.min(settled)), 0);
            self.start = offset;
            let read = self.file.read_at(offset, &mut self.bytes);
            if read.is_err() {
                self.bytes.clear();
            }
            read?;
        }
        let at = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        Ok(self.bytes.get(at..at.saturating_add(count)).unwrap_or_default())
    }
}
