//! All counts of a key, and which of them share an anchor with a report, found without looking at
//! the others.

mod index;
mod list;

use std::sync::Arc;

use hardware_evidence::{ComponentKind, Digest};

use super::account::Count;
use super::evidence::Evidence;
use super::ids::ActivationId;
use index::Index;
use list::List;

/// An odd number without a pattern: the golden ratio as a fraction of 2^64.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// All counts ever made of a key, oldest first. A copy shares what it has in common with the
/// original, so deciding on a copy costs the same however many counts there are.
#[derive(Clone, Default)]
pub struct Counts {
    list: List<Count>,
    /// Places by the values of their baselines that can belong to one unit.
    units: Index,
    /// Places by the computer they belong to.
    computers: Index,
}

impl Counts {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// True if there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The count at a place; the oldest one's is 0.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&Count> {
        self.list.get(place)
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Count> {
        self.list.iter()
    }

    /// The count with a number.
    #[must_use]
    pub fn numbered(&self, number: u64) -> Option<&Count> {
        self.get(self.place(number)?)
    }

    /// The counts of a computer, oldest first, released ones too.
    pub fn of(&self, activation: ActivationId) -> impl DoubleEndedIterator<Item = &Count> {
        let places = self.computers.places(short(&activation.0));
        places.filter_map(|place| self.at(place)).filter(move |c| c.activation == activation)
    }

    /// The counts, oldest first, whose baseline has one of these values of these kinds; perhaps a
    /// few others, and released ones too. Kinds that never belong to one unit find nothing.
    pub fn sharing<'v>(
        &self,
        values: impl IntoIterator<Item = (ComponentKind, &'v Digest)>,
    ) -> Vec<&Count> {
        let shared = values.into_iter().flat_map(|(kind, it)| self.units.places(unit(kind, it)));
        let mut places: Vec<u32> = shared.collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|place| self.at(place)).collect()
    }

    /// Adds a count, whose number is higher than any before.
    pub(super) fn push(&mut self, count: Count) {
        // A key has at most `u32::MAX` counts, for its limit has 32 bits.
        let place = u32::try_from(self.len()).unwrap_or(u32::MAX);
        self.computers.add(short(&count.activation.0), place);
        self.note(place, &count.baseline);
        self.list.push(count);
    }

    /// Changes the count with a number, if there is one; its baseline and computer stay.
    pub(super) fn change<R>(
        &mut self,
        number: u64,
        change: impl FnOnce(&mut Count) -> R,
    ) -> Option<R> {
        let place = self.place(number)?;
        self.list.get_mut(place).map(change)
    }

    /// Gives the count with a number its baseline with what it gained.
    pub(super) fn renew(&mut self, number: u64, baseline: Arc<Evidence>) {
        let Some(place) = self.place(number) else { return };
        let Some(count) = self.list.get_mut(place) else { return };
        count.baseline = Arc::clone(&baseline);
        // Values that it had before are found twice at the same place, which is found once.
        self.note(u32::try_from(place).unwrap_or(u32::MAX), &baseline);
    }

    fn note(&mut self, place: u32, baseline: &Evidence) {
        for component in baseline.components() {
            let kind = component.kind();
            for value in component.digests().iter().filter(|_| kind.is_of_unit()) {
                self.units.add(unit(kind, value), place);
            }
        }
    }

    fn at(&self, place: u32) -> Option<&Count> {
        self.get(usize::try_from(place).ok()?)
    }

    fn place(&self, number: u64) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle)?.number.cmp(&number) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

impl FromIterator<Count> for Counts {
    /// Of counts whose numbers rise.
    fn from_iter<I: IntoIterator<Item = Count>>(counts: I) -> Self {
        let mut made = Self::default();
        counts.into_iter().for_each(|count| made.push(count));
        made
    }
}

impl PartialEq for Counts {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Counts {}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The first eight bytes of a value, which is random.
fn short(value: &[u8; 16]) -> u64 {
    value.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// The short form of a value of one kind, which is not that of the same value of another kind.
fn unit(kind: ComponentKind, value: &Digest) -> u64 {
    // Values that differ little, as only those of a test do, are spread over the whole tree too.
    (short(&value.0) ^ u64::from(kind.number())).wrapping_mul(SPREAD)
}

#[cfg(test)]
mod tests;
