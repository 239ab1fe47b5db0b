//! A replay under the same policy changes nothing, and one under another tells each decision.

use hardware_evidence::ComponentKind as K;
use hardware_evidence::hw_v1::{self, KindPolicy};

use super::*;
use crate::domain::error::Reason;
use crate::domain::policy::{Demoted, Rules};
use crate::domain::specimens::{
    FULL, JUNK_BOARD, Key, computer, eventful, junk, numbered, part, policy, terms,
};

fn replayed(policy: &Policy, key: &Key) -> (Replay, Vec<Differing>) {
    let (mut replay, mut differing) = (Replay::default(), Vec::new());
    let told = replay.history(policy, &key.history, &mut |one| differing.push(one));
    told.expect("whole");
    assert_eq!(replay.differing, differing.len() as u64);
    assert_eq!(replay.totals.values().sum::<u64>(), replay.differing);
    (replay, differing)
}

fn own(rules: Rules) -> Policy {
    let rules = Rules { version: "own".to_owned(), follows: vec!["hw-v1".to_owned()], ..rules };
    Policy::new(rules, junk()).expect("a policy")
}

#[test]
fn under_the_policy_that_decided_nothing_differs() {
    let key = eventful();
    let (replay, _) = replayed(policy(), &key);
    assert_eq!((replay.keys, replay.events), (1, 7));
    assert_eq!((replay.decisions, replay.differing, replay.erased), (3, 0, 0));

    let mut key = Key::new(terms(9));
    for report in [computer(&FULL, &[]), computer(&FULL, &[K::OsDisk, K::Nic, K::Cpu])] {
        key.activate(&report);
        key.activate(&numbered(&FULL, &[K::OsDisk], 4, 5));
    }
    assert_eq!(replayed(policy(), &key).0.differing, 0);
}

#[test]
fn a_stricter_threshold_counts_what_was_free_and_says_so() {
    let mut key = Key::new(terms(5));
    key.activate(&computer(&JUNK_BOARD, &[]));
    // Recorded because the match is weak: 62 %.
    key.activate(&computer(&JUNK_BOARD, &[K::OsDisk]));
    let strict = own(Rules { threshold_percent: 70, ..Rules::hw_v1() });
    let (replay, differing) = replayed(&strict, &key);
    let change = ("NOT_COUNTED_SAME_COMPUTER", "COUNTED_SIGNIFICANT_CHANGE");
    assert_eq!(replay.totals, [(change, 1)].into());
    assert_eq!((differing[0].version, &*differing[0].policy_version), (3, "hw-v1"));
    assert!(!differing[0].is_of_another_computer());
}

#[test]
fn what_would_be_refused_has_its_reason() {
    let mut key = Key::new(terms(1));
    key.activate(&computer(&JUNK_BOARD, &[]));
    key.activate(&computer(&JUNK_BOARD, &[K::OsDisk]));
    let strict = own(Rules { threshold_percent: 70, ..Rules::hw_v1() });
    let (_, differing) = replayed(&strict, &key);
    assert_eq!(differing[0].would_be, Came::Refused(Reason::LimitReached.name()));
    let poor = own(Rules { points_min: 60, ..Rules::hw_v1() });
    let (replay, _) = replayed(&poor, &key);
    assert_eq!(replay.totals.len(), 2, "54 points are not 60");
}

#[test]
fn a_change_of_points_can_make_it_another_computer() {
    let mut key = Key::new(terms(9));
    key.activate(&numbered(&FULL, &[], 1, 0));
    key.activate(&numbered(&FULL, &[], 2, 0));
    // Board, models and chassis of the first; disk, adapter, UUID and TPM of the second.
    let second = [K::OsDisk, K::Nic, K::SystemUuid, K::TpmEk];
    key.activate(&numbered(&FULL, &second, 1, 2));
    assert_eq!(key.account.computers()[1].counts.len(), 2);
    let board =
        own(Rules { kinds: points(&[(K::BoardSerial, 34), (K::OsDisk, 10)]), ..Rules::hw_v1() });
    let (_, differing) = replayed(&board, &key);
    assert!(differing.len() == 1 && differing[0].is_of_another_computer(), "{differing:?}");
}

fn points(changed: &[(K, u32)]) -> [KindPolicy; 13] {
    hw_v1::TABLE.map(|it| {
        let points = changed.iter().find(|(kind, _)| *kind == it.kind);
        KindPolicy { points: points.map_or(it.points, |(_, points)| *points), ..it }
    })
}

#[test]
fn demoting_a_value_alone_changes_no_decision_into_a_counted_one() {
    let key = eventful();
    let demoted = vec![Demoted { kind: K::Nic, digest: part(K::Nic, 1), since: "own".to_owned() }];
    let (replay, _) = replayed(&own(Rules { demoted, ..Rules::hw_v1() }), &key);
    assert_eq!(replay.differing, 0, "the weak match by the address stays what it was");
}

#[test]
fn what_rests_on_erased_evidence_is_left_out() {
    let mut key = eventful();
    let Body::Activated(activated) = &mut key.history[1].body else { panic!("the first count") };
    activated.evidence = std::sync::Arc::default();
    let (replay, differing) = replayed(policy(), &key);
    assert_eq!((replay.erased, replay.decisions), (2, 1), "the count and the match on it");
    assert!(differing.is_empty());
}
