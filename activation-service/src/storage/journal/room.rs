//! Space that is taken before it is needed, by someone else than who writes meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Error;
use super::reserve::Reserve;
use super::segment::{Blank, SEGMENTS_MAX};
use super::{Journal, Options};
use crate::storage::disk::Disk;

/// How much space there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// The segment after the current one has its space.
    pub is_next_ready: bool,
    /// The reserve is held.
    pub is_reserve_held: bool,
    /// What the file system has left; none if it does not say.
    pub free_bytes: Option<u64>,
    /// It is not less than [`Options::low_water_bytes`].
    pub is_above_mark: bool,
}

impl Space {
    /// Time to refuse what takes space.
    #[must_use]
    pub const fn is_low(self) -> bool {
        !self.is_next_ready || self.is_low_but_for_next()
    }

    /// The same of a journal that has not taken its next segment yet.
    #[must_use]
    pub const fn is_low_but_for_next(self) -> bool {
        !self.is_reserve_held || !self.is_above_mark
    }
}

/// What of its space a journal lacks. It is taken without the journal, which goes on meanwhile.
pub struct Wanted {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    options: Options,
    is_next_ready: bool,
    is_reserve_held: bool,
    is_last: bool,
}

/// What was taken, for [`Journal::keep`].
pub struct Taken {
    next: Option<Blank>,
    is_reserve_held: bool,
    free_bytes: Option<u64>,
    error: Option<Error>,
}

impl Journal {
    /// What of its space it lacks now. One caller at a time takes it and brings it back.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        Wanted {
            disk: Arc::clone(&self.shelf.disk),
            folder: self.shelf.folder.clone(),
            options: self.options,
            is_next_ready: self.next.is_some(),
            is_reserve_held: self.reserve.is_held(),
            is_last: self.header.number >= SEGMENTS_MAX,
        }
    }

    /// Holds on to space that was taken. An error of the disk while it was taken is final, as every
    /// other is; missing space is none.
    pub fn keep(&mut self, taken: Taken) -> Result<Space, Error> {
        self.check_alive()?;
        let Taken { next, is_reserve_held, free_bytes, error } = taken;
        self.final_if_failed(error.map_or(Ok(()), Err))?;
        self.next = self.next.take().or(next);
        if is_reserve_held {
            self.reserve.held();
        }
        Ok(self.space_of(free_bytes))
    }

    /// How much space there is.
    #[must_use]
    pub fn space(&self) -> Space {
        let free_bytes = self.wanted().free_bytes();
        self.space_of(free_bytes)
    }

    fn space_of(&self, free_bytes: Option<u64>) -> Space {
        Space {
            is_next_ready: self.next.is_some(),
            is_reserve_held: self.reserve.is_held(),
            free_bytes,
            is_above_mark: self.options.is_above_mark(free_bytes),
        }
    }

    /// Takes the space of the next segment and of the reserve, as far as they are not held and the
    /// disk has it. Called from time to time it finds out that space has come back.
    pub fn make_room(&mut self) -> Result<Space, Error> {
        self.check_alive()?;
        let taken = self.wanted().take();
        self.keep(taken)
    }
}

impl Options {
    fn is_above_mark(&self, free_bytes: Option<u64>) -> bool {
        free_bytes.is_none_or(|free| free >= self.low_water_bytes)
    }
}

impl Wanted {
    /// Takes what is wanted, as far as the disk has it and as much as the low-water mark says is
    /// left for others.
    #[must_use]
    pub fn take(self) -> Taken {
        let mut taken = self.look();
        if !self.is_next_ready && !self.is_last && self.leaves_enough(self.options.segment_bytes) {
            let path = ahead_path(&self.folder);
            match Blank::allocate(self.disk.as_ref(), path, self.options.segment_bytes) {
                Ok(blank) => taken.next = Some(blank),
                Err(Error::DiskFull { .. }) => {}
                Err(error) => return Taken { error: Some(error), ..taken },
            }
        }
        // The segment comes first: it is what the next counts are written to.
        let is_next_ready = self.is_next_ready || taken.next.is_some();
        let reserve_bytes = self.options.reserve_bytes;
        if is_next_ready && !self.is_reserve_held && self.leaves_enough(reserve_bytes) {
            match Reserve::take(self.disk.as_ref(), &self.folder, reserve_bytes) {
                Ok(is_held) => taken.is_reserve_held = is_held,
                Err(error) => return Taken { error: Some(error), ..taken },
            }
        }
        taken.free_bytes = self.free_bytes();
        taken
    }

    /// Takes nothing, and looks how much is left.
    #[must_use]
    pub fn look(&self) -> Taken {
        let free_bytes = self.free_bytes();
        Taken { next: None, is_reserve_held: false, free_bytes, error: None }
    }

    fn leaves_enough(&self, bytes: u64) -> bool {
        self.options.is_above_mark(self.free_bytes().map(|free| free.saturating_sub(bytes)))
    }

    /// What cannot be found out stops nobody.
    fn free_bytes(&self) -> Option<u64> {
        self.disk.free_bytes(&self.folder).ok()
    }
}

/// The name under which the next segment is made ahead. It is not the one that the journal makes a
/// segment under when none is ready, for it may do so at the same time.
fn ahead_path(folder: &Path) -> PathBuf {
    folder.join("ahead.tmp")
}
