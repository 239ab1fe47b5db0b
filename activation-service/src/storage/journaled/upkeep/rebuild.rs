//! New books from the journal, put in the place of the old ones, which are set aside and never
//! deleted.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::books::Books;
use super::super::open::JournaledError;
use super::remake::{ACCOUNTS_BYTES_MAX, Remake};
use super::{Tell, UpkeepError, books_of, io_at, released, sync_folder, view};
use crate::storage::sled::{SledOptions, SledShelf};
use crate::storage::store::Shelf;

/// Where new books are until they are whole.
const NEW: &str = "sled-new";

/// What a rebuild did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Events that were applied.
    pub events: u64,
    /// Accounts that they make.
    pub accounts: u64,
    /// How long it took to read all of the journal and to make every account in memory.
    pub checking: Duration,
    /// How long it took to write the new books, each part of them durable before the next.
    pub applying: Duration,
    /// Where the old books are; none if there were none.
    pub set_aside: Option<PathBuf>,
}

/// Makes the books again. The journal is read and understood to its end, every account is made in
/// memory, and the new books are whole, before the old ones are moved.
pub fn rebuild(
    folder: &Path,
    options: &SledOptions,
    tell: &mut Tell<'_>,
) -> Result<Rebuilt, UpkeepError> {
    rebuild_within(folder, options, ACCOUNTS_BYTES_MAX, tell)
}

/// The same with at most about so many bytes of accounts in memory at once; the less, the more
/// often the journal is read.
pub fn rebuild_within(
    folder: &Path,
    options: &SledOptions,
    accounts_bytes_max: u64,
    tell: &mut Tell<'_>,
) -> Result<Rebuilt, UpkeepError> {
    let view = view(folder)?;
    let remake = Remake::new(view.reader(), accounts_bytes_max);
    let began = Instant::now();
    let accounts = remake.check(tell)?;
    let checking = began.elapsed();
    let (place, new) = (books_of(folder), folder.join(NEW));
    if new.exists() {
        // It is of a rebuild that was cut short.
        fs::remove_dir_all(&new).map_err(io_at(&new))?;
    }
    let shelf_at = |folder: &Path| -> Arc<dyn Shelf> {
        Arc::new(SledShelf { folder: folder.to_owned(), options: *options })
    };
    let began = Instant::now();
    let written = write(&shelf_at(&new), &remake, tell).and_then(|()| released(&new));
    if let Err(error) = written {
        // What is half written is in the way, and may fill the disk; the next rebuild would remove
        // it too.
        let _ = fs::remove_dir_all(&new);
        return Err(error);
    }
    let applying = began.elapsed();
    let set_aside = place.exists().then(|| shelf_at(&place).set_aside()).transpose();
    let set_aside = set_aside.map_err(JournaledError::SetAside)?;
    // Between the two there are no books, and a start makes them from the journal.
    fs::rename(&new, &place).map_err(io_at(&new))?;
    sync_folder(folder)?;
    Ok(Rebuilt { events: remake.events(), accounts, checking, applying, set_aside })
}

fn write(
    shelf: &Arc<dyn Shelf>,
    remake: &Remake<'_>,
    tell: &mut Tell<'_>,
) -> Result<(), UpkeepError> {
    let (books, _) = Books::open(shelf)?;
    remake.write(&books, tell)
}
