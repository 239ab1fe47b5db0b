//! Computers and accounts drawn at random, so that parts are often the same.

use std::sync::Arc;

use hardware_evidence::ComponentKind as K;
use proptest::prelude::*;

use super::{FULL, Key, part, terms};
use crate::domain::account::{Account, Count};
use crate::domain::event::Outcome;
use crate::domain::evidence::{Component, Evidence};
use crate::domain::ids::ActivationId;
use crate::domain::terms::{Platform, Terms};

/// Computers that share parts often: few parts a kind, any kinds, sets of several. Every relation
/// of two of them occurs.
pub(crate) fn any_evidence() -> impl Strategy<Value = Evidence> {
    let kinds = [&FULL[..], &[K::OsInstallId, K::OperatorHandle]].concat();
    let parts = |kind: K| {
        let most = if kind.is_set() { 3 } else { 1 };
        proptest::collection::vec(prop_oneof![2 => Just(1_u8), 1 => 2..5_u8], 1..=most)
    };
    // Some kinds by two recipes, whose digests need not fit: a client may send anything.
    let newer = move |kind| proptest::option::weighted(0.15, parts(kind));
    let component = move |kind: K| (Just(kind), parts(kind), newer(kind));
    proptest::sample::subsequence(kinds, 1..12)
        .prop_flat_map(move |kinds| kinds.into_iter().map(component).collect::<Vec<_>>())
        .prop_map(|components| {
            let component = |kind, recipe, numbers: Vec<u8>| {
                let digests: Vec<_> =
                    numbers.into_iter().map(|number| part(kind, number)).collect();
                Component::new(kind, recipe, digests).expect("valid")
            };
            let both = components.into_iter().flat_map(|(kind, old, new)| {
                let new = new.map(|numbers| component(kind, 2, numbers));
                [Some(component(kind, 1, old)), new].into_iter().flatten()
            });
            Evidence::new(both.collect()).expect("valid")
        })
}

/// A count that a key holds.
pub(crate) fn held(number: u64, baseline: Evidence) -> Count {
    Count {
        number,
        activation: ActivationId([0; 16]),
        outcome: Outcome::CountedNewComputer,
        platform: Platform::Linux,
        created_ms: 0,
        policy_version: "hw-v1".into(),
        baseline: Arc::new(baseline),
        weak_matches: 0,
        clone_suspected: false,
        released: false,
        installs: Vec::new(),
    }
}

/// An account with some counts; how often a count matched weakly and whether it was released is
/// drawn too.
pub(crate) fn any_account(counts_max: usize) -> impl Strategy<Value = Account> {
    let count = (any_evidence(), 0..4_u8, any::<bool>());
    (any::<bool>(), proptest::collection::vec(count, 0..=counts_max)).prop_map(
        |(handle_allowed, counts)| {
            let mut account = Key::new(Terms { handle_allowed, ..terms(1_000) }).account;
            let count = |(number, (baseline, weak_matches, released))| Count {
                weak_matches,
                released,
                ..held(number, baseline)
            };
            account.counts = (2..).zip(counts).map(count).collect();
            account
        },
    )
}
