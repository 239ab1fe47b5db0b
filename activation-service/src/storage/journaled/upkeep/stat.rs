//! Figures of a ledger: its chain, its size, and how far the books are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::batch;
use super::{Step, Tell, UpkeepError, io_at, journal_of, scratch, view};
use crate::storage::journal::Flaw;
use crate::storage::sled::SledOptions;

/// What a ledger amounts to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stat {
    /// Its folder.
    pub folder: PathBuf,
    /// Its chain, hex.
    pub chain_id: String,
    /// Segments of the journal.
    pub segments: u32,
    /// Frames, each one batch with one signature.
    pub frames: u64,
    /// Events.
    pub events: u64,
    /// Position of the last event; 0 if there is none.
    pub last_sequence: u64,
    /// Hash of the newest head, hex; zeros before the first.
    pub head_hash: String,
    /// Keys that signed heads, hex, sorted.
    pub signing_key_ids: Vec<String>,
    /// Private parts that were erased.
    pub erased: u64,
    /// True if the ledger was closed in good order.
    pub is_clean: bool,
    /// True if something that was never durable lies behind the last frame.
    pub has_torn_tail: bool,
    /// Bytes on disk.
    pub bytes: Bytes,
    /// What the books hold; none if there are no books.
    pub books: Option<Rows>,
}

/// Bytes on disk by kind of file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// Segments of the journal, with the space that is taken beforehand.
    pub segments: u64,
    /// What is held back for a full disk.
    pub reserve: u64,
    /// Other files of the journal.
    pub journal_other: u64,
    /// The books.
    pub books: u64,
    /// Books that were set aside, and anything else in the folder.
    pub other: u64,
}

/// What the books hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rows {
    /// Position of the last event that they hold.
    pub applied_sequence: u64,
    /// Keys.
    pub keys: u64,
    /// Counts ever made.
    pub counts: u64,
    /// Events.
    pub events: u64,
}

/// Reads all figures; the books are opened as a copy in `scratch`.
pub fn stat(
    folder: &Path,
    scratch: &Path,
    options: &SledOptions,
    tell: &mut Tell<'_>,
) -> Result<Stat, UpkeepError> {
    let view = view(folder)?;
    let end = view.reader().end();
    let total = end.sequence.saturating_sub(1);
    let mut walk = view.reader().walk(view.reader().start());
    let (mut frames, mut erased, mut keys) = (0, 0, BTreeSet::new());
    while let Some(frame) = walk.advance()? {
        let location = frame.location;
        let head = batch::head(&frame.body);
        let head = head.map_err(|cause| UpkeepError::Frame { location, cause })?;
        keys.insert(hex::encode(head.head().signing_key_id.0));
        frames += 1;
        let is_erased = |entry: &&_| matches!(entry, crate::storage::journal::Entry::Erased);
        erased += frame.erasable.iter().filter(is_erased).count() as u64;
        tell(Step { task: "reading", done: frame.next_sequence().saturating_sub(1), total });
    }
    let books = scratch::open(folder, Some(scratch), options)?;
    let books = books.map(|opened| {
        let census = opened.books.census();
        let census = census.map_err(|error| UpkeepError::Rows(error.to_string()))?;
        Ok::<_, UpkeepError>(Rows {
            applied_sequence: opened.applied.sequence,
            keys: census.keys,
            counts: census.counts,
            events: census.events,
        })
    });
    let books = books.transpose()?;
    Ok(Stat {
        folder: folder.to_owned(),
        chain_id: view.chain.to_string(),
        segments: view.segments,
        frames,
        events: total,
        last_sequence: total,
        head_hash: hex::encode(end.head),
        signing_key_ids: keys.into_iter().collect(),
        erased,
        is_clean: view.mark == crate::storage::journal::Mark::Clean,
        has_torn_tail: view.tail_flaw != Flaw::Blank || view.is_written_beyond,
        bytes: bytes(folder)?,
        books,
    })
}

fn bytes(folder: &Path) -> Result<Bytes, UpkeepError> {
    let mut bytes = Bytes::default();
    let journal = journal_of(folder);
    for entry in fs::read_dir(&journal).map_err(io_at(&journal))? {
        let entry = entry.map_err(io_at(&journal))?;
        let length = entry.metadata().map_err(io_at(&journal))?.len();
        match entry.file_name().to_string_lossy().as_ref() {
            "reserve" => bytes.reserve += length,
            name if name.ends_with(".seg") => bytes.segments += length,
            _ => bytes.journal_other += length,
        }
    }
    for entry in fs::read_dir(folder).map_err(io_at(folder))? {
        let entry = entry.map_err(io_at(folder))?;
        match entry.file_name().to_string_lossy().as_ref() {
            "journal" => {}
            "sled" => bytes.books += bytes_below(&entry.path())?,
            _ => bytes.other += bytes_below(&entry.path())?,
        }
    }
    Ok(bytes)
}

/// All bytes of a file, or of the files in a folder.
fn bytes_below(path: &Path) -> Result<u64, UpkeepError> {
    let data = fs::symlink_metadata(path).map_err(io_at(path))?;
    if !data.is_dir() {
        return Ok(data.len());
    }
    let (mut bytes, mut folders) = (0, vec![path.to_owned()]);
    // Links are not followed, so this ends.
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(io_at(&folder))? {
            let entry = entry.map_err(io_at(&folder))?;
            let data = entry.metadata().map_err(io_at(&folder))?;
            if data.is_dir() { folders.push(entry.path()) } else { bytes += data.len() }
        }
    }
    Ok(bytes)
}
