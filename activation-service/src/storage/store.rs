//! What the books need of an engine: ordered rows in named trees, written together or not at all.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use thiserror::Error;

use super::sled::OpenError;

/// Which rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tree {
    /// Accounts: of each key its head, its counts, and what is noted of its events.
    Accounts,
    /// Look-up digests.
    Lookups,
    /// When computers were last seen.
    Seen,
    /// How far the rows are.
    Meta,
}

impl Tree {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Accounts, Self::Lookups, Self::Seen, Self::Meta];

    /// Its name on disk.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Lookups => "lookups",
            Self::Seen => "seen",
            Self::Meta => "meta",
        }
    }
}

/// One row to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where.
    pub tree: Tree,
    /// Under which key; a row that is there is replaced.
    pub key: Vec<u8>,
    /// What.
    pub value: Vec<u8>,
}

/// Why an engine does not read or write.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The disk or the quota is full; opened again, it works once there is space.
    #[error("no space left")]
    NoSpace,
    /// It failed, and may work when it is opened again.
    #[error("{0}")]
    Failed(String),
    /// What it holds contradicts itself; only new books help.
    #[error("damaged: {0}")]
    Damaged(String),
}

/// What looks at one row after the other, and says when it has seen enough.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// An open engine. Calls block.
pub trait Store: Send + Sync {
    /// The value under a key.
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// Shows the rows from a key on, up to another and without it, in the order of their keys or
    /// against it.
    fn scan(
        &self,
        tree: Tree,
        from: &[u8],
        to: Option<&[u8]>,
        descending: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError>;
    /// Writes all rows together; a reader and a crash see all of them or none. Of those under one
    /// key the last stays.
    fn write(&self, rows: &[Row]) -> Result<(), StoreError>;
    /// Makes what was written durable.
    fn sync(&self) -> Result<(), StoreError>;
}

/// Where the engine's files are.
pub trait Shelf: Send + Sync {
    /// Opens them, or makes new ones. Waits for a process or a thread that is ending.
    fn open(&self) -> Result<Box<dyn Store>, OpenError>;
    /// Moves them out of the way, never deleting any; where to. Nobody uses them any more. If
    /// there are none, that is [`io::ErrorKind::NotFound`].
    fn set_aside(&self) -> io::Result<PathBuf>;
    /// Leaves a mark beside them that they are damaged; durable on return. It goes with them when
    /// they are set aside.
    fn doubt(&self, why: &str) -> io::Result<()>;
    /// True if they bear such a mark: nobody opens them again.
    fn is_doubted(&self) -> io::Result<bool>;
}
