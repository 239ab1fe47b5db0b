//! Crashes, damage, faults and full disks; the mutants show that these tests bite.

mod clean_close;
mod crashes;
mod damage;
mod faults;
mod format;
mod frames;
mod full_disk;
mod mutants;
mod real_disk;
mod story;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::{
    ChainId, Error, Expected, FrameParts, Hash, Journal, Location, Opened, Options, UnreadableBody,
};
use crate::storage::disk::Disk;

/// Ways to be wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) enum Mutant {
    /// None: the real thing.
    None,
    /// It writes and never syncs.
    NoSync,
    /// It answers when the frames of the call before are synced.
    AnswersBeforeSync,
    /// It takes a second try at a failed sync for success.
    RetriesFailedSync,
    /// It writes on behind a tail that a failed sync may have left.
    TrustsTailAfterFailedSync,
}

const CHAIN: ChainId = ChainId([7; 16]);
const FOLDER: &str = "journal";

fn folder() -> PathBuf {
    PathBuf::from(FOLDER)
}

fn small() -> Options {
    Options { segment_bytes: 8 << 10, reserve_bytes: 0, ..Options::default() }
}

/// In these tests a body's head is its digest.
fn head_of(body: &[u8]) -> Result<Hash, UnreadableBody> {
    Ok(Sha256::digest(body).into())
}

fn open(disk: &(impl Disk + Clone + 'static), options: &Options) -> Result<Opened, Error> {
    open_at(Arc::new(disk.clone()), Path::new(FOLDER), Expected::NewOr(CHAIN), options)
}

fn open_at(
    disk: Arc<dyn Disk>,
    folder: &Path,
    expected: Expected,
    options: &Options,
) -> Result<Opened, Error> {
    Journal::open(disk, folder, expected, head_of, options)
}

/// Appends a frame that follows.
fn append(journal: &mut Journal, body: &[u8], erasable: &[Vec<u8>]) -> Result<Location, Error> {
    let tail = journal.tail();
    journal.append(&FrameParts {
        first_sequence: tail.sequence,
        event_count: 1,
        previous_head: tail.head,
        body,
        erasable,
    })
}

/// The seed in the variable `SEED`, else all of these.
fn seeds(all: Range<u64>) -> Range<u64> {
    match std::env::var_os("SEED") {
        Some(text) => {
            let seed: u64 = text.to_string_lossy().parse().expect("SEED is a number");
            seed..seed + 1
        }
        None => all,
    }
}
