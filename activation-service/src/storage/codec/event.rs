//! The bytes of an event.

use std::sync::Arc;

use hardware_evidence::{ComponentKind, Digest};

use super::wire::{Malformed, Reader, Writer};
use super::{FORMAT, account};
use crate::domain::error::Reason;
use crate::domain::event::{
    Activated, Body, Change, Client, Event, Explanation, Origin, Outcome, Released, RequestStamp,
};
use crate::domain::evidence::{Component, Evidence};
use crate::domain::ids::{ActivationId, KeyId, RequestId};
use crate::domain::matching::KindVerdict;
use crate::domain::terms::Platform;

/// The bytes of an event.
pub(crate) fn encode_event(event: &Event) -> Vec<u8> {
    let mut w = Writer::new(FORMAT);
    w.fixed(&event.key_id.0);
    w.number(event.version);
    w.signed(event.shown_ms);
    w.text(&event.origin.actor);
    w.text(&event.origin.reason);
    w.text(&event.origin.client.name);
    w.text(&event.origin.client.version);
    w.signed(event.origin.time_ms);
    w.option(event.request.as_ref(), |w, request| {
        w.fixed(&request.id.0);
        w.fixed(&request.payload);
    });
    match &event.body {
        Body::Registered { terms, suspension, lookup } => {
            w.byte(1);
            account::put_terms(&mut w, terms);
            account::put_suspension(&mut w, *suspension);
            account::put_lookup(&mut w, lookup);
        }
        Body::Activated(activated) => {
            w.byte(2);
            put_activated(&mut w, activated);
        }
        Body::Released(released) => {
            w.byte(3);
            put_released(&mut w, released);
        }
        Body::Updated { changes } => {
            w.byte(4);
            w.list(changes.iter(), put_change);
        }
        Body::Refused { reason, platform } => {
            w.byte(5);
            w.byte(*reason as u8);
            w.option(*platform, |w, platform| w.byte(platform as u8));
        }
    }
    w.finish()
}

/// The event that these bytes are of.
pub(crate) fn decode_event(bytes: &[u8]) -> Result<Event, Malformed> {
    let mut r = Reader::new(bytes, FORMAT)?;
    let key_id = KeyId(r.fixed()?);
    let version = r.number()?;
    let shown_ms = r.signed()?;
    let (actor, reason) = (r.text()?, r.text()?);
    let client = Client { name: r.text()?, version: r.text()? };
    let origin = Origin { actor, reason, client, time_ms: r.signed()? };
    let request =
        r.option(|r| Ok(RequestStamp { id: RequestId(r.fixed()?), payload: r.fixed()? }))?;
    let body = match r.byte()? {
        1 => Body::Registered {
            terms: Box::new(account::terms(&mut r)?),
            suspension: account::suspension(&mut r)?,
            lookup: account::lookup(&mut r)?,
        },
        2 => Body::Activated(Box::new(activated(&mut r)?)),
        3 => Body::Released(released(&mut r)?),
        4 => Body::Updated { changes: r.list(change)? },
        5 => {
            let reason = Reason::from_number(r.byte()?).ok_or(Malformed("unknown reason"))?;
            Body::Refused { reason, platform: r.option(platform)? }
        }
        _ => return Err(Malformed("unknown kind of event")),
    };
    r.finish()?;
    Ok(Event { key_id, version, shown_ms, origin, request, body })
}

/// The bytes of evidence by itself.
pub(crate) fn encode_evidence(evidence: &Evidence) -> Vec<u8> {
    let mut w = Writer::new(FORMAT);
    put_evidence(&mut w, evidence);
    w.finish()
}

/// The evidence that these bytes are of.
pub(crate) fn decode_evidence(bytes: &[u8]) -> Result<Evidence, Malformed> {
    let mut r = Reader::new(bytes, FORMAT)?;
    let evidence = evidence(&mut r)?;
    r.finish()?;
    Ok(evidence)
}

pub(super) fn put_evidence(w: &mut Writer, evidence: &Evidence) {
    w.list(evidence.components().iter(), |w, component| {
        w.byte(component.kind().number());
        w.byte(component.recipe());
        w.list(component.digests().iter(), |w, digest| w.fixed(&digest.0));
    });
}

pub(super) fn evidence(r: &mut Reader<'_>) -> Result<Evidence, Malformed> {
    let components = r.list(|r| {
        let (kind, recipe) = (kind(r)?, r.byte()?);
        let digests = r.list(|r| Ok(Digest(r.fixed()?)))?;
        Component::new(kind, recipe, digests).map_err(|_| Malformed("bad component"))
    })?;
    if components.is_empty() {
        // It was erased.
        return Ok(Evidence::default());
    }
    Evidence::new(components).map_err(|_| Malformed("bad evidence"))
}

pub(super) fn platform(r: &mut Reader<'_>) -> Result<Platform, Malformed> {
    Platform::from_number(r.byte()?).ok_or(Malformed("unknown platform"))
}

pub(super) fn outcome(r: &mut Reader<'_>) -> Result<Outcome, Malformed> {
    Outcome::from_number(r.byte()?).ok_or(Malformed("unknown outcome"))
}

fn kind(r: &mut Reader<'_>) -> Result<ComponentKind, Malformed> {
    ComponentKind::from_number(r.byte()?.into()).ok_or(Malformed("unknown kind of component"))
}

fn put_activated(w: &mut Writer, activated: &Activated) {
    w.byte(activated.outcome as u8);
    w.fixed(&activated.activation.0);
    w.number(activated.count);
    w.byte(activated.platform as u8);
    w.number(activated.used.into());
    w.number(activated.limit.into());
    let explanation = &activated.explanation;
    w.text(&explanation.policy_version);
    w.option(explanation.score, |w, score| w.number(score.into()));
    w.number(explanation.threshold.into());
    w.list(explanation.kinds.iter(), |w, (kind, verdict)| {
        w.byte(kind.number());
        w.byte(*verdict as u8);
    });
    w.flag(explanation.weak);
    w.flag(explanation.clone_suspected);
    put_evidence(w, &activated.evidence);
}

fn activated(r: &mut Reader<'_>) -> Result<Activated, Malformed> {
    Ok(Activated {
        outcome: outcome(r)?,
        activation: ActivationId(r.fixed()?),
        count: r.number()?,
        platform: platform(r)?,
        used: r.number_u32()?,
        limit: r.number_u32()?,
        explanation: Explanation {
            policy_version: r.text()?,
            score: r.option(Reader::number_u32)?,
            threshold: r.number_u32()?,
            kinds: r.list(|r| {
                let kind = kind(r)?;
                let verdict = KindVerdict::from_number(r.byte()?);
                Ok((kind, verdict.ok_or(Malformed("unknown verdict"))?))
            })?,
            weak: r.flag()?,
            clone_suspected: r.flag()?,
        },
        evidence: Arc::new(evidence(r)?),
    })
}

fn put_released(w: &mut Writer, released: &Released) {
    w.fixed(&released.activation.0);
    w.number(released.count);
    w.flag(released.last);
    w.flag(released.by_policy);
    w.number(released.used.into());
    w.number(released.limit.into());
}

fn released(r: &mut Reader<'_>) -> Result<Released, Malformed> {
    Ok(Released {
        activation: ActivationId(r.fixed()?),
        count: r.number()?,
        last: r.flag()?,
        by_policy: r.flag()?,
        used: r.number_u32()?,
        limit: r.number_u32()?,
    })
}

fn put_change(w: &mut Writer, change: &Change) {
    match change {
        Change::Limit(old, new) => {
            w.byte(1);
            w.number(u64::from(*old));
            w.number(u64::from(*new));
        }
        Change::Blocked(old, new) => {
            w.byte(2);
            w.flag(*old);
            w.flag(*new);
        }
        Change::Platforms(old, new) => {
            w.byte(3);
            w.byte(old.bits());
            w.byte(new.bits());
        }
        Change::ReleasesMax(old, new) => {
            w.byte(4);
            w.number(u64::from(*old));
            w.number(u64::from(*new));
        }
        Change::ActivateBy(old, new) => {
            w.byte(5);
            w.option(*old, Writer::signed);
            w.option(*new, Writer::signed);
        }
        Change::HelpUri(old, new) => {
            w.byte(6);
            w.text(old);
            w.text(new);
        }
        Change::HandleAllowed(old, new) => {
            w.byte(7);
            w.flag(*old);
            w.flag(*new);
        }
        Change::Suspension(old, new) => {
            w.byte(8);
            account::put_suspension(w, *old);
            account::put_suspension(w, *new);
        }
        Change::Lookup(lookup) => {
            w.byte(9);
            account::put_lookup(w, lookup);
        }
    }
}

fn change(r: &mut Reader<'_>) -> Result<Change, Malformed> {
    Ok(match r.byte()? {
        1 => Change::Limit(r.number_u32()?, r.number_u32()?),
        2 => Change::Blocked(r.flag()?, r.flag()?),
        3 => Change::Platforms(account::platforms(r)?, account::platforms(r)?),
        4 => Change::ReleasesMax(r.number_u32()?, r.number_u32()?),
        5 => Change::ActivateBy(r.option(Reader::signed)?, r.option(Reader::signed)?),
        6 => Change::HelpUri(r.text()?, r.text()?),
        7 => Change::HandleAllowed(r.flag()?, r.flag()?),
        8 => Change::Suspension(account::suspension(r)?, account::suspension(r)?),
        9 => Change::Lookup(account::lookup(r)?),
        _ => return Err(Malformed("unknown kind of change")),
    })
}
