//! Places in the journal, and what is true at them.

use std::fmt;

use super::error::{Error, UnreadableBody};
use super::frame::Frame;

/// The head before the first frame.
pub const NO_HEAD: Hash = [0; 32];

/// A hash of a head.
pub type Hash = [u8; 32];
/// Finds the hash of a body's head, which the next frame must name.
pub type HeadOf = fn(&[u8]) -> Result<Hash, UnreadableBody>;

/// Tells journals apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChainId(pub [u8; 16]);

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainId({self})")
    }
}

/// Where a frame lies; it never moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The segment's number, from 1.
    pub segment: u32,
    /// Bytes from the start of its file.
    pub offset: u64,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment {} offset {}", self.segment, self.offset)
    }
}

/// A place between two frames and what is true there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The place.
    pub location: Location,
    /// Sequence of the first event behind it.
    pub sequence: u64,
    /// Hash of the last head before it.
    pub head: Hash,
}

/// A head that someone outside remembers: the journal must hold it, or it is not the one that he
/// knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The chain.
    pub chain: ChainId,
    /// Sequence of the last event under the head.
    pub sequence: u64,
    /// Hash of the head.
    pub head: Hash,
}

impl Checkpoint {
    /// Goes past a frame, if it is the one that follows.
    pub(super) fn follow(
        &mut self,
        frame: &Frame,
        chain: ChainId,
        head_of: HeadOf,
    ) -> Result<(), Error> {
        let location = frame.location;
        let differs = if frame.chain != chain {
            Some("it is of another chain")
        } else if frame.first_sequence != self.sequence {
            Some("its sequence is not the next one")
        } else if frame.previous_head != self.head {
            Some("it names another head before it")
        } else if frame.event_count == 0 {
            Some("it holds no event")
        } else {
            None
        };
        if let Some(what) = differs {
            return Err(Error::Discontinuity { location, what });
        }
        self.head = head_of(&frame.body).map_err(|cause| Error::Body { location, cause })?;
        self.sequence = frame.next_sequence();
        self.location.offset += frame.length;
        Ok(())
    }
}
