//! The bytes of evidence, and of what else rows say of an activation.

use hardware_evidence::{ComponentKind, Digest};

use super::FORMAT;
use super::wire::{Malformed, Reader, Writer};
use crate::domain::event::Outcome;
use crate::domain::evidence::{Component, Digests, Evidence};
use crate::domain::terms::Platform;

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
        let mut digests = Digests::new();
        r.each(|r, _| {
            digests.push(Digest(r.fixed()?));
            Ok(())
        })?;
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
