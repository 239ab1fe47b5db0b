//! New books from the journal, put in the place of the old ones, which are set aside and never
//! deleted.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::books::Books;
use super::super::open::JournaledError;
use super::remake::{self, ACCOUNTS_BYTES, Remake};
use super::{Step, Tell, UpkeepError, books_of, io_at, released, sync_folder, view};
use crate::storage::sled::{SledOptions, SledShelf};
use crate::storage::store::Shelf;

/// Where new books are until they are whole.
const NEW: &str = "sled-new";

/// What a rebuild did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Events that were applied.
    pub events: u64,
    /// Accounts that they make.
    pub accounts: u64,
    /// How long it took to read all of the journal and to make every account in memory, in as many
    /// passes as memory was allowed for.
    pub checking: Duration,
    /// How long it took to write the new books, each part of them durable before the next.
    pub applying: Duration,
    /// Where the old books are; none if there were none.
    pub set_aside: Option<PathBuf>,
}

/// Makes the books again, with about [`ACCOUNTS_BYTES`] of accounts in memory at once.
pub fn rebuild(
    folder: &Path,
    options: &SledOptions,
    tell: &mut Tell<'_>,
) -> Result<Rebuilt, UpkeepError> {
    rebuild_within(folder, options, ACCOUNTS_BYTES, tell)
}

/// The same with at most about so many bytes of accounts in memory at once; the less, the more
/// often the journal is read. The journal is understood to its end before anything is written, and
/// the new books hold every account before the old ones are moved.
pub fn rebuild_within(
    folder: &Path,
    options: &SledOptions,
    accounts_bytes_max: u64,
    tell: &mut Tell<'_>,
) -> Result<Rebuilt, UpkeepError> {
    let view = view(folder)?;
    let (place, new) = (books_of(folder), folder.join(NEW));
    if new.exists() {
        // It is of a rebuild that was cut short.
        fs::remove_dir_all(&new).map_err(io_at(&new))?;
    }
    let shelf_at = |folder: &Path| -> Arc<dyn Shelf> {
        Arc::new(SledShelf { folder: folder.to_owned(), options: *options })
    };
    let remake = Remake::new(view.reader(), accounts_bytes_max);
    let mut done = Rebuilt { events: remake.events(), ..Rebuilt::default() };
    let made = make(&shelf_at(&new), &remake, &mut done, tell).and_then(|()| released(&new));
    if let Err(error) = made {
        // What is half written is in the way, and may fill the disk; the next rebuild would remove
        // it too.
        let _ = fs::remove_dir_all(&new);
        return Err(error);
    }
    let set_aside = place.exists().then(|| shelf_at(&place).set_aside()).transpose();
    done.set_aside = set_aside.map_err(JournaledError::SetAside)?;
    // Between the two there are no books, and a start makes them from the journal.
    fs::rename(&new, &place).map_err(io_at(&new))?;
    sync_folder(folder)?;
    Ok(done)
}

/// Makes the accounts range by range, and writes each range before the next is made.
fn make(
    shelf: &Arc<dyn Shelf>,
    remake: &Remake<'_>,
    done: &mut Rebuilt,
    tell: &mut Tell<'_>,
) -> Result<(), UpkeepError> {
    let (total, mut written, mut books) = (remake.events(), 0, None);
    for pass in remake.passes() {
        let began = Instant::now();
        let accounts = remake.make(pass, tell)?;
        done.checking += began.elapsed();
        done.accounts += accounts.len() as u64;
        let began = Instant::now();
        // Not before the first pass has understood all that there is.
        let books = match &mut books {
            Some(books) => books,
            none => none.insert(Books::open(shelf)?.0),
        };
        remake::write(books, accounts, |events| {
            written += events;
            tell(Step { task: "applying", done: written, total });
        })?;
        done.applying += began.elapsed();
    }
    books.as_ref().map_or(Ok(()), |books| remake.complete(books))
}
