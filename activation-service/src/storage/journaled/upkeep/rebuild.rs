//! New books from the journal; the old ones are set aside and never deleted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::batch;
use super::super::books::Books;
use super::super::open::JournaledError;
use super::super::restore::Replay;
use super::{Step, Tell, UpkeepError, books_of, released, view};
use crate::storage::sled::{SledOptions, SledShelf};
use crate::storage::store::Shelf;

/// What a rebuild did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Events that were applied.
    pub events: u64,
    /// Where the old books are; none if there were none.
    pub set_aside: Option<PathBuf>,
}

/// Makes the books again. The journal is read and understood to its end before the old books are
/// moved.
pub fn rebuild(
    folder: &Path,
    options: &SledOptions,
    tell: &mut Tell<'_>,
) -> Result<Rebuilt, UpkeepError> {
    let view = view(folder)?;
    let reader = view.reader();
    let total = reader.end().sequence.saturating_sub(1);
    let mut walk = reader.walk(reader.start());
    while let Some(frame) = walk.advance()? {
        let location = frame.location;
        batch::open(&frame.body, &frame.erasable)
            .map_err(|cause| UpkeepError::Frame { location, cause })?;
        tell(Step { task: "checking", done: frame.next_sequence().saturating_sub(1), total });
    }
    let place = books_of(folder);
    let shelf: Arc<dyn Shelf> = Arc::new(SledShelf { folder: place.clone(), options: *options });
    let set_aside = place.exists().then(|| shelf.set_aside()).transpose();
    let set_aside = set_aside.map_err(JournaledError::SetAside)?;
    let (books, _) = Books::open(&shelf)?;
    let mut walk = reader.walk(reader.start());
    let mut replay = Replay::new(&books, 0);
    while let Some(frame) = walk.advance()? {
        replay.take(&frame).map_err(JournaledError::from)?;
        tell(Step { task: "applying", done: frame.next_sequence().saturating_sub(1), total });
    }
    replay.apply().map_err(JournaledError::from)?;
    drop(books);
    released(&place)?;
    Ok(Rebuilt { events: total, set_aside })
}
