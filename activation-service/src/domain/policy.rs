//! The hardware policy: what each kind is worth, where the thresholds lie, and which values are
//! placeholders, as data with a version.

mod faults;

use hardware_evidence::hw_v1::{self, KindPolicy};
use hardware_evidence::{ComponentKind, Digest, JunkDigests};

pub use faults::{DEMOTED_MAX, FOLLOWS_MAX, PolicyFault, VERSION_CHARS_MAX, is_hint};

/// A policy as it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Recorded in every decision.
    pub version: String,
    /// The versions that were in force before this one, oldest first.
    pub follows: Vec<String>,
    /// Least `matched * 100 / comparable` of an unchanged computer.
    pub threshold_percent: u32,
    /// Least points that a report must show, and that must be comparable.
    pub points_min: u32,
    /// Least points of the anchors that match, for a computer to be a known one at all.
    pub anchor_points_min: u32,
    /// A match on one anchor is weak below this many comparable points.
    pub weak_comparable_points: u32,
    /// Most weak matches a count.
    pub weak_matches_max: u8,
    /// Most parts of an unchanged computer that changed; none if their number does not matter.
    pub changed_parts_max: Option<u32>,
    /// What each kind is worth, by number of the kind.
    pub kinds: [KindPolicy; 13],
    /// Values that became placeholders, by kind and value, each once.
    pub demoted: Vec<Demoted>,
}

/// A value that many computers turned out to share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Demoted {
    /// Its kind.
    pub kind: ComponentKind,
    /// The value.
    pub digest: Digest,
    /// The version of the policy that demoted it first.
    pub since: String,
}

impl Rules {
    /// The first policy.
    #[must_use]
    pub fn hw_v1() -> Self {
        Self {
            version: hw_v1::VERSION.to_owned(),
            follows: Vec::new(),
            threshold_percent: 60,
            points_min: 30,
            anchor_points_min: 15,
            weak_comparable_points: 60,
            weak_matches_max: 2,
            changed_parts_max: None,
            kinds: hw_v1::TABLE,
            demoted: Vec::new(),
        }
    }

    /// What a kind is worth.
    #[must_use]
    pub fn points(&self, kind: ComponentKind) -> u32 {
        self.kind(kind).map_or(0, |policy| policy.points)
    }

    /// True for kinds that belong to one computer and not to a model.
    #[must_use]
    pub fn is_anchor(&self, kind: ComponentKind) -> bool {
        self.kind(kind).is_some_and(|policy| policy.anchor)
    }

    /// True for kinds of which another value is a significant change, whatever else matches.
    #[must_use]
    pub fn is_decisive(&self, kind: ComponentKind) -> bool {
        self.kind(kind).is_some_and(|policy| policy.decisive)
    }

    /// True for kinds of which at most `changed_parts_max` may change, whatever else matches.
    #[must_use]
    pub fn is_part(&self, kind: ComponentKind) -> bool {
        self.kind(kind).is_some_and(|policy| policy.part)
    }

    /// What a kind was worth under a version; none if nothing is known of it here.
    #[must_use]
    pub fn points_under(&self, version: &str, kind: ComponentKind) -> Option<u32> {
        match version {
            own if own == self.version => Some(self.points(kind)),
            hw_v1::VERSION => Some(hw_v1::points(kind)),
            _ => None,
        }
    }

    fn kind(&self, kind: ComponentKind) -> Option<&KindPolicy> {
        self.kinds.get(usize::from(kind.number()).checked_sub(1)?)
    }

    /// The place of a version among those that were ever in force, oldest first.
    fn place(&self, version: &str) -> Option<usize> {
        if version == self.version {
            return Some(self.follows.len());
        }
        self.follows.iter().position(|earlier| earlier == version)
    }
}

/// Everything that a decision on evidence takes from outside the account and the request.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Rules,
    /// Placeholders of every version, under the deployment's salt.
    junk: JunkDigests,
    /// The demoted values, sorted, each with the place of the version that demoted it first.
    demoted: Vec<(ComponentKind, Digest, usize)>,
    /// The last version that demoted a value.
    latest: Option<usize>,
}

/// A policy as a count sees it that was made earlier: what was demoted since is no placeholder.
#[derive(Clone, Copy, Debug)]
pub struct AsOf<'a> {
    /// The policy in force.
    pub policy: &'a Policy,
    /// The place of the version that the count was made under; none if it is not known any more.
    place: Option<usize>,
}

impl Policy {
    /// A policy that is written down; `junk` are the digests of placeholder values under the
    /// deployment's salt.
    pub fn new(rules: Rules, junk: JunkDigests) -> Result<Self, Vec<PolicyFault>> {
        rules.check()?;
        // A value that names no known version was demoted by this one; `check` has refused that.
        let place = |since: &str| rules.place(since).unwrap_or(rules.follows.len());
        let demoted = rules.demoted.iter().map(|it| (it.kind, it.digest, place(&it.since)));
        let mut demoted: Vec<_> = demoted.collect();
        demoted.sort_unstable();
        let latest = demoted.iter().map(|it| it.2).max();
        Ok(Self { rules, junk, demoted, latest })
    }

    /// The first policy.
    #[must_use]
    pub fn hw_v1(junk: JunkDigests) -> Self {
        Self { rules: Rules::hw_v1(), junk, demoted: Vec::new(), latest: None }
    }

    /// What is written down of it.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// True for values that many computers share; they abstain.
    #[must_use]
    pub fn is_junk(&self, kind: ComponentKind, digest: &Digest) -> bool {
        self.is_placeholder(kind, digest) || self.demoted_at(kind, digest).is_some()
    }

    /// The policy as a count sees it that was made under `version`; none if it sees no difference.
    #[must_use]
    pub fn as_of(&self, version: &str) -> Option<AsOf<'_>> {
        let place = self.rules.place(version);
        let is_later = |latest| place.is_none_or(|place| latest > place);
        self.latest.is_some_and(is_later).then_some(AsOf { policy: self, place })
    }

    /// True for values that are placeholders under every version.
    pub(super) fn is_placeholder(&self, kind: ComponentKind, digest: &Digest) -> bool {
        self.junk.contains(kind, digest)
    }

    fn demoted_at(&self, kind: ComponentKind, digest: &Digest) -> Option<usize> {
        let at = self.demoted.binary_search_by_key(&(kind, *digest), |it| (it.0, it.1)).ok()?;
        self.demoted.get(at).map(|it| it.2)
    }
}

impl AsOf<'_> {
    /// True for values that were placeholders then.
    #[must_use]
    pub fn is_junk(self, kind: ComponentKind, digest: &Digest) -> bool {
        let was_demoted = |at| self.place.is_some_and(|place| at <= place);
        self.policy.is_placeholder(kind, digest)
            || self.policy.demoted_at(kind, digest).is_some_and(was_demoted)
    }
}

#[cfg(test)]
mod tests;
