//! The bytes of a leaf, format 1: the fields in their order, nothing between them.

use thiserror::Error;

use super::{
    Activated, Change, Client, CountingMode, Event, Id, Leaf, Outcome, Platform, Platforms, Reason,
    Refused, Registered, Released, Suspension, Verdict,
};
use crate::wire::{Malformed, Reader, Writer};

/// Most bytes of a leaf.
pub const LEAF_BYTES_MAX: usize = 32 * 1024;
/// Most bytes of a text in a leaf.
pub const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Most kinds of components that a leaf tells of.
pub const KINDS_MAX: usize = 32;
/// Most changes of one event.
pub const CHANGES_MAX: usize = 32;

/// Version of the format.
const FORMAT: u8 = 1;

/// A leaf in bytes, with the sequence that is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedLeaf {
    bytes: Vec<u8>,
    sequence: u64,
}

/// Why an event cannot become a leaf: no reader would take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LeafError {
    /// The whole is too long.
    #[error("a leaf has at most {LEAF_BYTES_MAX} bytes")]
    TooLarge,
    /// A part breaks its own bound.
    #[error("no reader would take the leaf: {0}")]
    Unreadable(Malformed),
}

impl EncodedLeaf {
    /// The leaf of recorded bytes.
    ///
    /// # Errors
    ///
    /// They are not the bytes of a leaf.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Malformed> {
        let sequence = Leaf::decode(&bytes)?.sequence;
        Ok(Self { bytes, sequence })
    }

    /// The sequence of its event.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl AsRef<[u8]> for EncodedLeaf {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Leaf {
    /// Its bytes.
    ///
    /// # Errors
    ///
    /// A text, a list or the whole is longer than readers take, kinds are out of order, or a
    /// counter is 0. Nothing may be recorded for which this fails.
    pub fn encode(&self) -> Result<EncodedLeaf, LeafError> {
        self.check().map_err(LeafError::Unreadable)?;
        let mut w = Writer::new(FORMAT);
        w.fixed(&self.key_id);
        w.number(self.account_version);
        w.number(self.sequence);
        w.signed(self.shown_ms);
        w.signed(self.raw_ms);
        w.text(&self.actor);
        w.text(&self.reason);
        w.text(&self.client.name);
        w.text(&self.client.version);
        w.option(self.request_id, |w, id| w.fixed(&id));
        match &self.event {
            Event::Registered(registered) => {
                w.byte(1);
                put_registered(&mut w, registered);
            }
            Event::Activated(activated) => {
                w.byte(2);
                put_activated(&mut w, activated);
            }
            Event::Released(released) => {
                w.byte(3);
                put_released(&mut w, released);
            }
            Event::Updated(changes) => {
                w.byte(4);
                w.list(changes.iter(), put_change);
            }
            Event::Refused(refused) => {
                w.byte(5);
                w.byte(refused.reason.number());
                w.option(refused.platform, |w, platform| w.byte(platform.number()));
            }
        }
        let bytes = w.finish();
        if bytes.len() > LEAF_BYTES_MAX {
            return Err(LeafError::TooLarge);
        }
        Ok(EncodedLeaf { bytes, sequence: self.sequence })
    }

    /// The leaf of these bytes.
    ///
    /// # Errors
    ///
    /// They are not the bytes of a leaf; only those that [`Self::encode`] gives are taken.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > LEAF_BYTES_MAX {
            return Err(Malformed::TooMany("bytes of the leaf"));
        }
        let mut r = Reader::new(bytes);
        r.format(FORMAT)?;
        let leaf = Self {
            key_id: r.fixed()?,
            account_version: r.number()?,
            sequence: r.number()?,
            shown_ms: r.signed()?,
            raw_ms: r.signed()?,
            actor: text(&mut r)?,
            reason: text(&mut r)?,
            client: Client { name: text(&mut r)?, version: text(&mut r)? },
            request_id: r.option(Reader::fixed)?,
            event: event(&mut r)?,
        };
        r.finish()?;
        leaf.check()?;
        Ok(leaf)
    }

    /// The key that recorded bytes of a leaf name, for whoever looks for those of some keys; the
    /// rest is not looked at.
    ///
    /// # Errors
    ///
    /// They are not the bytes of a leaf of this format.
    pub fn key_id_of(bytes: &[u8]) -> Result<Id, Malformed> {
        let mut r = Reader::new(bytes);
        r.format(FORMAT)?;
        r.fixed()
    }

    /// What holds in every leaf, made or read.
    fn check(&self) -> Result<(), Malformed> {
        if self.account_version == 0 || self.sequence == 0 {
            return Err(Malformed::Inconsistent("events are counted from 1"));
        }
        check_texts([&self.actor, &self.reason, &self.client.name, &self.client.version])?;
        match &self.event {
            Event::Registered(registered) => {
                check_texts([&registered.owner, &registered.product, &registered.help_uri])
            }
            Event::Activated(activated) => {
                check_texts([&activated.policy_version])?;
                check_kinds(&activated.kinds)
            }
            Event::Updated(changes) if changes.len() > CHANGES_MAX => {
                Err(Malformed::TooMany("changes"))
            }
            Event::Updated(changes) => changes.iter().try_for_each(|change| match change {
                Change::HelpUri(old, new) => check_texts([old, new]),
                Change::Limit(..)
                | Change::Blocked(..)
                | Change::Platforms(..)
                | Change::ReleasesMax(..)
                | Change::ActivateBy(..)
                | Change::HandleAllowed(..)
                | Change::Suspension(..)
                | Change::LookUp(_) => Ok(()),
            }),
            Event::Released(_) | Event::Refused(_) => Ok(()),
        }
    }
}

fn check_texts<const N: usize>(texts: [&String; N]) -> Result<(), Malformed> {
    let fits = texts.iter().all(|text| text.len() <= TEXT_BYTES_MAX);
    if fits { Ok(()) } else { Err(Malformed::TextTooLong) }
}

fn check_kinds(kinds: &[(u8, Verdict)]) -> Result<(), Malformed> {
    if kinds.len() > KINDS_MAX {
        return Err(Malformed::TooMany("kinds"));
    }
    let starts_above_zero = kinds.first().is_none_or(|(kind, _)| *kind > 0);
    if !starts_above_zero || !kinds.is_sorted_by(|(a, _), (b, _)| a < b) {
        return Err(Malformed::Inconsistent("kinds are told once each, by number"));
    }
    Ok(())
}

fn event(r: &mut Reader<'_>) -> Result<Event, Malformed> {
    Ok(match r.byte()? {
        1 => Event::Registered(Box::new(registered(r)?)),
        2 => Event::Activated(Box::new(activated(r)?)),
        3 => Event::Released(released(r)?),
        4 => Event::Updated(r.list(CHANGES_MAX, "changes", change)?),
        5 => Event::Refused(Refused {
            reason: Reason::from_number(r.byte()?).ok_or(Malformed::UnknownNumber("reason"))?,
            platform: r.option(platform)?,
        }),
        _ => return Err(Malformed::UnknownNumber("event")),
    })
}

fn put_registered(w: &mut Writer, registered: &Registered) {
    w.text(&registered.owner);
    w.text(&registered.product);
    w.byte(registered.platforms.bits());
    w.number(registered.limit.into());
    w.byte(registered.counting_mode.number());
    w.number(registered.releases_max.into());
    w.option(registered.activate_by_ms, Writer::signed);
    w.text(&registered.help_uri);
    w.flag(registered.handle_allowed);
    put_suspension(w, registered.suspension);
    w.fixed(&registered.look_up);
}

fn registered(r: &mut Reader<'_>) -> Result<Registered, Malformed> {
    Ok(Registered {
        owner: text(r)?,
        product: text(r)?,
        platforms: platforms(r)?,
        limit: r.number_u32()?,
        counting_mode: CountingMode::from_number(r.byte()?)
            .ok_or(Malformed::UnknownNumber("counting mode"))?,
        releases_max: r.number_u32()?,
        activate_by_ms: r.option(Reader::signed)?,
        help_uri: text(r)?,
        handle_allowed: r.flag()?,
        suspension: suspension(r)?,
        look_up: r.fixed()?,
    })
}

fn put_activated(w: &mut Writer, activated: &Activated) {
    w.byte(activated.outcome.number());
    w.fixed(&activated.activation_id);
    w.number(activated.count);
    w.byte(activated.platform.number());
    w.number(activated.used.into());
    w.number(activated.limit.into());
    w.text(&activated.policy_version);
    w.option(activated.score, |w, score| w.number(score.into()));
    w.number(activated.threshold.into());
    w.list(activated.kinds.iter(), |w, (kind, verdict)| {
        w.byte(*kind);
        w.byte(verdict.number());
    });
    w.flag(activated.weak);
    w.flag(activated.clone_suspected);
    w.option(activated.evidence, |w, commitment| w.fixed(&commitment));
}

fn activated(r: &mut Reader<'_>) -> Result<Activated, Malformed> {
    Ok(Activated {
        outcome: Outcome::from_number(r.byte()?).ok_or(Malformed::UnknownNumber("outcome"))?,
        activation_id: r.fixed()?,
        count: r.number()?,
        platform: platform(r)?,
        used: r.number_u32()?,
        limit: r.number_u32()?,
        policy_version: text(r)?,
        score: r.option(Reader::number_u32)?,
        threshold: r.number_u32()?,
        kinds: r.list(KINDS_MAX, "kinds", |r| {
            let kind = r.byte()?;
            let verdict = Verdict::from_number(r.byte()?);
            Ok((kind, verdict.ok_or(Malformed::UnknownNumber("verdict"))?))
        })?,
        weak: r.flag()?,
        clone_suspected: r.flag()?,
        evidence: r.option(Reader::fixed)?,
    })
}

fn put_released(w: &mut Writer, released: &Released) {
    w.fixed(&released.activation_id);
    w.number(released.count);
    w.flag(released.last);
    w.flag(released.by_policy);
    w.number(released.used.into());
    w.number(released.limit.into());
}

fn released(r: &mut Reader<'_>) -> Result<Released, Malformed> {
    Ok(Released {
        activation_id: r.fixed()?,
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
            put_suspension(w, *old);
            put_suspension(w, *new);
        }
        Change::LookUp(commitment) => {
            w.byte(9);
            w.fixed(commitment);
        }
    }
}

fn change(r: &mut Reader<'_>) -> Result<Change, Malformed> {
    Ok(match r.byte()? {
        1 => Change::Limit(r.number_u32()?, r.number_u32()?),
        2 => Change::Blocked(r.flag()?, r.flag()?),
        3 => Change::Platforms(platforms(r)?, platforms(r)?),
        4 => Change::ReleasesMax(r.number_u32()?, r.number_u32()?),
        5 => Change::ActivateBy(r.option(Reader::signed)?, r.option(Reader::signed)?),
        6 => Change::HelpUri(text(r)?, text(r)?),
        7 => Change::HandleAllowed(r.flag()?, r.flag()?),
        8 => Change::Suspension(suspension(r)?, suspension(r)?),
        9 => Change::LookUp(r.fixed()?),
        _ => return Err(Malformed::UnknownNumber("change")),
    })
}

fn put_suspension(w: &mut Writer, suspension: Suspension) {
    w.flag(suspension.suspended);
    w.number(suspension.generation);
}

fn suspension(r: &mut Reader<'_>) -> Result<Suspension, Malformed> {
    Ok(Suspension { suspended: r.flag()?, generation: r.number()? })
}

fn platform(r: &mut Reader<'_>) -> Result<Platform, Malformed> {
    Platform::from_number(r.byte()?).ok_or(Malformed::UnknownNumber("platform"))
}

fn platforms(r: &mut Reader<'_>) -> Result<Platforms, Malformed> {
    Platforms::from_bits(r.byte()?).ok_or(Malformed::UnknownNumber("platform"))
}

fn text(r: &mut Reader<'_>) -> Result<String, Malformed> {
    r.text(TEXT_BYTES_MAX)
}
