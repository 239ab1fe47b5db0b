//! A newer recipe during its overlap with the old one, and values that are demoted later.

use hardware_evidence::ComponentKind as K;
use hardware_evidence::Digest;
use proptest::prelude::*;

use super::*;
use crate::domain::account::Count;
use crate::domain::command::{Command, Context};
use crate::domain::evidence::Component;
use crate::domain::matching::KindVerdict;
use crate::domain::policy::{Demoted, Rules};
use crate::domain::specimens::drawn::{any_account, any_evidence, held};
use crate::domain::specimens::{FULL, JUNK_BOARD, Key, computer, junk, part, policy, terms};

/// The digests of a report as a newer recipe makes them.
fn by_recipe(recipe: u8, report: &Evidence) -> Vec<Component> {
    let other = |digest: &Digest| Digest(digest.0.map(|byte| byte ^ recipe));
    let component = |it: &Component| {
        let digests: Vec<_> = it.digests().iter().map(other).collect();
        Component::new(it.kind(), recipe, digests).expect("valid")
    };
    report.components().iter().map(component).collect()
}

/// A report by recipe 1, by recipe 2, or by both.
fn by(recipes: &[u8], report: &Evidence) -> Evidence {
    let components = recipes.iter().flat_map(|recipe| match recipe {
        1 => report.components().to_vec(),
        newer => by_recipe(*newer, report),
    });
    Evidence::new(components.collect()).expect("valid")
}

fn outcome(decision: &Decision) -> Outcome {
    match &decision.result {
        Ok(Answer::Activated(granted)) => granted.outcome,
        other => panic!("no activation: {other:?}"),
    }
}

#[test]
fn a_baseline_gains_the_newer_digest_of_what_matched() {
    let mut key = Key::new(terms(5));
    let (old, new) = (computer(&FULL, &[]), computer(&FULL, &[K::OsDisk]));
    key.activate(&by(&[1], &old));
    let both = key.activate(&by(&[1, 2], &new));
    assert_eq!(outcome(&both), Outcome::NotCountedSameComputer);
    assert_eq!(both.events.len(), 1, "what a baseline gains is recorded");
    let baseline = &key.account.counts.get(0).expect("a count").baseline;
    let gained = |kind| baseline.of(kind).map(Component::recipe).collect::<Vec<_>>();
    assert_eq!(gained(K::BoardSerial), [1, 2]);
    assert_eq!(gained(K::OsDisk), [1], "the new disk is no part of what was paid for");
    assert!(key.activate(&by(&[1, 2], &new)).events.is_empty(), "recorded once");

    let later = key.activate(&by(&[2], &new));
    assert_eq!(outcome(&later), Outcome::NotCountedSameComputer, "by the newer recipe alone");
    assert!(later.events.is_empty());
    assert_eq!(key.account.head.used, 1);
}

#[test]
fn without_an_overlap_every_computer_looks_new() {
    let mut key = Key::new(terms(5));
    let report = computer(&FULL, &[]);
    key.activate(&by(&[1], &report));
    assert_eq!(outcome(&key.activate(&by(&[2], &report))), Outcome::CountedNewComputer);
}

#[test]
fn of_a_set_nothing_is_gained_while_it_shows_a_stranger() {
    let with = |numbers: &[u8]| {
        let digests: Vec<_> = numbers.iter().map(|number| part(K::Nic, *number)).collect();
        let nic = Component::new(K::Nic, 1, digests).expect("valid");
        let rest = FULL.into_iter().filter(|kind| *kind != K::Nic).collect::<Vec<_>>();
        let rest = computer(&rest, &[]);
        Evidence::new([rest.components(), &[nic]].concat()).expect("valid")
    };
    let all: Vec<_> = K::ALL.into_iter().map(|kind| (kind, KindVerdict::Matched)).collect();
    let baseline = with(&[1, 2]);
    let gains = |report: &Evidence| {
        let gained = baseline.gaining(&by(&[1, 2], report), &all).expect("it gains");
        gained.of(K::Nic).count() == 2
    };
    assert!(gains(&with(&[1, 2])) && gains(&with(&[2])));
    assert!(!gains(&with(&[2, 3])), "one of the new digests would be that of 3");
}

#[test]
fn two_recipes_of_a_kind_are_kept() {
    let all: Vec<_> = K::ALL.into_iter().map(|kind| (kind, KindVerdict::Matched)).collect();
    let report = computer(&FULL, &[]);
    let second = by(&[1], &report).gaining(&by(&[1, 2], &report), &all).expect("it gains");
    let third = second.gaining(&by(&[2, 3], &report), &all).expect("it gains");
    assert_eq!(third.of(K::Cpu).map(Component::recipe).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(third.gaining(&by(&[1, 2, 3], &report), &all), None, "nothing is newer");
}

/// The policy after hw-v1, in which these parts are placeholders.
fn demoting(parts: impl IntoIterator<Item = (K, u8)>) -> Policy {
    let since = "own".to_owned();
    let value = |(kind, number)| Demoted { kind, digest: part(kind, number), since: since.clone() };
    let demoted = parts.into_iter().map(value).collect();
    let follows = vec!["hw-v1".to_owned()];
    let rules = Rules { version: since.clone(), follows, demoted, ..Rules::hw_v1() };
    Policy::new(rules, junk()).expect("a policy")
}

/// A key with one count of this baseline, made under a version.
fn holding(version: &str, baseline: Evidence) -> Account {
    let mut account = Key::new(terms(9)).account;
    let count = Count { policy_version: version.into(), ..held(2, baseline) };
    account.counts = [count].into_iter().collect();
    (account.head.used, account.head.computers, account.head.version) = (1, 1, 2);
    account
}

fn under(policy: &Policy, account: &Account, report: &Evidence) -> Decision {
    let command = Command::Activate(Key::new(terms(9)).command(report));
    let (recorded, lookup_owner) = (None, None);
    let context = Context { policy, account: Some(account), recorded, lookup_owner };
    crate::domain::command::decide(context, &command)
}

/// Two computers of one model whose boards have no serial and the same 'built-in' address.
#[test]
fn twins_that_share_a_demoted_address_are_two_computers() {
    let (first, twin) = (computer(&JUNK_BOARD, &[]), computer(&JUNK_BOARD, &[K::OsDisk]));
    let before = under(policy(), &holding("hw-v1", first.clone()), &twin);
    assert_eq!(outcome(&before), Outcome::NotCountedSameComputer, "weakly: 62 %");
    let policy = demoting([(K::Nic, 1)]);
    let old = under(&policy, &holding("hw-v1", first.clone()), &twin);
    assert_eq!(outcome(&old), Outcome::NotCountedSameComputer, "a count made before the demotion");
    let new = under(&policy, &holding("own", first.clone()), &twin);
    assert_eq!(outcome(&new), Outcome::CountedNewComputer);
    let own = under(&policy, &holding("own", first.clone()), &first);
    assert_eq!(outcome(&own), Outcome::NotCountedSameComputer, "by its disk");
}

/// Which parts of the drawn computers are demoted.
fn any_demotion() -> impl Strategy<Value = Policy> {
    let value = (proptest::sample::select(FULL.to_vec()), 1..5_u8);
    proptest::collection::btree_set(value, 1..6).prop_map(demoting)
}

proptest! {
    #![proptest_config(ProptestConfig {
        max_global_rejects: 40_000,
        ..ProptestConfig::with_cases(600)
    })]

    #[test]
    fn demoting_alone_never_turns_an_unchanged_computer_into_a_counted_one(
        account in any_account(5),
        report in any_evidence(),
        later in any_demotion(),
    ) {
        let counted = |policy: &Policy| match under(policy, &account, &report).result {
            Ok(Answer::Activated(granted)) => Some(granted.outcome.is_counted()),
            _ => None,
        };
        prop_assume!(counted(policy()) == Some(false));
        prop_assert_ne!(counted(&later), Some(true));
    }

    #[test]
    fn the_index_finds_what_a_scan_finds_after_demotions_too(
        account in any_account(8),
        report in any_evidence(),
        later in any_demotion(),
        under_it in proptest::collection::vec(any::<bool>(), 8),
    ) {
        let mut account = account;
        let versions = under_it.into_iter().map(|own| if own { "own" } else { "hw-v1" });
        let counts = account.counts.iter().cloned().zip(versions);
        account.counts =
            counts.map(|(count, own)| Count { policy_version: own.into(), ..count }).collect();
        candidates::tests::same_as_a_scan(&later, &account, &report)?;
    }
}
