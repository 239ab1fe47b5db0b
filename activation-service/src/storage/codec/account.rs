//! The bytes of an account: its head, and each of its counts.

use std::sync::Arc;

use hardware_evidence::{Digest, hw_v1};

use super::FORMAT;
use super::evidence::{evidence, outcome, platform, put_evidence};
use super::wire::{Malformed, Reader, Writer};
use crate::domain::account::{Count, Head};
use crate::domain::error::ReasonSet;
use crate::domain::ids::{ActivationId, KeyId};
use crate::domain::product_key::{LookupDigest, PepperId};
use crate::domain::terms::{CountingMode, Platforms, Suspension, Terms};

/// Version of the rows of counts that name their policy and the installations seen on them.
const COUNT_FORMAT_2: u8 = 2;

/// The bytes of a head.
pub(crate) fn encode_head(head: &Head) -> Vec<u8> {
    let mut w = Writer::new(FORMAT);
    w.fixed(&head.key_id.0);
    w.number(head.version);
    put_terms(&mut w, &head.terms);
    w.fixed(&head.registered_terms);
    put_suspension(&mut w, head.suspension);
    w.flag(head.blocked);
    w.number(head.used.into());
    w.number(head.computers.into());
    w.number(head.released.into());
    w.number(head.refused.bits().into());
    w.list(head.lookups.iter(), put_lookup);
    w.signed(head.created_ms);
    w.signed(head.updated_ms);
    w.finish()
}

/// The head that these bytes are of.
pub(crate) fn decode_head(bytes: &[u8]) -> Result<Head, Malformed> {
    let mut r = Reader::new(bytes, FORMAT)?;
    let head = Head {
        key_id: KeyId(r.fixed()?),
        version: r.number()?,
        terms: terms(&mut r)?,
        registered_terms: r.fixed()?,
        suspension: suspension(&mut r)?,
        blocked: r.flag()?,
        used: r.number_u32()?,
        computers: r.number_u32()?,
        released: r.number_u32()?,
        refused: ReasonSet::from_bits(
            r.number()?.try_into().map_err(|_| Malformed("a number is too large"))?,
        ),
        lookups: r.list(lookup)?,
        created_ms: r.signed()?,
        updated_ms: r.signed()?,
    };
    r.finish()?;
    Ok(head)
}

/// The bytes of a count; one that the first policy made and that saw one installation is written as
/// in format 1, so such rows and snapshots of them stay what they were.
pub(crate) fn encode_count(count: &Count) -> Vec<u8> {
    let mut w = Writer::default();
    put_count(&mut w, count);
    w.finish()
}

/// Writes the same bytes behind others.
pub(crate) fn put_count(w: &mut Writer, count: &Count) {
    let is_first = &*count.policy_version == hw_v1::VERSION && count.installs.is_empty();
    w.byte(if is_first { FORMAT } else { COUNT_FORMAT_2 });
    w.number(count.number);
    w.fixed(&count.activation.0);
    w.byte(count.outcome as u8);
    w.byte(count.platform as u8);
    w.signed(count.created_ms);
    put_evidence(w, &count.baseline);
    w.byte(count.weak_matches);
    w.flag(count.clone_suspected);
    w.flag(count.released);
    if !is_first {
        w.text(&count.policy_version);
        w.list(count.installs.iter(), |w, install| w.fixed(&install.0));
    }
}

/// The count that these bytes are of.
pub(crate) fn decode_count(bytes: &[u8]) -> Result<Count, Malformed> {
    let is_first = bytes.first() != Some(&COUNT_FORMAT_2);
    let mut r = Reader::new(bytes, if is_first { FORMAT } else { COUNT_FORMAT_2 })?;
    let mut count = Count {
        number: r.number()?,
        activation: ActivationId(r.fixed()?),
        outcome: outcome(&mut r)?,
        platform: platform(&mut r)?,
        created_ms: r.signed()?,
        policy_version: hw_v1::VERSION.into(),
        baseline: Arc::new(evidence(&mut r)?),
        weak_matches: r.byte()?,
        clone_suspected: r.flag()?,
        released: r.flag()?,
        installs: Vec::new(),
    };
    if !is_first {
        count.policy_version = r.text()?.into();
        count.installs = r.list(|r| Ok(Digest(r.fixed()?)))?;
    }
    r.finish()?;
    Ok(count)
}

pub(super) fn put_terms(w: &mut Writer, terms: &Terms) {
    w.text(&terms.owner);
    w.text(&terms.product);
    w.byte(terms.platforms.bits());
    w.number(terms.limit.into());
    w.byte(terms.counting_mode as u8);
    w.number(terms.releases_max.into());
    w.option(terms.activate_by_ms, Writer::signed);
    w.text(&terms.help_uri);
    w.flag(terms.handle_allowed);
}

pub(super) fn terms(r: &mut Reader<'_>) -> Result<Terms, Malformed> {
    Ok(Terms {
        owner: r.text()?,
        product: r.text()?,
        platforms: platforms(r)?,
        limit: r.number_u32()?,
        counting_mode: match r.byte()? {
            1 => CountingMode::HardwareTolerant,
            2 => CountingMode::EveryActivation,
            _ => return Err(Malformed("unknown counting mode")),
        },
        releases_max: r.number_u32()?,
        activate_by_ms: r.option(Reader::signed)?,
        help_uri: r.text()?,
        handle_allowed: r.flag()?,
    })
}

pub(super) fn platforms(r: &mut Reader<'_>) -> Result<Platforms, Malformed> {
    Platforms::from_bits(r.byte()?).ok_or(Malformed("unknown platform"))
}

pub(super) fn put_suspension(w: &mut Writer, suspension: Suspension) {
    w.flag(suspension.suspended);
    w.number(suspension.generation);
}

pub(super) fn suspension(r: &mut Reader<'_>) -> Result<Suspension, Malformed> {
    Ok(Suspension { suspended: r.flag()?, generation: r.number()? })
}

pub(crate) fn put_lookup(w: &mut Writer, lookup: &LookupDigest) {
    w.number(lookup.pepper.0.into());
    w.fixed(&lookup.digest);
}

pub(crate) fn lookup(r: &mut Reader<'_>) -> Result<LookupDigest, Malformed> {
    Ok(LookupDigest { pepper: PepperId(r.number_u32()?), digest: r.fixed()? })
}
