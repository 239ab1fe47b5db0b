//! The ship of Theseus: swapped part by part, a computer is counted before nothing of it is left.

use hardware_evidence::ComponentKind as K;

use super::*;
use crate::domain::evidence::Component;
use crate::domain::matching::{Relation, compare};
use crate::domain::specimens::{FULL, Key, part, policy, terms};

/// Orders in which the parts are swapped.
const ORDERS: u64 = 10_000;
/// The same orders each time; a failure names the one it was.
const SEED: u64 = 0x7e5e_u64;

/// A part that is swapped by itself: a kind, and which of several of the kind.
type Slot = (K, u8);

/// All that scores, with two network adapters and two graphics cards.
fn slots() -> Vec<Slot> {
    let of = |kind: K| (0..if kind.is_set() { 2 } else { 1 }).map(move |place| (kind, place));
    FULL.into_iter().flat_map(of).collect()
}

/// The computer with these slots swapped: the old parts are those of A, the new ones those of Z.
fn ship(slots: &[Slot], swapped: &[Slot]) -> Evidence {
    let component = |kind: K| {
        let of_it = slots.iter().filter(|slot| slot.0 == kind);
        let number = |slot: &Slot| slot.1 + if swapped.contains(slot) { 100 } else { 1 };
        let digests: Vec<_> = of_it.map(|slot| part(kind, number(slot))).collect();
        Component::new(kind, 1, digests).expect("valid")
    };
    Evidence::new(FULL.into_iter().map(component).collect()).expect("valid")
}

/// Numbers that follow from a seed and nothing else (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).expect("below the bound")
    }

    fn shuffle(&mut self, slots: &mut [Slot]) {
        for place in (1..slots.len()).rev() {
            slots.swap(place, self.below(place + 1));
        }
    }
}

#[test]
fn a_chain_of_swaps_is_counted_before_its_end() {
    let slots = slots();
    let (first, last) = (ship(&slots, &[]), ship(&slots, &slots));
    let mut dice = Dice(SEED);
    for order in 0..ORDERS {
        let mut swaps = slots.clone();
        dice.shuffle(&mut swaps);
        // Every other computer is activated after some of the swaps only.
        let idle = if order % 2 == 0 { 0 } else { dice.below(3) };
        let mut key = Key::new(terms(100));
        key.activate(&first);
        for swapped in 1..swaps.len() {
            if idle == 0 || dice.below(idle + 1) == 0 {
                key.activate(&ship(&slots, &swaps[..swapped]));
            }
        }
        let before = key.account.head.used;
        key.activate(&last);
        let used = key.account.head.used;
        assert!(idle > 0 || before >= 2, "order {order}: Z was reached unpaid: {swaps:?}");
        assert!(used >= 2, "order {order}, with gaps: {swaps:?}");
        for count in key.account.held() {
            let relation =
                |ship| compare(policy(), &count.baseline, ship, false).relation(policy());
            let unchanged = |ship| matches!(relation(ship), Relation::Unchanged { .. });
            assert!(!unchanged(&first) || !unchanged(&last), "order {order}: {swaps:?}");
        }
    }
}
