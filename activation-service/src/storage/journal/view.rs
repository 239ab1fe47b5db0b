//! Looking into a journal that nobody has open, without changing anything in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain::{Chain, judge};
use super::error::{Error, Flaw};
use super::marker;
use super::open::Mark;
use super::reader::{Reader, Shelf};
use super::{ChainId, HeadOf};
use crate::storage::disk::{Disk, DiskErrorKind, DiskFile};

/// A journal that is read and never written; no service opens it meanwhile.
pub struct View {
    /// Its chain.
    pub chain: ChainId,
    /// How many segments there are.
    pub segments: u32,
    /// What the mark of a clean close says.
    pub mark: Mark,
    /// What ends the frames; [`Flaw::Blank`] unless something behind them was never synced.
    pub tail_flaw: Flaw,
    /// True if something that was never synced lies behind the last frame.
    pub is_written_beyond: bool,
    reader: Reader,
    /// Held as long as the view lives; a journal from another place may lack the file.
    _lock: Option<Arc<dyn DiskFile>>,
}

impl View {
    /// Takes the lock and finds the end. Of the frames only those of the last segment are checked;
    /// a walk from [`Reader::start`] checks all.
    pub fn open(disk: Arc<dyn Disk>, folder: &Path, head_of: HeadOf) -> Result<Self, Error> {
        let missing = || Error::Missing(folder.to_owned());
        let lock = lock(disk.as_ref(), folder)?;
        let names = match disk.list(folder) {
            Err(error) if error.is_not_found() => return Err(missing()),
            listed => listed?,
        };
        let chain = Chain { disk: disk.as_ref(), folder, head_of };
        let headers = chain.headers(&names)?;
        let last = headers.last().ok_or_else(missing)?.start();
        let marker = marker::read(disk.as_ref(), folder)?;
        let contents = chain.follow(headers, Some(last))?;
        let mark = judge(&marker, &contents)?;
        let (chain, segments, end) = (contents.chain, contents.last.number, contents.end);
        let (tail_flaw, is_written_beyond) = (contents.flaw, contents.is_written_beyond);
        let place: PathBuf = folder.to_owned();
        let shelf = Shelf::new(disk, place, head_of, contents.headers, chain, end);
        let reader = Reader::new(Arc::new(shelf));
        Ok(Self { chain, segments, mark, tail_flaw, is_written_beyond, reader, _lock: lock })
    }

    /// Reads its frames.
    #[must_use]
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }
}

fn lock(disk: &dyn Disk, folder: &Path) -> Result<Option<Arc<dyn DiskFile>>, Error> {
    let file = match disk.open(&folder.join("lock")) {
        Err(error) if error.is_not_found() => return Ok(None),
        opened => opened?,
    };
    match file.try_lock() {
        Err(error) if matches!(error.kind, DiskErrorKind::InUse) => {
            Err(Error::InUse(folder.to_owned()))
        }
        locked => Ok(locked.map(|()| Some(file))?),
    }
}
