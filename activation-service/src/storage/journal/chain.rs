//! Following the chain through all segments to its end, without changing anything.

use std::path::Path;

use super::error::{Error, Flaw};
use super::frame::Frame;
use super::marker::Marker;
use super::open::Mark;
use super::scan::{Found, Scan, WINDOW_BYTES};
use super::segment::{Header, segment_number, segment_path};
use super::{ChainId, Checkpoint, HeadOf, Known, Location, NO_HEAD};
use crate::storage::disk::Disk;

/// Reads the segments of a folder.
pub(super) struct Chain<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) folder: &'a Path,
    pub(super) head_of: HeadOf,
}

/// What the segments hold.
pub(super) struct Contents {
    pub(super) headers: Vec<Header>,
    pub(super) chain: ChainId,
    pub(super) last: Header,
    pub(super) end: Checkpoint,
    /// What was verified earlier and has not been come by yet.
    verified: Option<Checkpoint>,
    pub(super) frames: u64,
    pub(super) flaw: Flaw,
    pub(super) is_written_beyond: bool,
    pub(super) frames_cut: u64,
    pub(super) half_erased: Vec<(Location, u32)>,
}

impl Chain<'_> {
    /// The headers of all segments, in order and without a gap.
    pub(super) fn headers(&self, names: &[String]) -> Result<Vec<Header>, Error> {
        let mut headers: Vec<Header> = Vec::new();
        // Names are sorted and of one length, so numbers come in order.
        for number in names.iter().filter_map(|name| segment_number(name)) {
            let wanted = headers.last().map_or(1, |last| last.number + 1);
            if number != wanted {
                return Err(Error::MissingSegment { number: wanted });
            }
            let path = segment_path(self.folder, number);
            let header = Header::read(self.disk.open(&path)?.as_ref(), &path, number)?;
            let last = headers.last().copied().unwrap_or(header);
            if header.chain != last.chain {
                let (expected, found) = (last.chain, header.chain);
                return Err(Error::ForeignChain { file: path, expected, found });
            }
            let begins = if number == 1 { (1, NO_HEAD) } else { (0, header.previous_head) };
            if header.first_sequence < last.first_sequence.max(begins.0)
                || (number == 1 && (header.first_sequence, header.previous_head) != begins)
            {
                let what = "its first sequence or head does not follow";
                return Err(Error::DamagedHeader { file: path, what });
            }
            headers.push(header);
        }
        Ok(headers)
    }

    /// Follows the chain to its end.
    pub(super) fn follow(
        &self,
        headers: Vec<Header>,
        verified: Option<Checkpoint>,
    ) -> Result<Contents, Error> {
        let (Some(first), Some(last)) = (headers.first().copied(), headers.last().copied()) else {
            return Err(Error::Missing(self.folder.to_owned()));
        };
        // Frames are checked from the start of the segment that holds what was verified earlier:
        // its header stands for all before it, and the place itself must be come by.
        let verified = verified.unwrap_or(first.start());
        let begins = verified.location.segment.saturating_sub(1);
        let begins = usize::try_from(begins).unwrap_or(usize::MAX);
        let unchecked = headers.get(begins..).unwrap_or_default();
        let Some(from) = unchecked.first() else {
            return Err(shrunk(verified.sequence, last.first_sequence));
        };
        let mut contents = Contents {
            chain: first.chain,
            last,
            end: from.start(),
            verified: Some(verified),
            frames: 0,
            flaw: Flaw::Blank,
            is_written_beyond: false,
            frames_cut: 0,
            half_erased: Vec::new(),
            headers: Vec::new(),
        };
        contents.come_by()?;
        for (header, next) in unchecked.iter().zip(unchecked.iter().skip(1)) {
            self.check_full(&mut contents, header, next)?;
        }
        self.check_last(&mut contents)?;
        if let Some(verified) = contents.verified {
            return Err(shrunk(verified.sequence, contents.end.sequence));
        }
        contents.headers = headers;
        Ok(contents)
    }

    /// Looks for a head that is remembered outside in what was followed.
    pub(super) fn holds(&self, contents: &Contents, known: Known) -> Result<(), Error> {
        let next = known.sequence.saturating_add(1);
        if known.chain != contents.chain {
            let (expected, found) = (known.chain, contents.chain);
            return Err(Error::ForeignChain {
                file: segment_path(self.folder, 1),
                expected,
                found,
            });
        }
        if contents.end.sequence < next {
            let (chain, holds) = (known.chain, contents.end.sequence.saturating_sub(1));
            return Err(Error::BehindKnown { chain, known: known.sequence, holds });
        }
        let other = Error::NotKnown { known: known.sequence };
        let before = contents.headers.partition_point(|header| header.first_sequence <= next);
        let Some(header) = before.checked_sub(1).and_then(|index| contents.headers.get(index))
        else {
            return Err(other);
        };
        let (mut at, mut scan) = (header.start(), self.scan(header)?);
        while at.sequence < next {
            match scan.at(at.location.offset)? {
                Found::Frame(frame) => at.follow(&frame, contents.chain, self.head_of)?,
                Found::Flaw(flaw) => return Err(self.refusal(at.location, flaw)),
            }
        }
        if at.sequence == next && at.head == known.head { Ok(()) } else { Err(other) }
    }

    /// A segment that is followed by another ends where that one begins, and nowhere else.
    fn check_full(
        &self,
        contents: &mut Contents,
        header: &Header,
        next: &Header,
    ) -> Result<(), Error> {
        let mut scan = self.scan(header)?;
        let goes_on = next.start();
        loop {
            if (contents.end.sequence, contents.end.head) == (goes_on.sequence, goes_on.head) {
                contents.end = goes_on;
                return Ok(());
            }
            match scan.at(contents.end.location.offset)? {
                Found::Frame(frame) => contents.follow(&frame, self.head_of)?,
                Found::Flaw(flaw) => {
                    return Err(self.refusal(contents.end.location, flaw));
                }
            }
        }
    }

    /// The last segment ends at the first place without a frame, unless that place was durable.
    fn check_last(&self, contents: &mut Contents) -> Result<(), Error> {
        let mut scan = self.scan(&contents.last)?;
        let flaw = loop {
            match scan.at(contents.end.location.offset)? {
                Found::Frame(frame) => contents.follow(&frame, self.head_of)?,
                Found::Flaw(flaw) => break flaw,
            }
        };
        let location = contents.end.location;
        let beyond = scan.beyond(location.offset, contents.chain)?;
        if matches!(flaw, Flaw::Format(_)) || beyond.synced_frame.is_some() {
            return Err(self.refusal(location, flaw));
        }
        contents.flaw = flaw;
        contents.is_written_beyond = beyond.is_written;
        contents.frames_cut = beyond.unsynced_frames;
        Ok(())
    }

    fn scan(&self, header: &Header) -> Result<Scan, Error> {
        let file = self.disk.open(&segment_path(self.folder, header.number))?;
        Ok(Scan::new(file, *header, WINDOW_BYTES))
    }

    fn refusal(&self, location: Location, flaw: Flaw) -> Error {
        match flaw {
            Flaw::Format(found) => {
                let file = segment_path(self.folder, location.segment);
                Error::UnknownFormat { file, found }
            }
            flaw => Error::Damaged { location, flaw },
        }
    }
}

impl Contents {
    fn follow(&mut self, frame: &Frame, head_of: HeadOf) -> Result<(), Error> {
        self.end.follow(frame, self.chain, head_of)?;
        self.frames += 1;
        self.half_erased.extend(frame.half_erased.iter().map(|entry| (frame.location, *entry)));
        self.come_by()
    }

    /// Where something was verified earlier, it must be the same now.
    fn come_by(&mut self) -> Result<(), Error> {
        let location = self.end.location;
        match self.verified {
            Some(verified) if verified == self.end => self.verified = None,
            Some(verified) if verified.location == location => {
                let what = "another head or sequence was verified there";
                return Err(Error::Discontinuity { location, what });
            }
            _ => {}
        }
        Ok(())
    }
}

/// Compares what was found with what the mark of a clean close says.
pub(super) fn judge(marker: &Marker, contents: &Contents) -> Result<Mark, Error> {
    let (chain, closed) = match marker {
        Marker::Missing => return Ok(Mark::Missing),
        Marker::Damaged => return Ok(Mark::Damaged),
        Marker::Closed { chain, end } => (*chain, *end),
    };
    let end = contents.end;
    // A new segment alone adds no event, so the place decides together with the sequence.
    let is_earlier = closed.sequence <= end.sequence && closed.location < end.location;
    if chain != contents.chain || is_earlier {
        return Ok(Mark::Stale);
    }
    if closed.sequence > end.sequence || closed.location != end.location {
        return Err(shrunk(closed.sequence, end.sequence));
    }
    if closed != end {
        let what = "it was closed with another head or sequence";
        return Err(Error::Discontinuity { location: end.location, what });
    }
    // Something behind the end was never part of the journal that was closed.
    Ok(if contents.is_written_beyond { Mark::Stale } else { Mark::Clean })
}

/// Sequences begin with 1, so the one before the next is also how many events there are.
const fn shrunk(held_once: u64, holds_now: u64) -> Error {
    Error::Shrunk { held: held_once.saturating_sub(1), holds: holds_now.saturating_sub(1) }
}
