//! One frame as bytes: a header and a body that never change, and a part that can be erased.
//!
//! The checksum is seeded with the frame's place, so a frame that lies elsewhere is no frame.

use std::fmt;

use super::error::Flaw;
use super::{ChainId, Hash, Location};

/// The format that this version reads and writes.
pub const FRAME_FORMAT: u16 = 1;
/// Most bytes of a body.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// Most erasable entries of a frame.
pub const ENTRIES_MAX: usize = 4_096;
/// Most bytes of an erasable entry.
pub const ENTRY_BYTES_MAX: usize = 16 << 10;
/// Most bytes of all erasable entries of a frame, with what surrounds them.
pub const ERASABLE_BYTES_MAX: usize = 4 << 20;
/// Most events of a frame.
pub const EVENTS_MAX: u32 = 65_536;

/// Every frame begins with it.
pub(super) const MAGIC: [u8; 4] = *b"BJFR";
/// Bytes before the table of entry lengths.
pub(super) const HEADER_BYTES: usize = 96;
/// Frames begin at multiples of this.
pub(super) const ALIGN_BYTES: usize = 8;
/// Entries begin at multiples of this, so that no sector border splits an entry's checksum.
const ENTRY_ALIGN_BYTES: usize = 4;
/// Bytes of an entry's checksum, or of the mark in its place.
const MARK_BYTES: usize = 4;
/// Stands where an erased entry had its checksum. Zeros would not do: they are also what stands
/// where an entry was never written.
pub(super) const ERASED_MARK: [u8; MARK_BYTES] = *b"ERAS";

/// What is appended.
#[derive(Clone, Copy)]
pub struct FrameParts<'a> {
    /// Sequence of the first event; must be the journal's next one.
    pub first_sequence: u64,
    /// How many events the body holds.
    pub event_count: u32,
    /// Hash of the head before this frame; must be the journal's.
    pub previous_head: Hash,
    /// What never changes.
    pub body: &'a [u8],
    /// What can be erased later, none of them empty.
    pub erasable: &'a [Vec<u8>],
}

/// An erasable entry.
#[derive(Clone, PartialEq, Eq)]
pub enum Entry {
    /// As it was appended.
    Present(Vec<u8>),
    /// Erased.
    Erased,
}

/// A frame that was read and checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// Where it lies.
    pub location: Location,
    /// Whose it is.
    pub chain: ChainId,
    /// Sequence of its first event.
    pub first_sequence: u64,
    /// How many events it holds.
    pub event_count: u32,
    /// Hash of the head before it.
    pub previous_head: Hash,
    /// What never changes.
    pub body: Vec<u8>,
    /// What can be erased.
    pub erasable: Vec<Entry>,
    /// All bytes of the segment before this offset were synced when the frame was written.
    pub(super) synced_below: u64,
    /// Bytes that it takes, padding included.
    pub(in crate::storage) length: u64,
    /// Entries that are marked as erased and whose bytes are not all gone yet.
    pub(super) half_erased: Vec<u32>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present(bytes) => write!(f, "Present({} bytes)", bytes.len()),
            Self::Erased => f.write_str("Erased"),
        }
    }
}

impl fmt::Debug for Frame {
    /// Lengths only: bodies and entries speak of people's computers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("location", &self.location)
            .field("first_sequence", &self.first_sequence)
            .field("event_count", &self.event_count)
            .field("body_bytes", &self.body.len())
            .field("erasable", &self.erasable)
            .finish_non_exhaustive()
    }
}

impl Frame {
    /// Sequence of the first event after it.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.first_sequence.saturating_add(u64::from(self.event_count))
    }
}

impl FrameParts<'_> {
    /// How many bytes the frame takes in a segment.
    #[must_use]
    pub fn frame_bytes(&self) -> u64 {
        let fixed = HEADER_BYTES + self.erasable.len() * 4 + self.body.len();
        let entries: usize = self.erasable.iter().map(|entry| stride(entry.len())).sum();
        (aligned(fixed, ALIGN_BYTES) + aligned(entries, ALIGN_BYTES)) as u64
    }

    /// What is out of bounds, if anything is.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let erasable: usize = self.erasable.iter().map(|entry| stride(entry.len())).sum();
        let entry = |bytes: &Vec<u8>| bytes.is_empty() || bytes.len() > ENTRY_BYTES_MAX;
        if self.event_count == 0 || self.event_count > EVENTS_MAX {
            Some("it holds no event or too many")
        } else if self.body.len() > BODY_BYTES_MAX {
            Some("its body is too long")
        } else if self.erasable.len() > ENTRIES_MAX || erasable > ERASABLE_BYTES_MAX {
            Some("its erasable part is too long")
        } else if self.erasable.iter().any(entry) {
            Some("an erasable entry is empty or too long")
        } else if self.first_sequence.checked_add(u64::from(self.event_count)).is_none() {
            Some("its sequence is out of bounds")
        } else {
            None
        }
    }
}

/// Appends a frame's bytes. None if an entry would look like an erased one.
pub(super) fn encode(
    out: &mut Vec<u8>,
    place: Location,
    chain: ChainId,
    synced_below: u64,
    parts: &FrameParts<'_>,
) -> Option<()> {
    let start = out.len();
    let erasable: usize = parts.erasable.iter().map(|entry| stride(entry.len())).sum();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&FRAME_FORMAT.to_be_bytes());
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&u32::try_from(parts.erasable.len()).ok()?.to_be_bytes());
    out.extend_from_slice(&chain.0);
    out.extend_from_slice(&parts.first_sequence.to_be_bytes());
    out.extend_from_slice(&parts.previous_head);
    out.extend_from_slice(&synced_below.to_be_bytes());
    out.extend_from_slice(&parts.event_count.to_be_bytes());
    out.extend_from_slice(&u32::try_from(parts.body.len()).ok()?.to_be_bytes());
    out.extend_from_slice(&u32::try_from(erasable).ok()?.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    for entry in parts.erasable {
        out.extend_from_slice(&u32::try_from(entry.len()).ok()?.to_be_bytes());
    }
    out.extend_from_slice(parts.body);
    pad(out, start, ALIGN_BYTES);
    let checksum = crc32c::crc32c_append(seed(place), out.get(start + 8..)?);
    out.get_mut(start + 4..start + 8)?.copy_from_slice(&checksum.to_be_bytes());

    for entry in parts.erasable {
        let offset = place.offset + (out.len() - start) as u64;
        let mark = out.len();
        out.extend_from_slice(&[0; MARK_BYTES]);
        out.extend_from_slice(entry);
        pad(out, start, ENTRY_ALIGN_BYTES);
        let checksum = entry_checksum(place.segment, offset, out.get(mark + MARK_BYTES..)?);
        if checksum == ERASED_MARK {
            return None;
        }
        out.get_mut(mark..mark + MARK_BYTES)?.copy_from_slice(&checksum);
    }
    pad(out, start, ALIGN_BYTES);
    Some(())
}

/// The sizes that a header names, within their bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    entries: usize,
    body: usize,
    erasable: usize,
}

impl Sizes {
    /// Reads them from a header; `room` is how many bytes of the segment are left.
    pub(super) fn read(header: &[u8], room: u64) -> Result<Self, Flaw> {
        if header.iter().all(|byte| *byte == 0) {
            return Err(Flaw::Blank);
        }
        let mut fields = Fields(header);
        if fields.take::<4>() != Some(MAGIC) {
            return Err(Flaw::NoFrame);
        }
        let number = |at: usize| header.get(at..)?.first_chunk().map(|bytes| be32(*bytes));
        let sizes = (number(12), number(84), number(88));
        let (Some(entries), Some(body), Some(erasable)) = sizes else {
            return Err(Flaw::Lengths);
        };
        let sizes = Self { entries, body, erasable };
        let bounded = entries <= ENTRIES_MAX
            && body <= BODY_BYTES_MAX
            && erasable <= ERASABLE_BYTES_MAX
            && sizes.total() as u64 <= room;
        if bounded { Ok(sizes) } else { Err(Flaw::Lengths) }
    }

    /// Bytes under the frame's own checksum, and before them.
    fn fixed(self) -> usize {
        aligned(HEADER_BYTES + self.entries * 4 + self.body, ALIGN_BYTES)
    }

    /// Bytes of the whole frame.
    pub(super) fn total(self) -> usize {
        self.fixed() + aligned(self.erasable, ALIGN_BYTES)
    }
}

/// The chain that a header names, checked or not.
pub(super) fn named_chain(header: &[u8]) -> Option<ChainId> {
    header.get(16..32)?.try_into().ok().map(ChainId)
}

/// Reads a frame from exactly its bytes.
pub(super) fn decode(bytes: &[u8], place: Location, sizes: Sizes) -> Result<Frame, Flaw> {
    let (fixed, erasable) = bytes.split_at_checked(sizes.fixed()).ok_or(Flaw::Lengths)?;
    let mut fields = Fields(fixed);
    fields.take::<4>().ok_or(Flaw::NoFrame)?;
    let checksum = fields.take().map(u32::from_be_bytes);
    if checksum != Some(crc32c::crc32c_append(seed(place), fields.0)) {
        return Err(Flaw::Checksum);
    }
    let mut frame = decode_fixed(&mut fields, place, sizes).ok_or(Flaw::Lengths)??;
    let lengths: Vec<usize> =
        fields.0.as_chunks().0.iter().take(sizes.entries).map(|b| be32(*b)).collect();
    let body = fields.0.get(sizes.entries * 4..).and_then(|rest| rest.get(..sizes.body));
    frame.body = body.ok_or(Flaw::Lengths)?.to_vec();
    frame.length = sizes.total() as u64;
    decode_entries(&mut frame, erasable, &lengths, sizes)?;
    Ok(frame)
}

fn decode_fixed(
    fields: &mut Fields<'_>,
    location: Location,
    sizes: Sizes,
) -> Option<Result<Frame, Flaw>> {
    let format = fields.take().map(u16::from_be_bytes)?;
    if format != FRAME_FORMAT {
        return Some(Err(Flaw::Format(format)));
    }
    fields.take::<6>()?;
    let frame = Frame {
        location,
        chain: ChainId(fields.take()?),
        first_sequence: fields.take().map(u64::from_be_bytes)?,
        previous_head: fields.take()?,
        synced_below: fields.take().map(u64::from_be_bytes)?,
        event_count: fields.take().map(u32::from_be_bytes)?,
        body: Vec::new(),
        erasable: Vec::with_capacity(sizes.entries),
        length: 0,
        half_erased: Vec::new(),
    };
    fields.take::<12>()?;
    Some(Ok(frame))
}

fn decode_entries(
    frame: &mut Frame,
    bytes: &[u8],
    lengths: &[usize],
    sizes: Sizes,
) -> Result<(), Flaw> {
    let mut rest = bytes;
    let mut offset = frame.location.offset + sizes.fixed() as u64;
    for (number, length) in lengths.iter().enumerate() {
        let number = u32::try_from(number).map_err(|_| Flaw::Lengths)?;
        let (entry, later) = rest.split_at_checked(stride(*length)).ok_or(Flaw::Lengths)?;
        let (mark, content) = entry.split_at_checked(MARK_BYTES).ok_or(Flaw::Lengths)?;
        if mark == ERASED_MARK {
            // The mark alone decides: the zeros behind it may not all have been written yet.
            if content.iter().any(|byte| *byte != 0) {
                frame.half_erased.push(number);
            }
            frame.erasable.push(Entry::Erased);
        } else if mark == entry_checksum(frame.location.segment, offset, content) {
            let content = content.get(..*length).ok_or(Flaw::Lengths)?;
            frame.erasable.push(Entry::Present(content.to_vec()));
        } else {
            return Err(Flaw::Entry(number));
        }
        offset += stride(*length) as u64;
        rest = later;
    }
    let padded = aligned(sizes.erasable, ALIGN_BYTES) - sizes.erasable;
    if rest.len() != padded {
        return Err(Flaw::Lengths);
    }
    if rest.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(Flaw::Padding) }
}

/// Where an entry lies, and how many bytes it has behind its mark.
pub(super) fn entry_place(frame: &Frame, lengths: &[usize], entry: u32) -> Option<(u64, usize)> {
    let index = usize::try_from(entry).ok()?;
    let length = lengths.get(index)?;
    let fixed = aligned(HEADER_BYTES + lengths.len() * 4 + frame.body.len(), ALIGN_BYTES);
    let before: usize = lengths.iter().take(index).map(|length| stride(*length)).sum();
    let offset = frame.location.offset + (fixed + before) as u64;
    Some((offset, stride(*length) - MARK_BYTES))
}

/// The lengths of the entries, read from a frame's bytes.
pub(super) fn entry_lengths(bytes: &[u8], count: usize) -> Vec<usize> {
    let table = bytes.get(HEADER_BYTES..).unwrap_or_default();
    table.as_chunks().0.iter().take(count).map(|length| be32(*length)).collect()
}

fn entry_checksum(segment: u32, offset: u64, content: &[u8]) -> [u8; MARK_BYTES] {
    crc32c::crc32c_append(seed(Location { segment, offset }), content).to_be_bytes()
}

fn seed(place: Location) -> u32 {
    let segment = crc32c::crc32c(&place.segment.to_be_bytes());
    crc32c::crc32c_append(segment, &place.offset.to_be_bytes())
}

/// Bytes of an entry with its mark and padding.
const fn stride(length: usize) -> usize {
    aligned(MARK_BYTES + length, ENTRY_ALIGN_BYTES)
}

const fn aligned(bytes: usize, to: usize) -> usize {
    bytes.next_multiple_of(to)
}

fn pad(out: &mut Vec<u8>, start: usize, to: usize) {
    out.resize(start + aligned(out.len() - start, to), 0);
}

fn be32(bytes: [u8; 4]) -> usize {
    usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(usize::MAX)
}

/// Bytes that are taken from the front.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}
