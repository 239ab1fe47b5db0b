//! A file that only holds space, so that a full disk is noticed while there is still some left.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::segment::no_space_or;
use crate::storage::disk::Disk;

/// The space held back.
pub(super) struct Reserve {
    bytes: u64,
    is_held: bool,
}

impl Reserve {
    /// What is there already; nothing is made.
    pub(super) fn find(disk: &dyn Disk, folder: &Path, bytes: u64) -> Result<Self, Error> {
        let held = match disk.open(&path(folder)) {
            Ok(file) => Some(file.length()?),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self { bytes, is_held: bytes == 0 || held == Some(bytes) })
    }

    /// True if nothing is to be held, or all of it is.
    pub(super) const fn is_held(&self) -> bool {
        self.is_held
    }

    /// Tries to take the space; a full disk is no error but leaves it not held.
    pub(super) fn hold(&mut self, disk: &dyn Disk, folder: &Path) -> Result<(), Error> {
        if !self.is_held {
            self.is_held = Self::take(disk, folder, self.bytes)?;
        }
        Ok(())
    }

    /// Notes that [`Self::take`] took it.
    pub(super) const fn held(&mut self) {
        self.is_held = true;
    }

    /// Tries to take the space; false on a full disk.
    pub(super) fn take(disk: &dyn Disk, folder: &Path, bytes: u64) -> Result<bool, Error> {
        let unfinished = folder.join("reserve.tmp");
        let made = disk.create(&unfinished).and_then(|file| {
            file.allocate(bytes)?;
            file.sync_all()
        });
        match made.map_err(|error| no_space_or(disk, &unfinished, bytes, error)) {
            Ok(()) => {}
            Err(Error::DiskFull { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        disk.rename(&unfinished, &path(folder))?;
        disk.sync_dir(folder)?;
        Ok(true)
    }

    /// Gives the space away. False if there was none to give.
    pub(super) fn release(&mut self, disk: &dyn Disk, folder: &Path) -> Result<bool, Error> {
        match disk.remove(&path(folder)) {
            Ok(()) => {}
            Err(error) if error.is_not_found() => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        // Whatever the sync says, the file has no name any more.
        self.is_held = self.bytes == 0;
        disk.sync_dir(folder)?;
        Ok(true)
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("reserve")
}
