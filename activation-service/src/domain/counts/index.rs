//! Which places of a list go with a value: a tree over short forms of values, whose copies share
//! what they have in common.
//!
//! A short form is eight bytes, so different values may share one; who asks compares the values
//! themselves.

use std::sync::Arc;

use super::list::List;

/// Bits of a short form that choose among the entries of one branch.
const WIDTH_BITS: u32 = 4;

/// The places that go with each short form.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    root: Arc<Branch>,
}

/// Entries of the parts of short forms that occur, in their order.
#[derive(Clone, Debug, Default)]
struct Branch {
    /// Which parts occur, as bits.
    occupied: u16,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
enum Entry {
    /// Most values are those of one place.
    One(u64, u32),
    /// In the order in which they were added.
    Many(u64, Arc<List<u32>>),
    Below(Arc<Branch>),
}

impl Index {
    /// Notes that a place goes with a short form.
    pub(super) fn add(&mut self, short: u64, place: u32) {
        add(Arc::make_mut(&mut self.root), 0, short, place);
    }

    /// Gives each place that goes with a short form, in the order in which they were added.
    pub(super) fn places(&self, short: u64) -> impl DoubleEndedIterator<Item = u32> {
        let (mut one, mut many) = (None, None);
        let (mut branch, mut depth) = (&self.root, 0);
        while let Some(entry) = branch.entry(part_of(short, depth)) {
            match entry {
                Entry::One(key, place) if *key == short => one = Some(*place),
                Entry::Many(key, places) if *key == short => many = Some(places),
                Entry::One(..) | Entry::Many(..) => {}
                Entry::Below(below) => {
                    (branch, depth) = (below, depth + 1);
                    continue;
                }
            }
            break;
        }
        one.into_iter().chain(many.into_iter().flat_map(|places| places.iter().copied()))
    }
}

impl Branch {
    /// Where the entry of a part lies, or would lie.
    const fn place(&self, part: u16) -> usize {
        (self.occupied & (part - 1)).count_ones() as usize
    }

    fn entry(&self, part: u16) -> Option<&Entry> {
        self.entries.get(self.place(part)).filter(|_| self.occupied & part != 0)
    }
}

/// The part of a short form that chooses in a branch at this depth, as one bit of sixteen.
const fn part_of(short: u64, depth: u32) -> u16 {
    1 << (short.rotate_left((depth + 1) * WIDTH_BITS) & 0xf)
}

fn add(branch: &mut Branch, depth: u32, short: u64, place: u32) {
    let part = part_of(short, depth);
    let at = branch.place(part);
    if branch.occupied & part == 0 {
        branch.occupied |= part;
        branch.entries.insert(at, Entry::One(short, place));
        return;
    }
    let Some(entry) = branch.entries.get_mut(at) else { return };
    match entry {
        Entry::Below(below) => add(Arc::make_mut(below), depth + 1, short, place),
        Entry::Many(key, places) if *key == short => Arc::make_mut(places).push(place),
        Entry::One(key, first) if *key == short => {
            let mut places = List::default();
            places.push(*first);
            places.push(place);
            *entry = Entry::Many(short, Arc::new(places));
        }
        Entry::One(key, _) | Entry::Many(key, _) => {
            // Two different short forms differ in one of their sixteen parts, so this ends.
            let occupied = part_of(*key, depth + 1);
            let mut below = Branch { occupied, entries: vec![entry.clone()] };
            add(&mut below, depth + 1, short, place);
            *entry = Entry::Below(Arc::new(below));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Short forms that often agree in their first parts, or in all.
    fn shorts() -> impl Strategy<Value = Vec<u64>> {
        let short = prop_oneof![any::<u64>(), 0_u64..40, (0_u64..40).prop_map(|n| n << 60)];
        proptest::collection::vec(short, 0..300)
    }

    proptest! {
        #[test]
        fn every_place_is_found_by_its_short_form_and_no_other(shorts in shorts(), absent: u64) {
            let (mut index, mut plain) = (Index::default(), BTreeMap::<u64, Vec<u32>>::new());
            for (place, short) in (0_u32..).zip(&shorts) {
                let before = index.clone();
                index.add(*short, place);
                let known = plain.entry(*short).or_default();
                let as_before = before.places(*short).eq(known.iter().copied());
                prop_assert!(as_before, "a copy does not change with the other");
                known.push(place);
            }
            for (short, places) in &plain {
                prop_assert!(index.places(*short).eq(places.iter().copied()));
            }
            prop_assume!(!plain.contains_key(&absent));
            prop_assert_eq!(index.places(absent).count(), 0);
        }
    }
}
