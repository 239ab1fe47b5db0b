//! The commit point: an append-only file of frames in preallocated segments.
//!
//! It knows frames and bytes, not events; the hash that chains frames is found in a body by a
//! function of the caller. What [`Journal::sync`] said is durable survives power cuts; what it did
//! not say so survives wholly or not at all, and only as a suffix. An error of the disk is final:
//! nothing is retried, and only a missing segment for want of space can be asked for again. All
//! calls block; the caller gives it a thread. The format stands in docs/ledger-format.md.

mod chain;
mod error;
mod frame;
mod marker;
mod open;
mod place;
mod reader;
mod reserve;
mod room;
mod scan;
mod segment;
#[cfg(test)]
mod tests;
mod view;

use std::sync::Arc;

use crate::mutants::{self, Mutant};
use crate::storage::disk::DiskFile;
pub use error::{Error, Flaw, UnreadableBody};
pub use frame::{
    BODY_BYTES_MAX, ENTRIES_MAX, ENTRY_BYTES_MAX, ERASABLE_BYTES_MAX, EVENTS_MAX, Entry,
    FRAME_FORMAT, Frame, FrameParts,
};
pub use marker::MARKER_FORMAT;
pub use open::{Expected, Mark, Opened, Recovered};
pub use place::{ChainId, Checkpoint, Hash, HeadOf, Known, Location, NO_HEAD};
use reader::Shelf;
pub use reader::{Reader, Scrubbed, Walk};
use reserve::Reserve;
pub use room::{Space, Taken, Wanted};
use segment::{Blank, Header, blank_path};
pub use segment::{
    SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEGMENT_FORMAT, SEGMENT_HEADER_BYTES, SEGMENTS_MAX,
};
pub use view::View;

/// Most bytes that may wait for one sync.
pub const UNSYNCED_BYTES_MAX: usize = 16 << 20;
/// How a journal is kept.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of a new segment.
    pub segment_bytes: u64,
    /// Bytes held back for a full disk; at least those of a segment, so that an unclean stop on a
    /// full disk can be recovered from. 0 holds nothing.
    pub reserve_bytes: u64,
    /// What is left to others on the file system when space is taken ahead; less of it is
    /// [`Space::is_low`]. 0 leaves nothing.
    pub low_water_bytes: u64,
    /// All before it was checked earlier and is not checked again when opening.
    pub verified: Option<Checkpoint>,
    /// After a clean close only the segment that it ended in is checked when opening: what lies
    /// before was checked by whoever closed it, and is left to a scrub.
    pub is_clean_close_trusted: bool,
    /// What someone outside remembers of it, and it must hold.
    pub known: [Option<Known>; 2],
    #[cfg(test)]
    pub(super) mutant: tests::Mutant,
}

impl Options {
    /// Segments and a reserve of these sizes; everything is checked when opening.
    #[must_use]
    pub fn of_sizes(segment_bytes: u64, reserve_bytes: u64) -> Self {
        Self { segment_bytes, reserve_bytes, ..Self::default() }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            reserve_bytes: 64 << 20,
            low_water_bytes: 0,
            verified: None,
            is_clean_close_trusted: false,
            known: [None; 2],
            #[cfg(test)]
            mutant: tests::Mutant::None,
        }
    }
}

/// An open journal; there is one at a time.
pub struct Journal {
    shelf: Arc<Shelf>,
    options: Options,
    /// The current segment.
    header: Header,
    file: Arc<dyn DiskFile>,
    /// Behind the last frame, appended ones included.
    tail: Checkpoint,
    /// Frames that are appended and not written.
    unwritten: Vec<u8>,
    next: Option<Blank>,
    reserve: Reserve,
    stopped: Option<String>,
    /// Held until the journal is dropped.
    _lock: Arc<dyn DiskFile>,
}

impl Journal {
    /// Appends a frame; it is durable once [`Self::sync`] says so. A full segment is synced here
    /// and followed by a new one; [`Error::DiskFull`] then leaves all as it was.
    pub fn append(&mut self, parts: &FrameParts<'_>) -> Result<Location, Error> {
        self.check_alive()?;
        if let Some(what) = parts.fault() {
            return Err(Error::Refused(what));
        }
        if parts.first_sequence != self.tail.sequence || parts.previous_head != self.tail.head {
            return Err(Error::Refused("it does not follow the last frame"));
        }
        let bytes = parts.frame_bytes();
        if bytes > self.options.segment_bytes.saturating_sub(SEGMENT_HEADER_BYTES) {
            return Err(Error::Refused("it is longer than a segment"));
        }
        if self.unwritten.len() as u64 + bytes > UNSYNCED_BYTES_MAX as u64
            && !self.unwritten.is_empty()
        {
            return Err(Error::Unsynced { bytes: self.unwritten.len() });
        }
        let location = self.tail.location;
        let head = (self.shelf.head_of)(parts.body);
        let head = head.map_err(|cause| Error::Body { location, cause })?;
        if bytes > self.header.bytes.saturating_sub(location.offset) {
            self.turn_over()?;
        }
        self.encode(parts)?;
        let location = self.tail.location;
        self.tail.head = head;
        self.tail.sequence += u64::from(parts.event_count);
        self.tail.location.offset += bytes;
        Ok(location)
    }

    /// Makes all appended frames durable with one write and one sync, and says up to where.
    pub fn sync(&mut self) -> Result<Checkpoint, Error> {
        self.check_alive()?;
        let synced = self.write_and_sync();
        self.final_if_failed(synced)?;
        Ok(self.tail)
    }

    /// Erases an erasable entry of a durable frame for good; nothing else of the frame changes.
    /// Erasing it again is no error, and is what to do after a failure.
    pub fn erase(&mut self, location: Location, entry: u32) -> Result<(), Error> {
        self.check_alive()?;
        let frame = self.reader().read(location)?;
        let file = self.shelf.file(location.segment)?;
        let mut bytes = vec![0; frame::HEADER_BYTES + frame.erasable.len() * 4];
        file.read_at(location.offset, &mut bytes)?;
        let lengths = frame::entry_lengths(&bytes, frame.erasable.len());
        let place = frame::entry_place(&frame, &lengths, entry);
        let (offset, count) = place.ok_or(Error::NoEntry { location, entry })?;
        let erased = erase_at(file.as_ref(), offset, count);
        self.final_if_failed(erased)
    }

    /// True if frames of so many bytes ([`FrameParts::frame_bytes`]) can be appended without asking
    /// the disk for space.
    #[must_use]
    pub fn free_for(&self, bytes: u64) -> bool {
        let here = self.header.bytes.saturating_sub(self.tail.location.offset);
        let next = self.next.as_ref().map_or(0, |next| next.bytes - SEGMENT_HEADER_BYTES);
        bytes <= here || bytes <= next
    }

    /// Gives the reserve away, so that others on a full disk can finish what they have begun.
    /// [`Self::make_room`] takes it back. False if there was none.
    pub fn release_reserve(&mut self) -> Result<bool, Error> {
        self.check_alive()?;
        let released = self.reserve.release(self.shelf.disk.as_ref(), &self.shelf.folder);
        self.final_if_failed(released)
    }

    /// Behind the last appended frame: what the next one must follow.
    #[must_use]
    pub const fn tail(&self) -> Checkpoint {
        self.tail
    }

    /// The chain.
    #[must_use]
    pub fn chain(&self) -> ChainId {
        self.shelf.chain
    }

    /// Reads what is durable, also from other threads.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.shelf))
    }

    /// Syncs and marks the journal as closed in good order.
    pub fn close(mut self) -> Result<Checkpoint, Error> {
        let end = self.sync()?;
        marker::write(self.shelf.disk.as_ref(), &self.shelf.folder, self.shelf.chain, &end)?;
        Ok(end)
    }

    fn encode(&mut self, parts: &FrameParts<'_>) -> Result<(), Error> {
        // All frames that wait are written and synced together, so what is synced below each of
        // them ends where the first of them begins.
        let synced_below = self.tail.location.offset - self.unwritten.len() as u64;
        let before = self.unwritten.len();
        let place = self.tail.location;
        let chain = self.shelf.chain;
        if frame::encode(&mut self.unwritten, place, chain, synced_below, parts).is_none() {
            self.unwritten.truncate(before);
            return Err(Error::Refused("an erasable entry looks like an erased one"));
        }
        Ok(())
    }

    fn write_and_sync(&mut self) -> Result<(), Error> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let offset = self.tail.location.offset - self.unwritten.len() as u64;
        #[cfg(test)]
        if self.options.mutant == tests::Mutant::AnswersBeforeSync {
            // What was written at the last call is synced, what is written now is not.
            self.file.sync_data()?;
        }
        if mutants::is_on(Mutant::AnswerBeforeSync) {
            self.file.sync_data()?;
        }
        self.file.write_at(offset, &self.unwritten)?;
        self.sync_file()?;
        self.unwritten.clear();
        self.shelf.publish(self.tail);
        Ok(())
    }

    fn sync_file(&self) -> Result<(), Error> {
        #[cfg(test)]
        match self.options.mutant {
            tests::Mutant::NoSync | tests::Mutant::AnswersBeforeSync => return Ok(()),
            tests::Mutant::RetriesFailedSync => {
                return Ok(self.file.sync_data().or_else(|_| self.file.sync_data())?);
            }
            tests::Mutant::TrustsTailAfterFailedSync | tests::Mutant::None => {}
        }
        if mutants::is_on(Mutant::NoSync) || mutants::is_on(Mutant::AnswerBeforeSync) {
            return Ok(());
        }
        Ok(self.file.sync_data()?)
    }

    /// Begins the next segment. The current one is synced first, so that only the last segment can
    /// ever hold what is not durable.
    fn turn_over(&mut self) -> Result<(), Error> {
        let turned = self.try_turn_over();
        self.final_if_failed(turned)
    }

    fn try_turn_over(&mut self) -> Result<(), Error> {
        self.write_and_sync()?;
        let blank = match self.next.take() {
            Some(blank) => blank,
            None => self.allocate_next()?,
        };
        let header = Header {
            number: self.header.number + 1,
            chain: self.shelf.chain,
            first_sequence: self.tail.sequence,
            previous_head: self.tail.head,
            bytes: blank.bytes,
        };
        let disk = self.shelf.disk.as_ref();
        self.file = blank.name(disk, &self.shelf.folder, &header, |_| Ok(()))?;
        self.header = header;
        self.tail = header.start();
        self.shelf.add(header);
        Ok(())
    }

    fn allocate_next(&self) -> Result<Blank, Error> {
        let number = self.header.number + 1;
        if number > SEGMENTS_MAX {
            return Err(Error::Refused("the last segment is full"));
        }
        let path = blank_path(&self.shelf.folder, number);
        Blank::allocate(self.shelf.disk.as_ref(), path, self.options.segment_bytes)
    }

    fn check_alive(&self) -> Result<(), Error> {
        self.stopped.as_ref().map_or(Ok(()), |why| Err(Error::Poisoned(why.clone())))
    }

    /// After a failed write or sync nobody knows what the disk holds, so nothing more is written.
    fn final_if_failed<T>(&mut self, done: Result<T, Error>) -> Result<T, Error> {
        match &done {
            Ok(_) | Err(Error::DiskFull { .. } | Error::Refused(_)) => {}
            Err(error) => self.stopped = Some(error.to_string()),
        }
        done
    }
}

/// The mark is durable before the first byte goes: an erasure that is cut short is then known as
/// one, and is finished instead of being taken for damage.
fn erase_at(file: &dyn DiskFile, offset: u64, count: usize) -> Result<(), Error> {
    file.write_at(offset, &frame::ERASED_MARK)?;
    file.sync_data()?;
    file.write_at(offset + frame::ERASED_MARK.len() as u64, &vec![0; count])?;
    file.sync_data()?;
    Ok(())
}
