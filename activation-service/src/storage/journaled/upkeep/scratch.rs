//! Books opened beside the ledger: sled writes when it opens, so a check that must change nothing
//! opens a copy.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::books::{Applied, Books};
use super::{UpkeepError, books_of, io_at};
use crate::storage::sled::{SledOptions, SledShelf};
use crate::storage::store::Shelf;

/// Most copies that stand beside each other after kills.
const COPIES_MAX: u32 = 100;
/// Only the owner reads: books hold digests of hardware.
const FOLDER_MODE: u32 = 0o700;

/// Open books, in place or as a copy that goes away with this.
pub(super) struct Opened {
    /// Dropped first: sled writes into its folder until then.
    pub(super) books: Books,
    pub(super) applied: Applied,
    _copy: Option<Copy>,
}

struct Copy(PathBuf);

impl Drop for Copy {
    fn drop(&mut self) {
        // A copy that cannot be removed is only in the way, and its name says whose it is.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Opens the books of a ledger, as a copy in `scratch` or, without one, where they are. None if
/// there are no books.
pub(super) fn open(
    folder: &Path,
    scratch: Option<&Path>,
    options: &SledOptions,
) -> Result<Option<Opened>, UpkeepError> {
    let place = books_of(folder);
    if !place.exists() {
        return Ok(None);
    }
    let copy = scratch.map(|scratch| copy(&place, scratch)).transpose()?;
    let place = copy.as_ref().map_or(&place, |copy| &copy.0);
    let shelf: Arc<dyn Shelf> = Arc::new(SledShelf { folder: place.clone(), options: *options });
    let (books, applied) = Books::open(&shelf)?;
    let applied = applied.map_err(|error| UpkeepError::Rows(error.to_string()))?;
    Ok(Some(Opened { books, applied, _copy: copy }))
}

/// True if the books of a ledger bear the mark of damage.
pub(super) fn is_doubted(folder: &Path) -> Result<bool, UpkeepError> {
    let place = books_of(folder);
    let shelf = SledShelf { folder: place.clone(), options: SledOptions::default() };
    shelf.is_doubted().map_err(io_at(&place))
}

fn copy(from: &Path, scratch: &Path) -> Result<Copy, UpkeepError> {
    let id = std::process::id();
    let mut builder = fs::DirBuilder::new();
    builder.mode(FOLDER_MODE);
    for number in 1..=COPIES_MAX {
        let place = scratch.join(format!("activation-ledger-copy-{id}-{number}"));
        match builder.create(&place) {
            Ok(()) => {
                let copy = Copy(place);
                copy_folder(from, &copy.0)?;
                return Ok(copy);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io_at(&place)(error)),
        }
    }
    Err(io_at(scratch)(std::io::Error::other("too many copies of books lie here")))
}

/// Copies files, and folders one level deep, which is all that sled makes.
fn copy_folder(from: &Path, to: &Path) -> Result<(), UpkeepError> {
    for entry in fs::read_dir(from).map_err(io_at(from))? {
        let entry = entry.map_err(io_at(from))?;
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(io_at(from))?.is_dir() {
            fs::create_dir(&target).map_err(io_at(&target))?;
            for inner in fs::read_dir(entry.path()).map_err(io_at(from))? {
                let inner = inner.map_err(io_at(from))?;
                let target = target.join(inner.file_name());
                fs::copy(inner.path(), &target).map_err(io_at(&target))?;
            }
        } else {
            fs::copy(entry.path(), &target).map_err(io_at(&target))?;
        }
    }
    Ok(())
}
