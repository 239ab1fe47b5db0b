//! Events: the recorded decisions from which every account is made.

use std::sync::Arc;

use super::error::Reason;
use super::evidence::Evidence;
use super::ids::{ActivationId, KeyId, RequestId};
use super::matching::KindVerdict;
use super::product_key::LookupDigest;
use super::terms::{Platform, Platforms, Suspension, Terms};
use hardware_evidence::ComponentKind;

/// How an activation was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// R6.
    CountedNewComputer = 1,
    /// R7.
    NotCountedSameComputer = 2,
    /// R8.
    CountedSignificantChange = 3,
    /// F5.
    CountedEveryActivation = 4,
}

impl Outcome {
    /// The outcome with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::CountedNewComputer),
            2 => Some(Self::NotCountedSameComputer),
            3 => Some(Self::CountedSignificantChange),
            4 => Some(Self::CountedEveryActivation),
            _ => None,
        }
    }

    /// True if `used` went up.
    #[must_use]
    pub const fn is_counted(self) -> bool {
        !matches!(self, Self::NotCountedSameComputer)
    }

    /// The name as the API spells it, without the prefix of the enumeration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CountedNewComputer => "COUNTED_NEW_COMPUTER",
            Self::NotCountedSameComputer => "NOT_COUNTED_SAME_COMPUTER",
            Self::CountedSignificantChange => "COUNTED_SIGNIFICANT_CHANGE",
            Self::CountedEveryActivation => "COUNTED_EVERY_ACTIVATION",
        }
    }
}

/// Why a decision came out as it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The policy that decided.
    pub policy_version: String,
    /// Floor of the percentage; none where no computer shares an anchor with the report.
    pub score: Option<u32>,
    /// Least score of an unchanged computer.
    pub threshold: u32,
    /// The kinds that may be told: all where a score is, else the absent and junk ones.
    pub kinds: Vec<(ComponentKind, KindVerdict)>,
    /// The match rested on one anchor and little else.
    pub weak: bool,
    /// Another operating system installation than the count was made with.
    pub clone_suspected: bool,
}

/// The program that asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Who asked for what is recorded, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// A subject, or [`KEY_HOLDER`].
    pub actor: String,
    /// The reason the actor gave; empty for activations.
    pub reason: String,
    /// The program that asked.
    pub client: Client,
    /// The wall clock, milliseconds since 1970 UTC, as it was.
    pub time_ms: i64,
}

/// The actor of callers with a product key alone.
pub const KEY_HOLDER: &str = "product-key";

/// Identifies a request and what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestStamp {
    /// Chosen by the caller.
    pub id: RequestId,
    /// SHA-256 of what must be the same in a repeat.
    pub payload: [u8; 32],
}

/// One recorded decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The key.
    pub key_id: KeyId,
    /// Counts the events of the key: 1, 2, 3 …
    pub version: u64,
    /// The time shown: never earlier than that of the event before, whatever the clock does.
    pub shown_ms: i64,
    /// Who and when.
    pub origin: Origin,
    /// The request, if the caller gave one.
    pub request: Option<RequestStamp>,
    /// What happened.
    pub body: Body,
}

/// What an event records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The key became known.
    Registered {
        /// Its terms.
        terms: Box<Terms>,
        /// The suspension it began with.
        suspension: Suspension,
        /// What it is found by.
        lookup: LookupDigest,
    },
    /// An activation was granted, counted or worth recording.
    Activated(Box<Activated>),
    /// A count was given up.
    Released(Released),
    /// Terms or standing changed.
    Updated {
        /// What changed, in the order of the fields.
        changes: Vec<Change>,
    },
    /// The first refusal for this reason since the last count.
    Refused {
        /// Why.
        reason: Reason,
        /// Where the request came from.
        platform: Option<Platform>,
    },
}

impl Body {
    /// True if the request that it records came from a computer, whose evidence lies beside it.
    #[must_use]
    pub const fn is_about_a_computer(&self) -> bool {
        matches!(self, Self::Activated(_) | Self::Released(_))
    }
}

/// A granted activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activated {
    /// Whether and why it was counted.
    pub outcome: Outcome,
    /// The computer.
    pub activation: ActivationId,
    /// The count it made or rests on: the version of the event that made it.
    pub count: u64,
    /// The platform of the request.
    pub platform: Platform,
    /// `used` after it.
    pub used: u32,
    /// The limit in force.
    pub limit: u32,
    /// Why.
    pub explanation: Explanation,
    /// What the computer showed; the baseline of a count.
    pub evidence: Arc<Evidence>,
}

/// A release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// The computer.
    pub activation: ActivationId,
    /// The count given up.
    pub count: u64,
    /// True if the computer holds no counts any more.
    pub last: bool,
    /// True if it used up one of the releases that the policy allows.
    pub by_policy: bool,
    /// `used` after it.
    pub used: u32,
    /// The limit in force.
    pub limit: u32,
}

/// One changed field, old value first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Most activations.
    Limit(u32, u32),
    /// Blocked by an administrator.
    Blocked(bool, bool),
    /// Where it may be used.
    Platforms(Platforms, Platforms),
    /// Most releases.
    ReleasesMax(u32, u32),
    /// Last moment to activate.
    ActivateBy(Option<i64>, Option<i64>),
    /// Where a refusal leads.
    HelpUri(String, String),
    /// Whether a handle suffices.
    HandleAllowed(bool, bool),
    /// Whether the membership is in force.
    Suspension(Suspension, Suspension),
    /// The digest under a newer pepper, beside the older one.
    Lookup(LookupDigest),
}
