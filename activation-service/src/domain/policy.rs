//! The hardware policy: what each kind is worth and where the thresholds lie, as data with a
//! version.

use hardware_evidence::{ComponentKind, Digest, JunkDigests, hw_v1};

/// Everything that a decision on evidence takes from outside the account and the request.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Recorded in every decision.
    pub version: &'static str,
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
    junk: JunkDigests,
}

impl Policy {
    /// The first policy; `junk` are the digests of placeholder values under the deployment's salt.
    #[must_use]
    pub fn hw_v1(junk: JunkDigests) -> Self {
        Self {
            version: hw_v1::VERSION,
            threshold_percent: 60,
            points_min: 30,
            anchor_points_min: 15,
            weak_comparable_points: 60,
            weak_matches_max: 2,
            junk,
        }
    }

    /// What a kind is worth.
    #[must_use]
    pub fn points(&self, kind: ComponentKind) -> u32 {
        hw_v1::points(kind)
    }

    /// True for kinds that belong to one computer and not to a model.
    #[must_use]
    pub fn is_anchor(&self, kind: ComponentKind) -> bool {
        hw_v1::is_anchor(kind)
    }

    /// True for values that many computers share; they abstain.
    #[must_use]
    pub fn is_junk(&self, kind: ComponentKind, digest: &Digest) -> bool {
        self.junk.contains(kind, digest)
    }
}
