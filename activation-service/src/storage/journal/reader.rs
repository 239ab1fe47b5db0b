//! Reading what is durable: one frame, all from a place on, or a bounded piece for scrubbing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::{Error, Flaw};
use super::frame::Frame;
use super::scan::{Found, Scan, WINDOW_BYTES};
use super::segment::{Header, SEGMENT_HEADER_BYTES, segment_path};
use super::{ChainId, Checkpoint, HeadOf, Location};
use crate::storage::disk::{Disk, DiskFile};

/// Most segments that are open for reading at once.
const FILES_OPEN_MAX: usize = 64;
/// What one read of one frame takes at first; most frames are shorter.
const POINT_READ_BYTES: usize = 4 << 10;

/// Reads frames that are durable; clones may be used by other threads while the journal is written.
#[derive(Clone)]
pub struct Reader {
    shelf: Arc<Shelf>,
}

/// The journal as far as it is durable.
pub(super) struct Shelf {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) folder: PathBuf,
    pub(super) chain: ChainId,
    pub(super) head_of: HeadOf,
    books: Mutex<Books>,
}

struct Books {
    /// One a segment; segment 1 is the first.
    headers: Vec<Header>,
    /// Where the durable frames end.
    end: Checkpoint,
    files: BTreeMap<u32, Arc<dyn DiskFile>>,
}

impl Shelf {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        folder: PathBuf,
        head_of: HeadOf,
        headers: Vec<Header>,
        chain: ChainId,
        end: Checkpoint,
    ) -> Self {
        let books = Books { headers, end, files: BTreeMap::new() };
        Self { disk, folder, chain, head_of, books: Mutex::new(books) }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn publish(&self, end: Checkpoint) {
        self.books().end = end;
    }

    pub(super) fn add(&self, header: Header) {
        let mut books = self.books();
        books.end = header.start();
        books.headers.push(header);
    }

    pub(super) fn end(&self) -> Checkpoint {
        self.books().end
    }

    pub(super) fn header(&self, segment: u32) -> Option<Header> {
        let index = usize::try_from(segment.checked_sub(1)?).ok()?;
        self.books().headers.get(index).copied()
    }

    pub(super) fn file(&self, segment: u32) -> Result<Arc<dyn DiskFile>, Error> {
        if let Some(file) = self.books().files.get(&segment) {
            return Ok(Arc::clone(file));
        }
        let file = self.disk.open(&segment_path(&self.folder, segment))?;
        let mut books = self.books();
        if books.files.len() >= FILES_OPEN_MAX {
            // The oldest segment is read least.
            books.files.pop_first();
        }
        books.files.insert(segment, Arc::clone(&file));
        Ok(file)
    }

    fn scan(&self, segment: u32, ahead: usize) -> Result<Option<Scan>, Error> {
        let Some(header) = self.header(segment) else { return Ok(None) };
        Ok(Some(Scan::new(self.file(segment)?, header, ahead)))
    }
}

impl Reader {
    pub(super) const fn new(shelf: Arc<Shelf>) -> Self {
        Self { shelf }
    }

    /// Where the durable frames end, with the next sequence and the last head.
    #[must_use]
    pub fn end(&self) -> Checkpoint {
        self.shelf.end()
    }

    /// The frame that was appended here.
    pub fn read(&self, location: Location) -> Result<Frame, Error> {
        if location >= self.end().location || location.offset < SEGMENT_HEADER_BYTES {
            return Err(Error::NoFrame(location));
        }
        let scan = self.shelf.scan(location.segment, POINT_READ_BYTES)?;
        let mut scan = scan.ok_or(Error::NoFrame(location))?;
        match scan.at(location.offset)? {
            Found::Frame(frame) if frame.chain == self.shelf.chain => Ok(*frame),
            Found::Frame(_) => {
                Err(Error::Discontinuity { location, what: "it is of another chain" })
            }
            Found::Flaw(flaw) => Err(Error::Damaged { location, flaw }),
        }
    }

    /// All durable frames from a place on; how far they are followed is found out anew at each.
    #[must_use]
    pub fn walk(&self, from: Checkpoint) -> Walk {
        Walk { shelf: Arc::clone(&self.shelf), at: from, scan: None, has_failed: false }
    }

    /// The place before the first frame.
    #[must_use]
    pub fn start(&self) -> Checkpoint {
        self.shelf.header(1).map_or_else(|| self.end(), |header| header.start())
    }

    /// The start of the segment that holds this event, or will hold it: a place to walk from.
    #[must_use]
    pub fn before(&self, sequence: u64) -> Checkpoint {
        let books = self.shelf.books();
        let before = books.headers.partition_point(|header| header.first_sequence <= sequence);
        let header = before.checked_sub(1).and_then(|index| books.headers.get(index));
        header.or(books.headers.first()).map_or(books.end, Header::start)
    }

    /// Checks frames from a place on until so many bytes are checked or the end is reached; the
    /// place to go on from is the answer's.
    pub fn scrub(&self, from: Checkpoint, bytes_max: u64) -> Result<Scrubbed, Error> {
        let mut walk = self.walk(from);
        let mut scrubbed = Scrubbed { at: from, bytes: 0, is_done: false, half_erased: Vec::new() };
        while scrubbed.bytes < bytes_max {
            let Some(frame) = walk.advance()? else {
                scrubbed.is_done = true;
                break;
            };
            scrubbed.bytes += frame.length;
            let half_erased = frame.half_erased.iter().map(|entry| (frame.location, *entry));
            scrubbed.half_erased.extend(half_erased);
        }
        scrubbed.at = walk.checkpoint();
        Ok(scrubbed)
    }
}

/// What a scrub step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scrubbed {
    /// Where the next step goes on.
    pub at: Checkpoint,
    /// Bytes of frames that were checked.
    pub bytes: u64,
    /// The end was reached: begin again at [`Reader::start`].
    pub is_done: bool,
    /// Entries whose erasure was interrupted: erase them again.
    pub half_erased: Vec<(Location, u32)>,
}

/// Frames one after the other, each checked to follow the one before it.
pub struct Walk {
    shelf: Arc<Shelf>,
    at: Checkpoint,
    scan: Option<Scan>,
    has_failed: bool,
}

impl Walk {
    /// The place and state behind the last frame.
    #[must_use]
    pub const fn checkpoint(&self) -> Checkpoint {
        self.at
    }

    /// The next frame; none at the durable end, where later calls may find more.
    pub fn advance(&mut self) -> Result<Option<Frame>, Error> {
        let end = self.shelf.end();
        // A segment is followed by another only once it is full, so this ends.
        loop {
            if self.at.location >= end.location {
                return if self.at == end || self.at.location > end.location {
                    Ok(None)
                } else {
                    Err(self.broken("the head or the sequence at the end is another"))
                };
            }
            match self.found(end)? {
                Found::Frame(frame) => {
                    self.at.follow(&frame, self.shelf.chain, self.shelf.head_of)?;
                    return Ok(Some(*frame));
                }
                Found::Flaw(flaw) => self.turn_over(flaw)?,
            }
        }
    }

    fn found(&mut self, end: Checkpoint) -> Result<Found, Error> {
        let segment = self.at.location.segment;
        let scan = match self.scan.take().filter(|scan| scan.header.number == segment) {
            Some(scan) => scan,
            None => {
                let scan = self.shelf.scan(segment, WINDOW_BYTES)?;
                scan.ok_or(Error::NoFrame(self.at.location))?
            }
        };
        let scan = self.scan.insert(scan);
        let is_last = segment == end.location.segment;
        scan.settled_to = if is_last { end.location.offset } else { scan.header.bytes };
        Ok(scan.at(self.at.location.offset)?)
    }

    /// Where no frame is, the next segment must go on with exactly what was reached.
    fn turn_over(&mut self, flaw: Flaw) -> Result<(), Error> {
        let next = self.at.location.segment.checked_add(1);
        let next = next.and_then(|number| self.shelf.header(number)).map(|next| next.start());
        match next {
            Some(next) if next.sequence == self.at.sequence && next.head == self.at.head => {
                self.at = next;
                Ok(())
            }
            _ => Err(Error::Damaged { location: self.at.location, flaw }),
        }
    }

    const fn broken(&self, what: &'static str) -> Error {
        Error::Discontinuity { location: self.at.location, what }
    }
}

impl Iterator for Walk {
    type Item = Result<Frame, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let advanced = self.advance();
        self.has_failed = advanced.is_err();
        advanced.transpose()
    }
}
