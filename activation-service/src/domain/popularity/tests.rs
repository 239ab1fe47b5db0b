//! A value is popular by the sets of other anchors that it was seen with, and by nothing else.

use hardware_evidence::ComponentKind as K;

use super::*;
use crate::domain::policy::{Demoted, Rules};
use crate::domain::specimens::{FULL, JUNK_BOARD, junk, numbered, part, policy};

const ALL: Slice = Slice { number: 0, of: 1 };

/// Computers of one model without board serials, whose adapter has the same address.
fn twins(popularity: &mut Popularity<'_>, count: u8) {
    for number in 0..count {
        let twin = numbered(&JUNK_BOARD, &[K::OsDisk], 1, 100 + number);
        popularity.note(ActivationId([number; 16]), &twin);
    }
}

fn popular(policy: &Policy, slice: Slice, count: u8) -> Vec<Popular> {
    let mut popularity = Popularity::new(policy, slice);
    twins(&mut popularity, count);
    popularity.popular()
}

#[test]
fn more_than_three_sets_are_told() {
    assert_eq!(popular(policy(), ALL, 3), []);
    let found = popular(policy(), ALL, 4);
    let digest = part(K::Nic, 1);
    assert_eq!(found, [Popular { kind: K::Nic, digest, sets: 4, computers: 4 }]);
}

#[test]
fn a_computer_that_comes_again_is_one_set() {
    let mut popularity = Popularity::new(policy(), ALL);
    for _ in 0..9 {
        popularity.note(ActivationId([1; 16]), &numbered(&FULL, &[], 1, 0));
    }
    assert_eq!(popularity.popular(), []);
}

#[test]
fn parts_of_one_computer_that_change_are_told_with_their_one_computer() {
    let mut popularity = Popularity::new(policy(), ALL);
    for number in 0..4 {
        popularity.note(ActivationId([1; 16]), &numbered(&FULL, &[K::OsDisk], 1, 10 + number));
    }
    let found = popularity.popular();
    assert_eq!(found.len(), 4, "board, UUID, adapter and TPM");
    assert!(found.iter().all(|it| (it.sets, it.computers) == (4, 1)));
}

#[test]
fn what_is_junk_already_is_neither_told_nor_part_of_a_set() {
    let value = |kind| Demoted { kind, digest: part(kind, 1), since: "own".to_owned() };
    let rules = Rules { version: "own".to_owned(), ..Rules::hw_v1() };
    let demoted = Rules { demoted: vec![value(K::Nic)], ..rules };
    let own = Policy::new(demoted, junk()).expect("a policy");
    assert_eq!(popular(&own, ALL, 9), []);
}

#[test]
fn slices_together_tell_what_one_look_at_all_tells() {
    let of = 5;
    let mut parts: Vec<Popular> =
        (0..of).flat_map(|number| popular(policy(), Slice { number, of }, 9)).collect();
    sort(&mut parts);
    assert_eq!(parts, popular(policy(), ALL, 9));
}

#[test]
fn counting_has_a_bound() {
    let mut known = Vec::new();
    (0..2 * COUNTED_MAX as u64).for_each(|value| insert(&mut known, value));
    assert_eq!(known.len(), COUNTED_MAX);
}
