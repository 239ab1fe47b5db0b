//! What callers ask of an account, and what deciding gives back.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::account::Account;
use super::error::{Inconsistency, Refusal};
use super::event::{Body, Event, Explanation, Origin, Outcome, Released, RequestStamp};
use super::evidence::Evidence;
use super::ids::{ActivationId, KeyId, RequestId};
use super::policy::Policy;
use super::product_key::LookupDigest;
use super::terms::{Platform, Platforms, Suspension, Terms};
use super::{activate, register, release, update};

/// Something to decide on one key. Everything random, and the clock, is already in it.
#[derive(Clone, Debug)]
pub enum Command {
    /// Activate the key on a computer.
    Activate(Activate),
    /// Give up a count.
    Release(Release),
    /// Make the key known.
    Register(Box<Register>),
    /// Change terms or standing.
    Update(Box<Update>),
}

/// Activate the key on a computer.
#[derive(Clone, Debug)]
pub struct Activate {
    /// The product that is being installed.
    pub product: String,
    /// What the computer shows.
    pub evidence: Arc<Evidence>,
    /// Where it is installed.
    pub platform: Platform,
    /// The request.
    pub request: RequestStamp,
    /// The id that a new computer gets.
    pub new_activation: ActivationId,
    /// Who and when.
    pub origin: Origin,
}

/// Who asks for a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requester {
    /// A caller with the product key alone, who shows evidence.
    KeyHolder(Arc<Evidence>),
    /// An admin of the owner, bound by the key's policy.
    Owner,
    /// An operator who corrects a miscount.
    Operator,
}

/// Give up a count.
#[derive(Clone, Debug)]
pub struct Release {
    /// The computer.
    pub activation: ActivationId,
    /// Who asks.
    pub requester: Requester,
    /// The request.
    pub request: RequestStamp,
    /// Who and when.
    pub origin: Origin,
}

/// Make the key known.
#[derive(Clone, Debug)]
pub struct Register {
    /// The handle it gets.
    pub key_id: KeyId,
    /// What was agreed.
    pub terms: Terms,
    /// The suspension it begins with.
    pub suspension: Suspension,
    /// Its digests, newest pepper first.
    pub lookups: Vec<LookupDigest>,
    /// Who and when.
    pub origin: Origin,
}

/// Change terms or standing; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Most activations.
    pub limit: Option<u32>,
    /// Blocked by an administrator.
    pub blocked: Option<bool>,
    /// Where it may be used.
    pub platforms: Option<Platforms>,
    /// Most releases.
    pub releases_max: Option<u32>,
    /// Last moment to activate; inner none for no such moment.
    pub activate_by_ms: Option<Option<i64>>,
    /// Where a refusal leads.
    pub help_uri: Option<String>,
    /// Whether a handle suffices.
    pub handle_allowed: Option<bool>,
    /// Whether the membership is in force.
    pub suspension: Option<Suspension>,
}

/// Change terms or standing.
#[derive(Clone, Debug)]
pub struct Update {
    /// What changes.
    pub settings: Settings,
    /// Who and when.
    pub origin: Origin,
}

/// A yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The key is activated.
    Activated(Granted),
    /// A count was given up, recorded by the event of this account version, which proves it.
    Released(Released, u64),
    /// The key is as asked; its account tells how.
    Key,
}

impl Answer {
    /// Account version of the event that proves it; none if it rests on none.
    #[must_use]
    pub const fn proof(&self) -> Option<u64> {
        match self {
            Self::Activated(granted) => Some(granted.proof),
            Self::Released(_, version) => Some(*version),
            Self::Key => None,
        }
    }
}

/// A granted activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Whether and why it was counted.
    pub outcome: Outcome,
    /// The computer.
    pub activation: ActivationId,
    /// True if the key knew the computer before.
    pub known: bool,
    /// `used` after it.
    pub used: u32,
    /// The limit in force.
    pub limit: u32,
    /// Why.
    pub explanation: Explanation,
    /// Account version of the event that proves it: its own if it is recorded, else that of the
    /// count it rests on.
    pub proof: u64,
}

/// What deciding gives: the events to record, and the answer once they are durable.
#[derive(Clone, Debug)]
pub struct Decision {
    /// To be recorded before the answer; none if nothing changes.
    pub events: Vec<Event>,
    /// The answer.
    pub result: Result<Answer, Refusal>,
}

/// Everything that a decision looks at.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The hardware policy.
    pub policy: &'a Policy,
    /// The account; none if the key id is unknown.
    pub account: Option<&'a Account>,
    /// The event that recorded the same request id before.
    pub recorded: Option<&'a Event>,
    /// The key that has one of the look-up digests to be registered.
    pub lookup_owner: Option<KeyId>,
}

/// Decides; pure, so it may run again and a replay gives the same.
#[must_use]
pub fn decide(context: Context<'_>, command: &Command) -> Decision {
    let Some(account) = context.account else {
        return match command {
            Command::Register(register) => register::decide(context, register),
            Command::Activate(_) | Command::Release(_) => {
                Decision::refuse(Refusal::KeyNotUsable { cause: None })
            }
            Command::Update(_) => Decision::refuse(Refusal::KeyNotFound),
        };
    };
    match command {
        Command::Activate(activate) => repeat(context, &activate.request)
            .unwrap_or_else(|| activate::decide(context.policy, account, activate)),
        Command::Release(release) => repeat(context, &release.request)
            .unwrap_or_else(|| release::decide(context.policy, account, release)),
        Command::Register(register) => register::decide(context, register),
        Command::Update(update) => update::decide(account, update),
    }
}

impl Command {
    /// The request id, for commands that have one.
    #[must_use]
    pub const fn request_id(&self) -> Option<RequestId> {
        match self {
            Self::Activate(Activate { request, .. }) | Self::Release(Release { request, .. }) => {
                Some(request.id)
            }
            Self::Register(_) | Self::Update(_) => None,
        }
    }
}

impl Decision {
    /// Says no and records nothing.
    #[must_use]
    pub const fn refuse(refusal: Refusal) -> Self {
        Self { events: Vec::new(), result: Err(refusal) }
    }

    /// Says yes and records nothing.
    #[must_use]
    pub const fn answer(answer: Answer) -> Self {
        Self { events: Vec::new(), result: Ok(answer) }
    }

    /// The account after the events.
    pub fn applied(&self, account: Option<&Account>) -> Result<Option<Account>, Inconsistency> {
        let mut after = account.cloned();
        for event in &self.events {
            match &mut after {
                Some(account) => account.apply(event)?,
                None => after = Some(Account::open(event)?),
            }
        }
        Ok(after)
    }
}

impl RequestStamp {
    /// The stamp of an activation: a repeat has the same product, evidence and platform.
    #[must_use]
    pub fn activate(id: RequestId, product: &str, evidence: &Evidence, platform: Platform) -> Self {
        let mut hash = Sha256::new_with_prefix(b"benefits/activate/v1\0");
        hash.update((product.len() as u64).to_be_bytes());
        hash.update(product.as_bytes());
        hash.update([platform as u8]);
        evidence.hash_into(&mut hash);
        Self { id, payload: hash.finalize().into() }
    }

    /// The stamp of a release: a repeat names the same activation.
    #[must_use]
    pub fn release(id: RequestId, activation: ActivationId) -> Self {
        let mut hash = Sha256::new_with_prefix(b"benefits/release/v1\0");
        hash.update(activation.0);
        Self { id, payload: hash.finalize().into() }
    }
}

/// The event that follows `account`, with the time shown never running backwards.
pub(crate) fn next_event(
    account: &Account,
    origin: &Origin,
    request: Option<RequestStamp>,
    body: Body,
) -> Event {
    Event {
        key_id: account.head.key_id,
        version: account.head.version + 1,
        shown_ms: account.head.updated_ms.max(origin.time_ms),
        origin: origin.clone(),
        request,
        body,
    }
}

/// A refusal, with the event that records its reason if none has since the last count.
pub(crate) fn refuse_recorded(
    account: &Account,
    origin: &Origin,
    platform: Option<Platform>,
    refusal: Refusal,
) -> Decision {
    let new = refusal.reason().filter(|reason| !account.head.refused.contains(*reason));
    let event = |reason| next_event(account, origin, None, Body::Refused { reason, platform });
    Decision { events: new.map(event).into_iter().collect(), result: Err(refusal) }
}

/// The recorded answer of a repeated request, or its refusal if it asks for something else.
fn repeat(context: Context<'_>, request: &RequestStamp) -> Option<Decision> {
    let event = context.recorded?;
    if event.request.is_none_or(|stamp| stamp != *request) {
        return Some(Decision::refuse(Refusal::RequestIdReused));
    }
    let answer = match &event.body {
        Body::Activated(activated) => Answer::Activated(Granted {
            outcome: activated.outcome,
            activation: activated.activation,
            known: true,
            used: activated.used,
            limit: activated.limit,
            explanation: activated.explanation.clone(),
            proof: event.version,
        }),
        Body::Released(released) => Answer::Released(*released, event.version),
        Body::Registered { .. } | Body::Updated { .. } | Body::Refused { .. } => return None,
    };
    Some(Decision::answer(answer))
}
