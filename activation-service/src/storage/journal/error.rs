//! Why the journal refuses, each case by name.

use std::path::PathBuf;

use thiserror::Error;

use super::{ChainId, Location};
use crate::storage::disk::DiskError;

/// Why a call of the journal failed.
#[derive(Debug, Error)]
pub enum Error {
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// There is no space for a further segment. Nothing is lost: the call can be made again once
    /// there is space.
    #[error("no space left for a journal segment of {bytes} bytes")]
    DiskFull {
        /// What was asked for.
        bytes: u64,
    },
    /// An earlier write or sync failed, so nothing more is written before a restart.
    #[error("the journal stopped: {0}")]
    Poisoned(String),
    /// Another process writes it.
    #[error("{0} is open in another process")]
    InUse(PathBuf),
    /// There is no journal here.
    #[error("{0} holds no journal")]
    Missing(PathBuf),
    /// It was written by a later version, or by something else.
    #[error("{file} is no journal of this version: its format is {found}")]
    UnknownFormat {
        /// Which file.
        file: PathBuf,
        /// The format it names; 0 where it names none.
        found: u16,
    },
    /// It is the journal of another ledger.
    #[error("{file} belongs to chain {found}, not to {expected}")]
    ForeignChain {
        /// Which file.
        file: PathBuf,
        /// The chain that was asked for.
        expected: ChainId,
        /// The chain found.
        found: ChainId,
    },
    /// A segment between the first and the last is not there.
    #[error("segment {number} is missing")]
    MissingSegment {
        /// Its number.
        number: u32,
    },
    /// A segment's own header cannot be read.
    #[error("the header of {file} is damaged: {what}")]
    DamagedHeader {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Bytes that were durable are not what was written.
    #[error("the journal is damaged at {location}: {flaw}")]
    Damaged {
        /// Where.
        location: Location,
        /// What is wrong there.
        flaw: Flaw,
    },
    /// A frame is whole but does not follow the one before it.
    #[error("the journal does not go on at {location}: {what}")]
    Discontinuity {
        /// Where.
        location: Location,
        /// What does not fit.
        what: &'static str,
    },
    /// More was in it when it was closed in good order, or verified.
    #[error("the journal held {held} events once and holds {holds} now: its end is lost")]
    Shrunk {
        /// How many events it held.
        held: u64,
        /// How many it holds.
        holds: u64,
    },
    /// It lacks a head that is remembered outside: its end is lost, or it is an older copy.
    #[error(
        "the anchor names event {known} of chain {chain}, and the journal holds {holds} events: \
         its end is lost, or it is an older copy"
    )]
    BehindKnown {
        /// The chain of the head.
        chain: ChainId,
        /// Sequence of the last event under it.
        known: u64,
        /// How many events the journal holds.
        holds: u64,
    },
    /// It holds another head where one is remembered outside: its history was replaced.
    #[error(
        "the head after event {known} is not the one that the anchor names: the journal holds \
         another history"
    )]
    NotKnown {
        /// Sequence of the last event under the remembered head.
        known: u64,
    },
    /// The body of a frame is not understood by its owner.
    #[error("the body at {location}: {cause}")]
    Body {
        /// Where.
        location: Location,
        /// What its owner says.
        cause: UnreadableBody,
    },
    /// What should be appended is out of bounds or does not follow.
    #[error("the frame cannot be appended: {0}")]
    Refused(&'static str),
    /// More is appended than one sync may carry: sync first.
    #[error("{bytes} bytes wait for a sync, which is all that may wait")]
    Unsynced {
        /// How many.
        bytes: usize,
    },
    /// No durable frame begins here.
    #[error("no frame begins at {0}")]
    NoFrame(Location),
    /// The frame has no such erasable entry.
    #[error("the frame at {location} has no entry {entry}")]
    NoEntry {
        /// The frame.
        location: Location,
        /// The entry.
        entry: u32,
    },
}

/// What is wrong with the bytes at a place where a frame should begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Flaw {
    /// Nothing was ever written.
    #[error("nothing is written there")]
    Blank,
    /// They do not begin as a frame does.
    #[error("no frame begins there")]
    NoFrame,
    /// The lengths it names are out of bounds.
    #[error("its lengths are out of bounds")]
    Lengths,
    /// Its checksum is wrong.
    #[error("its checksum is wrong")]
    Checksum,
    /// Its checksum is right and its format unknown.
    #[error("its format {0} is unknown")]
    Format(u16),
    /// An erasable entry is neither whole nor erased.
    #[error("its erasable entry {0} is damaged")]
    Entry(u32),
    /// Bytes that are always zero are not.
    #[error("its padding is not zero")]
    Padding,
}

/// A body that its owner cannot read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct UnreadableBody(pub String);
