//! What a power cut leaves of the things that were not synced.

use super::dice::Dice;

/// The unit that a disk writes as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TornSize {
    /// 512 bytes.
    Sector512,
    /// 4,096 bytes.
    Sector4096,
}

impl TornSize {
    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Sector512 => 512,
            Self::Sector4096 => 4096,
        }
    }
}

/// One way in which unsynced things survive; each crash draws one, so that rare shapes are common.
#[derive(Clone, Copy, Debug)]
pub(super) enum Survival {
    None,
    All,
    /// Each by itself, with this chance.
    Percent(u64),
    /// Those at the front, up to this part of a thousand.
    Front(u64),
    /// Those at the back.
    Back(u64),
}

impl Survival {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        match dice.below(8) {
            0 => Self::None,
            1 => Self::All,
            2 => Self::Percent(10),
            3 => Self::Percent(90),
            4 => Self::Front(dice.below(1001)),
            5 => Self::Back(dice.below(1001)),
            _ => Self::Percent(50),
        }
    }

    /// How many of a sector's versions reach the platter; the sector is one of `count`.
    pub(super) fn kept(
        self,
        dice: &mut Dice,
        index: usize,
        count: usize,
        versions: usize,
    ) -> usize {
        let place = (index as u64 * 1000).checked_div(count as u64).unwrap_or(0);
        let survives = match self {
            Self::None => false,
            Self::All => return versions,
            Self::Percent(percent) => dice.chance(percent),
            Self::Front(mark) => place < mark,
            Self::Back(mark) => place >= mark,
        };
        if !survives {
            return 0;
        }
        // A sector that was written several times may end as any of them.
        let last = u64::try_from(versions).unwrap_or(u64::MAX);
        if dice.chance(50) {
            versions
        } else {
            usize::try_from(dice.below(last) + 1).unwrap_or(versions).min(versions)
        }
    }
}
