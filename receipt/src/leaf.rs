//! Leaves: what a third party sees of a recorded event, and its one spelling in bytes.

mod codec;
mod fields;
mod numbers;

pub use codec::{CHANGES_MAX, EncodedLeaf, KINDS_MAX, LEAF_BYTES_MAX, LeafError, TEXT_BYTES_MAX};
pub use numbers::{CountingMode, Outcome, Platform, Platforms, Reason, Verdict};

use crate::commitment::Commitment;

/// The random handle of a key, a computer, a request or a chain.
pub type Id = [u8; 16];

/// One recorded event.
///
/// It holds no evidence and no look-up digest of a product key, only salted commitments to them: a
/// receipt goes to whoever holds the product key, and what is in a leaf can never be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The handle of the product key.
    pub key_id: Id,
    /// Counts the events of the key: 1, 2, 3 …
    pub account_version: u64,
    /// Counts the events of the chain: 1, 2, 3 …
    pub sequence: u64,
    /// The time shown, milliseconds since 1970 UTC; never earlier than that of the event before.
    pub shown_ms: i64,
    /// The wall clock as it was, milliseconds since 1970 UTC.
    pub raw_ms: i64,
    /// Who asked: a subject, or `product-key`.
    pub actor: String,
    /// The reason the actor gave; empty for activations.
    pub reason: String,
    /// The program that asked.
    pub client: Client,
    /// The request, if the caller gave one.
    pub request_id: Option<Id>,
    /// What happened.
    pub event: Event,
}

/// The program that asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What an event records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The key became known.
    Registered(Box<Registered>),
    /// An activation was granted, counted or worth recording.
    Activated(Box<Activated>),
    /// A count was given up.
    Released(Released),
    /// Terms or standing changed; the changes in their order.
    Updated(Vec<Change>),
    /// The first refusal for this reason since the last count.
    Refused(Refused),
}

/// The terms of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Opaque id of the owner.
    pub owner: String,
    /// The product it activates, `products/{product}`.
    pub product: String,
    /// Where it may be used.
    pub platforms: Platforms,
    /// Most activations.
    pub limit: u32,
    /// How it counts.
    pub counting_mode: CountingMode,
    /// Most releases; 0 for none.
    pub releases_max: u32,
    /// After this moment nothing more is counted; milliseconds since 1970 UTC.
    pub activate_by_ms: Option<i64>,
    /// Where the reader of a refusal goes next.
    pub help_uri: String,
    /// Whether an operator-assigned handle suffices as evidence.
    pub handle_allowed: bool,
    /// The suspension it began with.
    pub suspension: Suspension,
    /// Stands for the digest that the key is found by.
    pub look_up: Commitment,
}

/// Whether the membership behind a key is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suspension {
    /// True while the key may not be activated.
    pub suspended: bool,
    /// Counts the changes at the catalog.
    pub generation: u64,
}

/// A granted activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activated {
    /// Whether and why it was counted.
    pub outcome: Outcome,
    /// The computer.
    pub activation_id: Id,
    /// The count it made or rests on: the account version of the event that made it.
    pub count: u64,
    /// The platform of the request.
    pub platform: Platform,
    /// Counts held after it.
    pub used: u32,
    /// The limit in force.
    pub limit: u32,
    /// The policy that decided.
    pub policy_version: String,
    /// Floor of the percentage; none where no computer shares an anchor with the report.
    pub score: Option<u32>,
    /// Least score of an unchanged computer.
    pub threshold: u32,
    /// Numbers of the kinds that may be told, ascending, and how each of them took part.
    pub kinds: Vec<(u8, Verdict)>,
    /// The match rested on one anchor and little else.
    pub weak: bool,
    /// Another operating system installation than the count was made with.
    pub clone_suspected: bool,
    /// Stands for what the computer showed.
    pub evidence: Option<Commitment>,
}

/// A release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// The computer.
    pub activation_id: Id,
    /// The count given up.
    pub count: u64,
    /// True if the computer holds no counts any more.
    pub last: bool,
    /// True if it used up one of the releases that the policy allows.
    pub by_policy: bool,
    /// Counts held after it.
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
    /// Last moment to activate, milliseconds since 1970 UTC.
    ActivateBy(Option<i64>, Option<i64>),
    /// Where a refusal leads.
    HelpUri(String, String),
    /// Whether a handle suffices.
    HandleAllowed(bool, bool),
    /// Whether the membership is in force.
    Suspension(Suspension, Suspension),
    /// A digest under a newer pepper came beside the older one; this stands for it.
    LookUp(Commitment),
}

/// A refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// The platform of the request.
    pub platform: Option<Platform>,
}
