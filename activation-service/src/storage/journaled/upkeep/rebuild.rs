//! New books from the journal; the old ones are set aside and never deleted.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::books::Books;
use super::super::open::JournaledError;
use super::super::restore::Replay;
use super::remake::remake;
use super::{Step, Tell, UpkeepError, books_of, released, view};
use crate::storage::sled::{SledOptions, SledShelf};
use crate::storage::store::Shelf;

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

/// Makes the books again. The journal is read and understood to its end, and every account is made
/// in memory, before the old books are moved.
pub fn rebuild(
    folder: &Path,
    options: &SledOptions,
    tell: &mut Tell<'_>,
) -> Result<Rebuilt, UpkeepError> {
    let view = view(folder)?;
    let reader = view.reader();
    let total = reader.end().sequence.saturating_sub(1);
    let began = Instant::now();
    let accounts = remake(reader, tell)?;
    let checking = began.elapsed();
    let place = books_of(folder);
    let shelf: Arc<dyn Shelf> = Arc::new(SledShelf { folder: place.clone(), options: *options });
    let set_aside = place.exists().then(|| shelf.set_aside()).transpose();
    let set_aside = set_aside.map_err(JournaledError::SetAside)?;
    let began = Instant::now();
    let (books, _) = Books::open(&shelf)?;
    let mut walk = reader.walk(reader.start());
    let mut replay = Replay::new(&books, 0);
    while let Some(frame) = walk.advance()? {
        replay.take(&frame).map_err(JournaledError::from)?;
        tell(Step { task: "applying", done: frame.next_sequence().saturating_sub(1), total });
    }
    replay.apply().map_err(JournaledError::from)?;
    let applying = began.elapsed();
    drop(books);
    released(&place)?;
    Ok(Rebuilt { events: total, accounts, checking, applying, set_aside })
}
