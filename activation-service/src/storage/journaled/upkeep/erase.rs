//! Erasing what lies beside events, for good: evidence of computers, at the request of whom it is
//! about. Leaves, heads and receipts stay as they are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::batch;
use super::super::batch::parts::{PrivatePart, parts};
use super::{Step, Tell, UpkeepError, books_of, io_at, journal_of, rebuild, sync_folder, view};
use crate::domain::ids::KeyId;
use crate::storage::disk::RealDisk;
use crate::storage::journal::{self, Expected, Journal, Location, Reader};
use crate::storage::sled::SledOptions;

/// What is erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The key.
    pub key: KeyId,
    /// The account versions of its events; all activations and releases if there is none.
    pub versions: BTreeSet<u64>,
}

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Events whose private part was there and is gone.
    pub erased: u64,
    /// Events whose private part was gone before.
    pub already: u64,
    /// Where copies of it may still lie: books that were set aside earlier.
    pub copies: Vec<PathBuf>,
}

/// Erases private parts in the journal, and makes the books again: sled writes into a log, so only
/// new files are free of what the old ones held. Nothing is changed if an event is not there or
/// has nothing to erase. Cut short, it is finished by being done again.
///
/// # Errors
/// The ledger is open or cannot be read, or an event cannot be erased.
pub fn erase(
    folder: &Path,
    options: &SledOptions,
    journal: &journal::Options,
    erasure: &Erasure,
    tell: &mut Tell<'_>,
) -> Result<Erased, UpkeepError> {
    // The whole chain is read before anything is touched.
    let found = found_in(view(folder)?.reader(), erasure)?;
    let opened = Journal::open(
        Arc::new(RealDisk),
        &journal_of(folder),
        Expected::Any,
        batch::head_of,
        journal,
    )?;
    let mut journal = opened.journal;
    remove_books(folder)?;
    for (done, (location, entry)) in (1..).zip(&found.places) {
        journal.erase(*location, *entry)?;
        tell(Step { task: "erasing", done, total: found.places.len() as u64 });
    }
    journal.close()?;
    rebuild(folder, options, tell)?;
    let erased = found.places.len() as u64;
    Ok(Erased { erased, already: found.already, copies: copies(folder)? })
}

#[derive(Default)]
struct Found {
    places: Vec<(Location, u32)>,
    already: u64,
}

/// Finds the private parts of the events that are asked for.
fn found_in(reader: &Reader, erasure: &Erasure) -> Result<Found, UpkeepError> {
    let (mut found, mut missing) = (Found::default(), erasure.versions.clone());
    let (mut is_known, mut nothing) = (false, BTreeSet::new());
    let mut walk = reader.walk(reader.start());
    while let Some(frame) = walk.advance()? {
        let location = frame.location;
        let unreadable = |cause| UpkeepError::Frame { location, cause };
        let (_, parts) = parts(&frame.body, &frame.erasable).map_err(unreadable)?;
        let mut entry = 0;
        for part in parts {
            // Entries of a frame are in the order of its events.
            let place = entry;
            entry += u32::from(part.private != PrivatePart::Nothing);
            let event = part.event().map_err(unreadable)?;
            if event.key_id != erasure.key {
                continue;
            }
            is_known = true;
            if !erasure.versions.is_empty() && !missing.remove(&event.version) {
                continue;
            }
            match (event.body.is_about_a_computer(), &part.private) {
                (true, PrivatePart::Present(_)) => found.places.push((location, place)),
                (true, PrivatePart::Erased) => found.already += 1,
                (true, PrivatePart::Nothing) | (false, _) => {
                    nothing.insert(event.version);
                }
            }
        }
    }
    if !is_known {
        return Err(UpkeepError::NoKey(erasure.key));
    }
    if let Some(version) = missing.first() {
        return Err(UpkeepError::NoEvent { key: erasure.key, version: *version });
    }
    match nothing.first() {
        Some(version) if !erasure.versions.is_empty() => {
            Err(UpkeepError::NothingToErase { key: erasure.key, version: *version })
        }
        _ => Ok(found),
    }
}

/// The books go before the journal forgets: if this is cut short there are none, and the next start
/// makes them from what the journal holds by then.
fn remove_books(folder: &Path) -> Result<(), UpkeepError> {
    let books = books_of(folder);
    match fs::remove_dir_all(&books) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        removed => removed.map_err(io_at(&books))?,
    }
    sync_folder(folder)
}

fn copies(folder: &Path) -> Result<Vec<PathBuf>, UpkeepError> {
    let mut copies = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_at(folder))? {
        let entry = entry.map_err(io_at(folder))?;
        if entry.file_name().to_string_lossy().starts_with("sled-set-aside") {
            copies.push(entry.path());
        }
    }
    copies.sort();
    Ok(copies)
}
