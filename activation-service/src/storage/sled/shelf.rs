//! The folder of the books: opened by one process at a time, set aside at any doubt.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use super::open::open;
use super::{OpenError, SledOptions};
use crate::storage::store::{Shelf, Store};

/// Most folders that were set aside and are kept beside each other.
const SET_ASIDE_MAX: u32 = 1_000;
/// The mark of books that are damaged.
const DOUBTED: &str = "doubted";
/// How often it is looked whether the books are free.
const FREE_POLL: Duration = Duration::from_millis(20);
/// How often at most: ten seconds in all.
const FREE_POLLS_MAX: u32 = 500;

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
        let free = await_free(&self.folder);
        match free.map_err(|cause| OpenError::Io { folder: self.folder.clone(), cause })? {
            true => Ok(Box::new(open(&self.folder, &self.options)?)),
            false => Err(OpenError::InUse(self.folder.clone())),
        }
    }

    fn set_aside(&self) -> io::Result<PathBuf> {
        // What still holds them, if anything does, are threads of sled that hang: its files keep
        // working under their new name.
        await_free(&self.folder)?;
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for number in 1..=SET_ASIDE_MAX {
            let aside = self.folder.with_file_name(format!("{name}-set-aside-{number}"));
            if !aside.exists() {
                std::fs::rename(&self.folder, &aside)?;
                if let Some(parent) = aside.parent().filter(|name| !name.as_os_str().is_empty()) {
                    File::open(parent)?.sync_all()?;
                }
                tracing::error!(to = %aside.display(), "the books are set aside and made again");
                return Ok(aside);
            }
        }
        Err(io::Error::other("too many folders were set aside before"))
    }

    fn doubt(&self, why: &str) -> io::Result<()> {
        let mut mark = File::create(self.folder.join(DOUBTED))?;
        writeln!(mark, "{why}")?;
        mark.sync_all()?;
        File::open(&self.folder)?.sync_all()
    }

    fn is_doubted(&self) -> io::Result<bool> {
        self.folder.join(DOUBTED).try_exists()
    }
}

/// Waits until nobody holds the books; false if somebody holds on. Whoever has the journal has the
/// ledger, so this can only be a process that is ending, or threads of sled that outlast its
/// database by a moment.
fn await_free(folder: &Path) -> io::Result<bool> {
    let file = match File::open(folder.join("db")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        opened => opened?,
    };
    // Nobody ever sends: this is a pause.
    let (_silent, pause) = channel::<()>();
    for poll in 0..FREE_POLLS_MAX {
        match file.try_lock() {
            Ok(()) => return file.unlock().map(|()| true),
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
            Err(std::fs::TryLockError::WouldBlock) => {}
        }
        if poll == 0 {
            tracing::warn!("the books are still held; waiting until they are free");
        }
        let _ = pause.recv_timeout(FREE_POLL);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::store::{Row, StoreError, Tree};

    #[test]
    fn a_doubt_goes_with_the_books_that_are_set_aside() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("sled");
        let shelf = SledShelf { folder: folder.clone(), options: SledOptions::default() };
        assert!(!shelf.is_doubted().expect("asked"));
        drop(shelf.open().expect("opens"));
        assert!(!shelf.is_doubted().expect("asked"));
        shelf.doubt("a row is wrong").expect("marked");
        assert!(shelf.is_doubted().expect("asked"));
        let aside = shelf.set_aside().expect("set aside");
        assert!(!shelf.is_doubted().expect("asked"));
        let mark = std::fs::read_to_string(aside.join(DOUBTED)).expect("the mark");
        assert_eq!(mark, "a row is wrong\n");
    }

    #[test]
    fn what_panics_is_damage_and_the_books_can_be_left() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("sled");
        let shelf = SledShelf { folder, options: SledOptions::default() };
        let store = shelf.open().expect("opens");
        let row = Row { tree: Tree::Accounts, key: vec![1], value: vec![2] };
        store.write(&[row]).expect("written");
        let seen = store.scan(Tree::Accounts, &[], None, false, &mut |_, _| panic!("over a row"));
        assert!(matches!(seen, Err(StoreError::Damaged(_))), "{seen:?}");
        drop(store);
        let store = shelf.open().expect("opens again");
        assert_eq!(store.get(Tree::Accounts, &[1]), Ok(Some(vec![2])));
    }
}
