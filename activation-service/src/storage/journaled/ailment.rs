//! What can be wrong with the books, as far as mending them tells cases apart.

use std::fmt;

use crate::storage::rows::RowError;
use crate::storage::sled::OpenError;
use crate::storage::store::StoreError;

/// What is wrong with the books; a later one is worse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ailment {
    /// There is no space; opened again, they work once there is some.
    Full,
    /// They failed, and may work when they are opened again.
    Failed(String),
    /// What they hold is wrong; only new ones help.
    Damaged(String),
}

impl Ailment {
    /// How figures name it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Failed(_) => "failed",
            Self::Damaged(_) => "damaged",
        }
    }

    /// True if nothing more has to be done for the other.
    pub(super) const fn is_as_bad_as(&self, other: &Self) -> bool {
        match other {
            Self::Full => true,
            Self::Failed(_) => !matches!(self, Self::Full),
            Self::Damaged(_) => matches!(self, Self::Damaged(_)),
        }
    }

    pub(super) fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::NoSpace => Self::Full,
            StoreError::Failed(why) => Self::Failed(why.clone()),
            StoreError::Damaged(why) => Self::Damaged(why.clone()),
        }
    }

    /// What a read says of them; nothing if they are closed.
    pub(super) fn of_read(error: &RowError) -> Option<Self> {
        match error {
            RowError::Engine(error) => Some(Self::of_store(error)),
            RowError::Malformed { .. } | RowError::Inconsistent(_) => {
                Some(Self::Damaged(error.to_string()))
            }
            RowError::Closed => None,
        }
    }

    pub(super) fn of_opening(error: &OpenError) -> Self {
        match error {
            error if error.is_no_space() => Self::Full,
            OpenError::Io { .. } | OpenError::InUse(_) => Self::Failed(error.to_string()),
            OpenError::Foreign { .. } | OpenError::Damaged { .. } => {
                Self::Damaged(error.to_string())
            }
        }
    }
}

impl fmt::Display for Ailment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("there is no space for the books"),
            Self::Failed(why) => write!(f, "the books failed: {why}"),
            Self::Damaged(why) => write!(f, "the books are damaged: {why}"),
        }
    }
}
