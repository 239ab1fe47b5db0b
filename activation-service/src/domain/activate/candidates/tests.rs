//! Looking at the counts that share an anchor finds what looking at all of them finds.

use std::sync::Arc;

use hardware_evidence::ComponentKind as K;
use proptest::prelude::*;

use super::*;
use crate::domain::event::Outcome;
use crate::domain::evidence::Component;
use crate::domain::ids::ActivationId;
use crate::domain::matching::worth;
use crate::domain::specimens::{FULL, Key, part, policy, terms};
use crate::domain::terms::{Platform, Terms};

/// Computers that share parts often: few parts a kind, any kinds, sets of several.
fn any_evidence() -> impl Strategy<Value = Evidence> {
    let kinds = [&FULL[..], &[K::OsInstallId, K::OperatorHandle]].concat();
    let parts = |kind: K| {
        let most = if kind.is_set() { 3 } else { 1 };
        proptest::collection::vec(1..6_u8, 1..=most)
    };
    let component = move |kind: K| parts(kind).prop_map(move |numbers| (kind, numbers));
    proptest::sample::subsequence(kinds, 1..12)
        .prop_flat_map(move |kinds| kinds.into_iter().map(component).collect::<Vec<_>>())
        .prop_map(|components| {
            let component = |(kind, numbers): (K, Vec<u8>)| {
                let digests = numbers.into_iter().map(|number| part(kind, number)).collect();
                Component::new(kind, 1, digests).expect("valid")
            };
            Evidence::new(components.into_iter().map(component).collect()).expect("valid")
        })
}

/// A count that a key holds.
fn held(number: u64, baseline: Evidence) -> Count {
    Count {
        number,
        activation: ActivationId([0; 16]),
        outcome: Outcome::CountedNewComputer,
        platform: Platform::Linux,
        created_ms: 0,
        baseline: Arc::new(baseline),
        weak_matches: 0,
        clone_suspected: false,
        released: false,
    }
}

/// An account with these baselines; how often a count matched weakly and whether it was released
/// is drawn too.
fn any_account() -> impl Strategy<Value = Account> {
    let count = (any_evidence(), 0..4_u8, any::<bool>());
    (any::<bool>(), proptest::collection::vec(count, 0..40)).prop_map(|(handle_allowed, counts)| {
        let mut account = Key::new(Terms { handle_allowed, ..terms(1_000) }).account;
        let count = |(number, (baseline, weak_matches, released))| Count {
            weak_matches,
            released,
            ..held(number, baseline)
        };
        account.counts = (2..).zip(counts).map(count).collect();
        account
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_index_finds_what_a_scan_finds(account in any_account(), report in any_evidence()) {
        let handle_allowed = account.head.terms.handle_allowed;
        let shown = worth(policy(), &report, handle_allowed);
        let found = candidates(policy(), &account, &report, shown);
        let scanned = among(policy(), account.held(), &report, shown, handle_allowed);
        prop_assert!(found.compared <= scanned.compared);
        prop_assert_eq!(Candidates { compared: scanned.compared, ..found }, scanned);
    }
}

/// Values that nothing else has, as real digests are.
fn stranger(number: u32) -> Evidence {
    let component = |kind: &K| {
        let mut digest = [kind.number(); 16];
        let spread = u64::from(number + 1).wrapping_mul(0xd134_2543_de82_ef95);
        digest[..8].copy_from_slice(&spread.to_be_bytes());
        Component::new(*kind, 1, vec![Digest(digest)]).expect("valid")
    };
    Evidence::new(FULL.iter().map(component).collect()).expect("valid")
}

#[test]
fn a_decision_looks_at_no_more_counts_on_a_key_of_5000_computers_than_on_one_of_5() {
    let compared = |computers: u32| {
        let mut account = Key::new(terms(10_000)).account;
        account.counts = (2..).zip((0..computers).map(stranger)).map(|(n, e)| held(n, e)).collect();
        [stranger(3), stranger(77_777)].map(|report| {
            let shown = worth(policy(), &report, false);
            candidates(policy(), &account, &report, shown).compared
        })
    };
    assert_eq!(compared(5), [1, 0], "the computer itself, and nothing for a new one");
    assert_eq!(compared(5_000), [1, 0]);
}
