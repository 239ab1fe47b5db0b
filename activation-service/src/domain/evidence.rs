//! The digests that a client sends of its computer, bounded and free of doubles by construction.

use hardware_evidence::{ComponentKind, Digest};
use sha2::{Digest as _, Sha256};
use smallvec::SmallVec;
use thiserror::Error;

use super::matching::KindVerdict;

/// Most components of one report.
pub const COMPONENTS_MAX: usize = 32;
/// Most digests of a kind that is a set.
pub const SET_DIGESTS_MAX: usize = 16;
/// Most recipes of a kind that a baseline holds: the old and the new one of an overlap.
pub const RECIPES_KEPT_MAX: usize = 2;
/// The recipes that this service accepts, preferred first.
pub const RECIPES_ACCEPTED: [u8; 1] = [1];

/// The digests of one kind, made by one recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    kind: ComponentKind,
    recipe: u8,
    digests: Digests,
}

/// Digests of one kind: nearly always one, which then takes no memory of its own.
pub type Digests = SmallVec<[Digest; 1]>;

/// Why digests are no component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ComponentError {
    /// The recipe is not accepted.
    #[error("recipe_version must be one of {RECIPES_ACCEPTED:?}")]
    Recipe,
    /// A kind that is no set has more or less than one digest.
    #[error("this kind takes exactly one digest")]
    NotOne,
    /// A set has none or too many digests.
    #[error("this kind takes 1 to {SET_DIGESTS_MAX} digests")]
    SetSize,
}

impl Component {
    /// What a client reports now: the recipe must be one that is accepted today.
    pub fn reported(
        kind: ComponentKind,
        recipe: u8,
        digests: impl Into<Digests>,
    ) -> Result<Self, ComponentError> {
        if !RECIPES_ACCEPTED.contains(&recipe) {
            return Err(ComponentError::Recipe);
        }
        Self::new(kind, recipe, digests)
    }

    /// Sorts the digests and drops doubles; of any recipe, for baselines outlive recipes.
    pub fn new(
        kind: ComponentKind,
        recipe: u8,
        digests: impl Into<Digests>,
    ) -> Result<Self, ComponentError> {
        let mut digests = digests.into();
        match digests.len() {
            1 => {}
            n if kind.is_set() && !(1..=SET_DIGESTS_MAX).contains(&n) => {
                return Err(ComponentError::SetSize);
            }
            _ if kind.is_set() => {}
            _ => return Err(ComponentError::NotOne),
        }
        digests.sort_unstable();
        digests.dedup();
        Ok(Self { kind, recipe, digests })
    }

    /// What the digests are of.
    #[must_use]
    pub const fn kind(&self) -> ComponentKind {
        self.kind
    }

    /// The recipe that made them.
    #[must_use]
    pub const fn recipe(&self) -> u8 {
        self.recipe
    }

    /// The digests, sorted.
    #[must_use]
    pub fn digests(&self) -> &[Digest] {
        &self.digests
    }
}

/// What one computer showed at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    components: Vec<Component>,
}

/// Why components are no evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EvidenceError {
    /// No components at all.
    #[error("must have 1 to {COMPONENTS_MAX} components")]
    Empty,
    /// Too many components.
    #[error("must have 1 to {COMPONENTS_MAX} components")]
    TooMany,
    /// A kind occurs twice with one recipe.
    #[error("{0} occurs more than once with the same recipe_version")]
    Duplicate(ComponentKind),
}

impl Evidence {
    /// Sorts the components, so that their order never matters.
    pub fn new(mut components: Vec<Component>) -> Result<Self, EvidenceError> {
        match components.len() {
            0 => return Err(EvidenceError::Empty),
            n if n > COMPONENTS_MAX => return Err(EvidenceError::TooMany),
            _ => {}
        }
        components.sort_unstable_by_key(|c| (c.kind as u8, c.recipe));
        let doubled = components.windows(2).find_map(|pair| match pair {
            [a, b] if (a.kind, a.recipe) == (b.kind, b.recipe) => Some(a.kind),
            _ => None,
        });
        match doubled {
            Some(kind) => Err(EvidenceError::Duplicate(kind)),
            None => Ok(Self { components }),
        }
    }

    /// The components, sorted by kind.
    #[must_use]
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// The components of one kind, oldest recipe first.
    pub fn of(&self, kind: ComponentKind) -> impl DoubleEndedIterator<Item = &Component> {
        self.components.iter().filter(move |c| c.kind == kind)
    }

    /// The components of a kind that the two have by the same recipe, oldest recipe first.
    pub fn common<'a>(
        &'a self,
        other: &'a Self,
        kind: ComponentKind,
    ) -> impl DoubleEndedIterator<Item = (&'a Component, &'a Component)> {
        let same = move |own: &'a Component| {
            other.of(kind).find(|theirs| theirs.recipe == own.recipe).map(|theirs| (own, theirs))
        };
        self.of(kind).filter_map(same)
    }

    /// This baseline with what it gains from a report that left it unchanged: of each kind that
    /// matched, the component by a newer recipe. None if it gains nothing.
    ///
    /// Of a set nothing is gained while the report shows a member that the baseline lacks, for
    /// which of the new digests is that member cannot be told. The newest [`RECIPES_KEPT_MAX`]
    /// recipes of a kind stay.
    #[must_use]
    pub fn gaining(&self, report: &Self, kinds: &[(ComponentKind, KindVerdict)]) -> Option<Self> {
        let newest_of = |kind| self.of(kind).next_back().map(|own| own.recipe);
        let is_newer = |it: &Component| newest_of(it.kind).is_some_and(|own| own < it.recipe);
        if !report.components.iter().any(is_newer) {
            return None;
        }
        let mut components = self.components.clone();
        for (kind, _) in kinds.iter().filter(|(_, verdict)| *verdict == KindVerdict::Matched) {
            let is_known = |(shown, own): (&Component, &Component)| {
                shown.digests.iter().all(|digest| own.digests.binary_search(digest).is_ok())
            };
            if !report.common(self, *kind).all(is_known) {
                continue;
            }
            let gained = report.of(*kind).filter(|it| is_newer(it)).cloned();
            let mut of_kind: Vec<_> = self.of(*kind).cloned().chain(gained).collect();
            let more = of_kind.len().saturating_sub(RECIPES_KEPT_MAX);
            of_kind.drain(..more);
            components.retain(|it| it.kind != *kind);
            components.extend(of_kind);
        }
        // Two recipes of every kind are within the bound, so this does not fail.
        Self::new(components).ok().filter(|gained| gained != self)
    }

    /// Feeds a hash with an unambiguous form of the evidence.
    pub(crate) fn hash_into(&self, hash: &mut Sha256) {
        hash.update((self.components.len() as u64).to_be_bytes());
        for component in &self.components {
            hash.update([component.kind as u8, component.recipe]);
            hash.update((component.digests.len() as u64).to_be_bytes());
            component.digests.iter().for_each(|digest| hash.update(digest.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(kind: ComponentKind) -> Component {
        Component::new(kind, 1, vec![Digest([1; 16])]).expect("valid")
    }

    #[test]
    fn bounds_and_doubles_are_refused() {
        use ComponentKind as K;
        let digest = Digest([1; 16]);
        assert_eq!(Component::new(K::Cpu, 1, vec![]), Err(ComponentError::NotOne));
        assert_eq!(Component::new(K::Cpu, 1, vec![digest; 2]), Err(ComponentError::NotOne));
        assert_eq!(Component::new(K::Nic, 1, vec![]), Err(ComponentError::SetSize));
        assert_eq!(Component::new(K::Nic, 1, vec![digest; 17]), Err(ComponentError::SetSize));
        assert_eq!(Component::reported(K::Nic, 9, vec![digest]), Err(ComponentError::Recipe));
        assert!(Component::new(K::Nic, 9, vec![digest]).is_ok(), "an old baseline");
        assert_eq!(Evidence::new(vec![]), Err(EvidenceError::Empty));
        assert_eq!(Evidence::new(vec![one(K::Cpu); 33]), Err(EvidenceError::TooMany));
        let twice = vec![one(K::Cpu), one(K::Nic), one(K::Cpu)];
        assert_eq!(Evidence::new(twice), Err(EvidenceError::Duplicate(K::Cpu)));
    }

    #[test]
    fn order_does_not_matter() {
        use ComponentKind as K;
        let there = Evidence::new(vec![one(K::Cpu), one(K::Nic)]);
        let back = Evidence::new(vec![one(K::Nic), one(K::Cpu)]);
        assert_eq!(there, back);
    }
}
