//! Between an event as this service decides on it and its leaf as a third party sees it.
//!
//! A leaf holds no evidence and no look-up digest, only salted commitments; what they stand for is
//! the event's private part, which lies beside the leaf and can be erased.

use std::sync::Arc;

use hardware_evidence::ComponentKind;
use receipt as proof;
use receipt::{Commitment, Salt};

use super::batch::Unreadable;
use crate::domain::error::Reason;
use crate::domain::event::{
    Activated, Body, Change, Client, Event, Explanation, Origin, Outcome, Released, RequestStamp,
};
use crate::domain::evidence::Evidence;
use crate::domain::ids::{ActivationId, KeyId, RequestId};
use crate::domain::matching::KindVerdict;
use crate::domain::product_key::LookupDigest;
use crate::domain::terms::{CountingMode, Platform, Platforms, Suspension, Terms};
use crate::storage::codec::encode_evidence;

/// What a leaf only commits to, and what a request asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Private {
    pub(super) payload: Option<[u8; 32]>,
    pub(super) evidence: Option<Arc<Evidence>>,
    /// In the order in which the leaf commits to them.
    pub(super) lookups: Vec<LookupDigest>,
}

impl Private {
    pub(super) fn of(event: &Event) -> Self {
        let payload = event.request.map(|request| request.payload);
        let private = Self { payload, ..Self::default() };
        match &event.body {
            Body::Registered { lookup, .. } => Self { lookups: vec![*lookup], ..private },
            Body::Activated(activated) => {
                Self { evidence: Some(Arc::clone(&activated.evidence)), ..private }
            }
            Body::Updated { changes } => {
                let lookup = |change: &Change| match change {
                    Change::Lookup(lookup) => Some(*lookup),
                    _ => None,
                };
                Self { lookups: changes.iter().filter_map(lookup).collect(), ..private }
            }
            Body::Released(_) | Body::Refused { .. } => private,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The leaf of an event at its place in the chain.
pub(super) fn leaf(event: &Event, sequence: u64, salt: &Salt) -> proof::Leaf {
    proof::Leaf {
        key_id: event.key_id.0,
        account_version: event.version,
        sequence,
        shown_ms: event.shown_ms,
        raw_ms: event.origin.time_ms,
        actor: event.origin.actor.clone(),
        reason: event.origin.reason.clone(),
        client: proof::Client {
            name: event.origin.client.name.clone(),
            version: event.origin.client.version.clone(),
        },
        request_id: event.request.map(|request| request.id.0),
        event: match &event.body {
            Body::Registered { terms, suspension: at_first, lookup } => {
                proof::Event::Registered(Box::new(registered(terms, *at_first, lookup, salt)))
            }
            Body::Activated(it) => proof::Event::Activated(Box::new(activated(it, salt))),
            Body::Released(it) => proof::Event::Released(proof::Released {
                activation_id: it.activation.0,
                count: it.count,
                last: it.last,
                by_policy: it.by_policy,
                used: it.used,
                limit: it.limit,
            }),
            Body::Updated { changes } => {
                proof::Event::Updated(changes.iter().map(|it| change(it, salt)).collect())
            }
            Body::Refused { reason, platform: on } => proof::Event::Refused(proof::Refused {
                reason: why(*reason),
                platform: on.map(platform),
            }),
        },
    }
}

/// The event of a leaf and what lay beside it; erased parts are empty.
pub(super) fn event(leaf: &proof::Leaf, private: Private) -> Result<Event, Unreadable> {
    let client = Client { name: leaf.client.name.clone(), version: leaf.client.version.clone() };
    let origin = Origin {
        actor: leaf.actor.clone(),
        reason: leaf.reason.clone(),
        client,
        time_ms: leaf.raw_ms,
    };
    // Without its payload no repeat is taken for the request any more, and none counts again.
    let payload = private.payload.unwrap_or_default();
    let request = leaf.request_id.map(|id| RequestStamp { id: RequestId(id), payload });
    let mut lookups = private.lookups.into_iter();
    let body = match &leaf.event {
        proof::Event::Registered(it) => Body::Registered {
            terms: Box::new(terms(it)?),
            suspension: suspension(it.suspension),
            lookup: lookups.next().ok_or(Unreadable("a key without its look-up digest"))?,
        },
        proof::Event::Activated(it) => {
            Body::Activated(Box::new(granted(it, private.evidence.unwrap_or_default())?))
        }
        proof::Event::Released(it) => Body::Released(Released {
            activation: ActivationId(it.activation_id),
            count: it.count,
            last: it.last,
            by_policy: it.by_policy,
            used: it.used,
            limit: it.limit,
        }),
        proof::Event::Updated(changes) => {
            let changes: Result<_, _> =
                changes.iter().map(|it| changed(it, &mut lookups)).collect();
            Body::Updated { changes: changes? }
        }
        proof::Event::Refused(it) => Body::Refused {
            reason: known(Reason::from_number(it.reason.number()))?,
            platform: it.platform.map(on).transpose()?,
        },
    };
    Ok(Event {
        key_id: KeyId(leaf.key_id),
        version: leaf.account_version,
        shown_ms: leaf.shown_ms,
        origin,
        request,
        body,
    })
}

fn known<T>(found: Option<T>) -> Result<T, Unreadable> {
    found.ok_or(Unreadable("a number that this version does not know"))
}

fn registered(
    terms: &Terms,
    at_first: Suspension,
    lookup: &LookupDigest,
    salt: &Salt,
) -> proof::Registered {
    proof::Registered {
        owner: terms.owner.clone(),
        product: terms.product.clone(),
        platforms: platforms(terms.platforms),
        limit: terms.limit,
        counting_mode: match terms.counting_mode {
            CountingMode::HardwareTolerant => proof::CountingMode::HardwareTolerant,
            CountingMode::EveryActivation => proof::CountingMode::EveryActivation,
        },
        releases_max: terms.releases_max,
        activate_by_ms: terms.activate_by_ms,
        help_uri: terms.help_uri.clone(),
        handle_allowed: terms.handle_allowed,
        suspension: suspended(at_first),
        look_up: look_up(lookup, salt),
    }
}

fn look_up(lookup: &LookupDigest, salt: &Salt) -> Commitment {
    receipt::look_up_commitment(salt, lookup.pepper.0, &lookup.digest)
}

fn terms(it: &proof::Registered) -> Result<Terms, Unreadable> {
    Ok(Terms {
        owner: it.owner.clone(),
        product: it.product.clone(),
        platforms: everywhere(it.platforms)?,
        limit: it.limit,
        counting_mode: match it.counting_mode {
            proof::CountingMode::HardwareTolerant => CountingMode::HardwareTolerant,
            proof::CountingMode::EveryActivation => CountingMode::EveryActivation,
        },
        releases_max: it.releases_max,
        activate_by_ms: it.activate_by_ms,
        help_uri: it.help_uri.clone(),
        handle_allowed: it.handle_allowed,
    })
}

fn activated(it: &Activated, salt: &Salt) -> proof::Activated {
    let verdict = |verdict: KindVerdict| match verdict {
        KindVerdict::Matched => proof::Verdict::Matched,
        KindVerdict::Changed => proof::Verdict::Changed,
        KindVerdict::Absent => proof::Verdict::Absent,
        KindVerdict::Junk => proof::Verdict::Junk,
    };
    let explanation = &it.explanation;
    let kinds = explanation.kinds.iter().map(|(kind, v)| (kind.number(), verdict(*v)));
    proof::Activated {
        outcome: match it.outcome {
            Outcome::CountedNewComputer => proof::Outcome::CountedNewComputer,
            Outcome::NotCountedSameComputer => proof::Outcome::NotCountedSameComputer,
            Outcome::CountedSignificantChange => proof::Outcome::CountedSignificantChange,
            Outcome::CountedEveryActivation => proof::Outcome::CountedEveryActivation,
        },
        activation_id: it.activation.0,
        count: it.count,
        platform: platform(it.platform),
        used: it.used,
        limit: it.limit,
        policy_version: explanation.policy_version.clone(),
        score: explanation.score,
        threshold: explanation.threshold,
        kinds: kinds.collect(),
        weak: explanation.weak,
        clone_suspected: explanation.clone_suspected,
        evidence: Some(receipt::evidence_commitment(salt, &encode_evidence(&it.evidence))),
    }
}

fn granted(it: &proof::Activated, evidence: Arc<Evidence>) -> Result<Activated, Unreadable> {
    let mut kinds = Vec::with_capacity(it.kinds.len());
    for (kind, verdict) in &it.kinds {
        let kind = known(ComponentKind::from_number((*kind).into()))?;
        kinds.push((kind, known(KindVerdict::from_number(verdict.number()))?));
    }
    Ok(Activated {
        outcome: known(Outcome::from_number(it.outcome.number()))?,
        activation: ActivationId(it.activation_id),
        count: it.count,
        platform: on(it.platform)?,
        used: it.used,
        limit: it.limit,
        explanation: Explanation {
            policy_version: it.policy_version.clone(),
            score: it.score,
            threshold: it.threshold,
            kinds,
            weak: it.weak,
            clone_suspected: it.clone_suspected,
        },
        evidence,
    })
}

fn change(it: &Change, salt: &Salt) -> proof::Change {
    match it {
        Change::Limit(old, new) => proof::Change::Limit(*old, *new),
        Change::Blocked(old, new) => proof::Change::Blocked(*old, *new),
        Change::Platforms(old, new) => proof::Change::Platforms(platforms(*old), platforms(*new)),
        Change::ReleasesMax(old, new) => proof::Change::ReleasesMax(*old, *new),
        Change::ActivateBy(old, new) => proof::Change::ActivateBy(*old, *new),
        Change::HelpUri(old, new) => proof::Change::HelpUri(old.clone(), new.clone()),
        Change::HandleAllowed(old, new) => proof::Change::HandleAllowed(*old, *new),
        Change::Suspension(old, new) => proof::Change::Suspension(suspended(*old), suspended(*new)),
        Change::Lookup(lookup) => proof::Change::LookUp(look_up(lookup, salt)),
    }
}

fn changed(
    it: &proof::Change,
    lookups: &mut impl Iterator<Item = LookupDigest>,
) -> Result<Change, Unreadable> {
    Ok(match it {
        proof::Change::Limit(old, new) => Change::Limit(*old, *new),
        proof::Change::Blocked(old, new) => Change::Blocked(*old, *new),
        proof::Change::Platforms(old, new) => {
            Change::Platforms(everywhere(*old)?, everywhere(*new)?)
        }
        proof::Change::ReleasesMax(old, new) => Change::ReleasesMax(*old, *new),
        proof::Change::ActivateBy(old, new) => Change::ActivateBy(*old, *new),
        proof::Change::HelpUri(old, new) => Change::HelpUri(old.clone(), new.clone()),
        proof::Change::HandleAllowed(old, new) => Change::HandleAllowed(*old, *new),
        proof::Change::Suspension(old, new) => {
            Change::Suspension(suspension(*old), suspension(*new))
        }
        proof::Change::LookUp(_) => {
            Change::Lookup(lookups.next().ok_or(Unreadable("a look-up digest is missing"))?)
        }
    })
}

const fn why(it: Reason) -> proof::Reason {
    match it {
        Reason::Blocked => proof::Reason::Blocked,
        Reason::OtherProduct => proof::Reason::OtherProduct,
        Reason::Suspended => proof::Reason::Suspended,
        Reason::PlatformNotAllowed => proof::Reason::PlatformNotAllowed,
        Reason::InsufficientEvidence => proof::Reason::InsufficientEvidence,
        Reason::ActivateByPassed => proof::Reason::ActivateByPassed,
        Reason::LimitReached => proof::Reason::LimitReached,
        Reason::ReleaseNotAllowed => proof::Reason::ReleaseNotAllowed,
        Reason::ReleaseLimitReached => proof::Reason::ReleaseLimitReached,
        Reason::EvidenceNotMatching => proof::Reason::EvidenceNotMatching,
        Reason::ActivationReleased => proof::Reason::ActivationReleased,
    }
}

const fn platform(it: Platform) -> proof::Platform {
    match it {
        Platform::Windows => proof::Platform::Windows,
        Platform::MacOs => proof::Platform::MacOs,
        Platform::Linux => proof::Platform::Linux,
    }
}

fn on(it: proof::Platform) -> Result<Platform, Unreadable> {
    known(Platform::from_number(it.number()))
}

fn platforms(it: Platforms) -> proof::Platforms {
    proof::Platforms::from_bits(it.bits()).unwrap_or_default()
}

fn everywhere(it: proof::Platforms) -> Result<Platforms, Unreadable> {
    Ok(it.iter().map(on).collect::<Result<Vec<_>, _>>()?.into_iter().collect())
}

const fn suspended(it: Suspension) -> proof::Suspension {
    proof::Suspension { suspended: it.suspended, generation: it.generation }
}

const fn suspension(it: proof::Suspension) -> Suspension {
    Suspension { suspended: it.suspended, generation: it.generation }
}
