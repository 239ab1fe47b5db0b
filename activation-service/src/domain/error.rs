//! Why the domain says no.

use thiserror::Error;

use super::ids::KeyId;
use super::matching::KindVerdict;
use hardware_evidence::ComponentKind;

/// The reason of a refusal that is recorded; its number is what the ledger holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// An administrator blocked the key.
    Blocked = 1,
    /// The key belongs to another product.
    OtherProduct = 2,
    /// The membership behind the key is not in force.
    Suspended = 3,
    /// F10.
    PlatformNotAllowed = 4,
    /// The report shows too little.
    InsufficientEvidence = 5,
    /// The last moment to activate has passed.
    ActivateByPassed = 6,
    /// R10.
    LimitReached = 7,
    /// The key's policy allows no release.
    ReleaseNotAllowed = 8,
    /// All releases of the policy were used.
    ReleaseLimitReached = 9,
    /// The evidence is not that of the activation.
    EvidenceNotMatching = 10,
    /// The activation gave up all its counts before.
    ActivationReleased = 11,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::Blocked,
        Self::OtherProduct,
        Self::Suspended,
        Self::PlatformNotAllowed,
        Self::InsufficientEvidence,
        Self::ActivateByPassed,
        Self::LimitReached,
        Self::ReleaseNotAllowed,
        Self::ReleaseLimitReached,
        Self::EvidenceNotMatching,
        Self::ActivationReleased,
    ];

    /// The reason with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|r| *r as u8 == number)
    }

    /// The stable name that the history shows to owners and auditors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blocked => "KEY_BLOCKED",
            Self::OtherProduct => "OTHER_PRODUCT",
            Self::Suspended => "KEY_SUSPENDED",
            Self::PlatformNotAllowed => "PLATFORM_NOT_ALLOWED",
            Self::InsufficientEvidence => "INSUFFICIENT_EVIDENCE",
            Self::ActivateByPassed => "ACTIVATE_BY_PASSED",
            Self::LimitReached => "ACTIVATION_LIMIT_REACHED",
            Self::ReleaseNotAllowed => "RELEASE_NOT_ALLOWED",
            Self::ReleaseLimitReached => "RELEASE_LIMIT_REACHED",
            Self::EvidenceNotMatching => "EVIDENCE_NOT_MATCHING",
            Self::ActivationReleased => "ACTIVATION_RELEASED",
        }
    }
}

/// Which reasons were recorded since the last count; so a leaked key cannot fill the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReasonSet(u16);

impl ReasonSet {
    /// True if the reason is in the set.
    #[must_use]
    pub const fn contains(self, reason: Reason) -> bool {
        self.0 & (1 << reason as u8) != 0
    }

    /// Adds a reason.
    pub const fn insert(&mut self, reason: Reason) {
        self.0 |= 1 << reason as u8;
    }

    /// As two bytes for the ledger.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// From the two bytes in the ledger.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
}

/// Why evidence is not enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Points that the report shows.
    pub points: u32,
    /// True if it shows an anchor.
    pub has_anchor: bool,
    /// Its kinds that are absent or junk.
    pub kinds: Vec<(ComponentKind, KindVerdict)>,
    /// True if an anchor of a known computer matched, but too little else could be compared.
    pub below_floor: bool,
}

/// A typed no; nothing was counted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The key is unknown to the caller; `cause` is for the history and never for a caller with a
    /// key alone.
    #[error("the product key cannot be used")]
    KeyNotUsable {
        /// Blocked or of another product; nothing if unknown.
        cause: Option<Reason>,
    },
    /// No key with this id that the caller may see.
    #[error("there is no such key")]
    KeyNotFound,
    /// The membership behind the key is not in force.
    #[error("the key is suspended")]
    Suspended,
    /// F10: refused before anything is counted.
    #[error("the key cannot be used on this platform")]
    PlatformNotAllowed {
        /// Where it can be used.
        allowed: super::terms::Platforms,
    },
    /// The report shows too little to decide on.
    #[error("the evidence is not enough")]
    InsufficientEvidence(Shortage),
    /// The last moment to activate has passed.
    #[error("the last moment to activate has passed")]
    ActivateByPassed {
        /// That moment, milliseconds since 1970 UTC.
        activate_by_ms: i64,
    },
    /// R10.
    #[error("the key has reached its limit of activations")]
    LimitReached {
        /// Counted activations less releases.
        used: u32,
        /// Most activations.
        limit: u32,
    },
    /// The request id was used with another payload.
    #[error("the request id was used for another request")]
    RequestIdReused,
    /// No such activation of this key.
    #[error("there is no such activation")]
    ActivationNotFound,
    /// The activation gave up all its counts before.
    #[error("the activation was released before")]
    ActivationReleased,
    /// The key's policy allows no release.
    #[error("the key allows no release")]
    ReleaseNotAllowed,
    /// All releases of the policy were used.
    #[error("all releases of the key were used")]
    ReleaseLimitReached {
        /// Releases in the life of the key.
        releases_max: u32,
    },
    /// The evidence is not that of the activation.
    #[error("the evidence is not that of the activation")]
    EvidenceNotMatching,
    /// The key id has other terms, or the product key has another id.
    #[error("the key is registered with other terms or under another id")]
    AlreadyRegistered {
        /// The fields that differ.
        fields: Vec<&'static str>,
    },
}

impl Refusal {
    /// What the ledger records of it, if anything.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::KeyNotUsable { cause } => *cause,
            Self::Suspended => Some(Reason::Suspended),
            Self::PlatformNotAllowed { .. } => Some(Reason::PlatformNotAllowed),
            Self::InsufficientEvidence(_) => Some(Reason::InsufficientEvidence),
            Self::ActivateByPassed { .. } => Some(Reason::ActivateByPassed),
            Self::LimitReached { .. } => Some(Reason::LimitReached),
            Self::ActivationReleased => Some(Reason::ActivationReleased),
            Self::ReleaseNotAllowed => Some(Reason::ReleaseNotAllowed),
            Self::ReleaseLimitReached { .. } => Some(Reason::ReleaseLimitReached),
            Self::EvidenceNotMatching => Some(Reason::EvidenceNotMatching),
            Self::KeyNotFound
            | Self::RequestIdReused
            | Self::ActivationNotFound
            | Self::AlreadyRegistered { .. } => None,
        }
    }
}

/// An account and an event do not fit: the ledger is damaged or the engine broke its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Inconsistency {
    /// The event is not the next one of the account.
    #[error("event {found} of {key_id} follows {expected}")]
    Gap {
        /// The key.
        key_id: KeyId,
        /// Version of the next event.
        expected: u64,
        /// Version of the event given.
        found: u64,
    },
    /// The event names a count or computer that the account does not have.
    #[error("event {version} of {key_id} names an unknown count")]
    UnknownCount {
        /// The key.
        key_id: KeyId,
        /// Version of the event.
        version: u64,
    },
    /// `used` is not the number of counts held.
    #[error("{key_id} has used {used} but holds {held} counts")]
    Miscount {
        /// The key.
        key_id: KeyId,
        /// The number recorded.
        used: u32,
        /// The number of counts.
        held: u32,
    },
    /// `computers` is not the number of computers that hold counts.
    #[error("{key_id} has another number of computers than {recorded}")]
    Computers {
        /// The key.
        key_id: KeyId,
        /// The number recorded.
        recorded: u32,
    },
    /// The first event of a key does not register it.
    #[error("{key_id} was never registered")]
    NotRegistered {
        /// The key.
        key_id: KeyId,
    },
}
