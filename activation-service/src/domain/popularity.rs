//! Which values many computers share: how many different sets of other anchors each anchor value
//! was seen with.

use std::collections::HashMap;

use hardware_evidence::{ComponentKind, Digest};
use sha2::{Digest as _, Sha256};

use super::evidence::Evidence;
use super::ids::ActivationId;
use super::policy::Policy;

/// A value that was seen with more sets than this is told.
pub const SETS_USUAL_MAX: usize = 3;
/// Sets and computers of one value are counted up to this.
pub const COUNTED_MAX: usize = 1_000;

/// A part of all values, so that each part fits into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Which, from 0 on.
    pub number: u64,
    /// Of how many.
    pub of: u64,
}

/// A value that many computers share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Popular {
    /// Its kind.
    pub kind: ComponentKind,
    /// The value.
    pub digest: Digest,
    /// Different sets of other anchors that it was seen with, up to [`COUNTED_MAX`].
    pub sets: usize,
    /// Different computers that showed it, up to [`COUNTED_MAX`].
    pub computers: usize,
}

/// Looks at reports and counts what their anchors were seen with.
#[derive(Debug)]
pub struct Popularity<'a> {
    policy: &'a Policy,
    slice: Slice,
    seen: HashMap<(ComponentKind, Digest), Seen>,
}

/// Fingerprints, each once, sorted.
#[derive(Debug, Default)]
struct Seen {
    sets: Vec<u64>,
    computers: Vec<u64>,
}

impl<'a> Popularity<'a> {
    /// Looks at the values of one slice.
    #[must_use]
    pub fn new(policy: &'a Policy, slice: Slice) -> Self {
        Self { policy, slice, seen: HashMap::new() }
    }

    /// How many anchor values a report shows, placeholders not counted.
    #[must_use]
    pub fn values(policy: &Policy, report: &Evidence) -> u64 {
        anchors(policy, report).count() as u64
    }

    /// Takes in a report of a computer.
    pub fn note(&mut self, activation: ActivationId, report: &Evidence) {
        let all: Vec<Anchor> = anchors(self.policy, report).collect();
        for own in all.iter().filter(|anchor| self.slice.holds(anchor.digest)) {
            let seen = self.seen.entry((own.kind, own.digest)).or_default();
            insert(&mut seen.sets, others(own, &all));
            insert(&mut seen.computers, short(&activation.0));
        }
    }

    /// The values that were seen with more than [`SETS_USUAL_MAX`] sets, most of them first.
    #[must_use]
    pub fn popular(self) -> Vec<Popular> {
        let seen = self.seen.into_iter();
        let popular = seen.filter(|(_, seen)| seen.sets.len() > SETS_USUAL_MAX);
        let mut popular: Vec<_> = popular
            .map(|((kind, digest), seen)| {
                let (sets, computers) = (seen.sets.len(), seen.computers.len());
                Popular { kind, digest, sets, computers }
            })
            .collect();
        sort(&mut popular);
        popular
    }
}

/// Most sets first.
pub fn sort(popular: &mut [Popular]) {
    popular.sort_unstable_by_key(|it| (usize::MAX - it.sets, it.kind, it.digest));
}

impl Slice {
    fn holds(self, digest: Digest) -> bool {
        short(&digest.0) % self.of.max(1) == self.number
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Anchor {
    kind: ComponentKind,
    recipe: u8,
    digest: Digest,
}

fn anchors(policy: &Policy, report: &Evidence) -> impl Iterator<Item = Anchor> {
    let is_hardware =
        |kind| kind != ComponentKind::OperatorHandle && policy.rules().is_anchor(kind);
    let components = report.components().iter().filter(move |it| is_hardware(it.kind()));
    let anchors = components.flat_map(|it| {
        let (kind, recipe) = (it.kind(), it.recipe());
        it.digests().iter().map(move |digest| Anchor { kind, recipe, digest: *digest })
    });
    anchors.filter(|it| !policy.is_junk(it.kind, &it.digest))
}

/// What a value was seen with: the other anchors by the same recipe, which are sorted.
fn others(own: &Anchor, all: &[Anchor]) -> u64 {
    let mut hash = Sha256::new();
    for other in all.iter().filter(|other| other.recipe == own.recipe && *other != own) {
        hash.update([other.kind.number()]);
        hash.update(other.digest.0);
    }
    let full: [u8; 32] = hash.finalize().into();
    full.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn short(value: &[u8; 16]) -> u64 {
    value.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn insert(known: &mut Vec<u64>, value: u64) {
    if known.len() < COUNTED_MAX
        && let Err(place) = known.binary_search(&value)
    {
        known.insert(place, value);
    }
}

#[cfg(test)]
mod tests;
