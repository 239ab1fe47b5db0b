//! The folder of the books: opened by one process at a time, set aside at any doubt.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::open::open;
use super::{OpenError, SledOptions};
use crate::storage::store::{Shelf, Store};

/// Most folders that were set aside and are kept beside each other.
const SET_ASIDE_MAX: u32 = 1_000;

/// A folder of sled's.
#[derive(Clone, Debug)]
pub(in crate::storage) struct SledShelf {
    /// The folder, made if it does not exist.
    pub(in crate::storage) folder: PathBuf,
    /// How it is opened.
    pub(in crate::storage) options: SledOptions,
}

impl Shelf for SledShelf {
    fn open(&self) -> Result<Box<dyn Store>, OpenError> {
        await_free(&self.folder)
            .map_err(|cause| OpenError::Io { folder: self.folder.clone(), cause })?;
        Ok(Box::new(open(&self.folder, &self.options)?))
    }

    fn set_aside(&self) -> io::Result<PathBuf> {
        await_free(&self.folder)?;
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for number in 1..=SET_ASIDE_MAX {
            let aside = self.folder.with_file_name(format!("{name}-set-aside-{number}"));
            if !aside.exists() {
                std::fs::rename(&self.folder, &aside)?;
                tracing::error!(to = %aside.display(), "the books are set aside and made again");
                return Ok(aside);
            }
        }
        Err(io::Error::other("too many folders were set aside before"))
    }
}

/// Waits until nobody holds the books. Whoever has the journal has the ledger, so this can only be
/// a process that is ending, or threads of sled that outlast its database by a moment.
fn await_free(folder: &Path) -> io::Result<()> {
    let file = match File::open(folder.join("db")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    if file.try_lock().is_err() {
        tracing::warn!("the books are still held; waiting until they are free");
        file.lock()?;
    }
    file.unlock()
}
