//! What the catalog knows of a product key besides the key itself: terms, suspension, and whether
//! it is known yet.

use super::benefit::KeyState;
use super::name::{BenefitName, Handle};
use super::offer::CountingMode;
use super::product::Platform;

/// The terms that a key is registered with; frozen when the key is recorded, so that a repeat says
/// the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTerms {
    /// Most activations (R10).
    pub limit: u32,
    /// How activations count (F5).
    pub counting_mode: CountingMode,
    /// The platforms it may be used on (F10); all if empty.
    pub platforms: Vec<Platform>,
    /// Whether evidence may rest on an operator-assigned handle alone.
    pub operator_handle_allowed: bool,
    /// Where the reader of a refusal goes next, an https link; none if empty (R11).
    pub help_uri: String,
}

/// Whether the membership behind a key has ended, and how often that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspension {
    /// True while the enrolment is over.
    pub suspended: bool,
    /// Counts the changes, 1, 2, 3 …; the activation service ignores a lower one than it knows.
    pub generation: u64,
}

/// Why a key cannot become known to the activation service without help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StuckReason {
    /// The activation service knows this key under another id, or this id with other terms.
    Conflict,
    /// The activation service says that the registration can never be.
    Rejected,
    /// The stored key cannot be decrypted: its encryption key is missing, or the row was changed.
    Unreadable,
}

impl StuckReason {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::Conflict, Self::Rejected, Self::Unreadable];

    /// Its name in the store, in metrics and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Rejected => "rejected",
            Self::Unreadable => "unreadable",
        }
    }

    /// The reason of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// How far the activation service knows what is wanted of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// What it should know.
    pub wanted: Suspension,
    /// What it acknowledged last; none before the key is registered.
    pub known: Option<Suspension>,
    /// Why no further attempt is made.
    pub stuck: Option<StuckReason>,
}

/// A key of a benefit, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignedKey {
    /// Its handle, also in the activation service.
    pub key_id: Handle,
    /// The benefit it belongs to.
    pub benefit: BenefitName,
    /// How far the activation service knows it; none for products that are not activated (R5).
    pub delivery: Option<Delivery>,
    /// Who revealed it first and when (F7).
    pub first_view: Option<FirstView>,
}

impl AssignedKey {
    /// Where it stands.
    pub fn state(&self) -> KeyState {
        match self.delivery {
            None => KeyState::Ready,
            Some(Delivery { known: None, .. }) => KeyState::Provisioning,
            Some(Delivery { known: Some(known), wanted, .. }) => {
                if known.suspended || wanted.suspended {
                    KeyState::Suspended
                } else {
                    KeyState::Ready
                }
            }
        }
    }
}

/// The first reveal of a key; it may end the right to a refund (F7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstView {
    /// When.
    pub at_ms: i64,
    /// Who.
    pub by: String,
}

/// One recorded reveal of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reveal {
    /// Its handle.
    pub id: Handle,
    /// The benefit.
    pub benefit: BenefitName,
    /// The key.
    pub key_id: Handle,
    /// Who.
    pub subject: String,
    /// When.
    pub at_ms: i64,
    /// Whether it was the first of the key.
    pub first: bool,
}

/// The counts of a key as the activation service reports them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyCounts {
    /// Counted activations less releases.
    pub used: u32,
    /// Most activations.
    pub limit: u32,
    /// What remains, never below zero.
    pub remaining: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(delivery: Option<Delivery>) -> AssignedKey {
        let benefit = BenefitName::parse("partners/p/benefits/e.x").expect("a name");
        let key_id = Handle::from_random([1; 16]);
        AssignedKey { key_id, benefit, delivery, first_view: None }
    }

    #[test]
    fn f8_a_key_stands_where_the_activation_service_knows_it_to_be() {
        let on = Suspension { suspended: false, generation: 1 };
        let off = Suspension { suspended: true, generation: 2 };
        for (wanted, known, stuck, standing) in [
            (on, None, None, KeyState::Provisioning),
            (on, None, Some(StuckReason::Conflict), KeyState::Provisioning),
            (on, Some(on), None, KeyState::Ready),
            (off, Some(on), None, KeyState::Suspended),
            (on, Some(off), None, KeyState::Suspended),
        ] {
            assert_eq!(key(Some(Delivery { wanted, known, stuck })).state(), standing);
        }
        assert_eq!(key(None).state(), KeyState::Ready, "R5: never registered");
    }
}
