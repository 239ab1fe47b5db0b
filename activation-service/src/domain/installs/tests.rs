//! A reinstallation is no clone; two installations that take turns on the same hardware are.

use hardware_evidence::ComponentKind as K;

use super::*;
use crate::domain::command::{Answer, Decision, Granted};
use crate::domain::event::{Body, Outcome};
use crate::domain::specimens::{FULL, Key, computer, numbered, terms};

/// The full computer with these parts changed, under an installation.
fn running(installation: u8, changed: &[K]) -> Evidence {
    let os = numbered(&[K::OsInstallId], &[], installation, 0);
    let parts = computer(&FULL, changed);
    let all = [parts.components(), os.components()].concat();
    Evidence::new(all).expect("valid")
}

fn granted(decision: &Decision) -> &Granted {
    match &decision.result {
        Ok(Answer::Activated(granted)) => granted,
        other => panic!("no activation: {other:?}"),
    }
}

/// Activates under each installation in turn; of each what it says, and whether it was recorded.
fn turns(key: &mut Key, installations: &[u8]) -> Vec<(bool, bool)> {
    let mut seen = Vec::new();
    for installation in installations {
        let decision = key.activate(&running(*installation, &[]));
        let granted = granted(&decision);
        seen.push((granted.explanation.clone_suspected, !decision.events.is_empty()));
    }
    assert_eq!(key.account.head.used, 1, "shown, not punished");
    seen
}

/// Neither suspected nor recorded.
const USUAL: (bool, bool) = (false, false);
const RECORDED: (bool, bool) = (false, true);
const SUSPECTED: (bool, bool) = (true, true);
const KNOWN_SUSPECT: (bool, bool) = (true, false);

#[test]
fn what_each_order_of_installations_comes_to() {
    type Row = (&'static str, &'static [u8], &'static [(bool, bool)]);
    let table: [Row; 6] = [
        ("the same one", &[1, 1, 1], &[RECORDED, USUAL, USUAL]),
        ("one reinstallation", &[1, 2, 2, 2], &[RECORDED, RECORDED, USUAL, USUAL]),
        ("reinstalled often", &[1, 2, 3, 4], &[RECORDED, RECORDED, RECORDED, RECORDED]),
        ("A B A", &[1, 2, 1], &[RECORDED, RECORDED, SUSPECTED]),
        (
            "A B C B, once only",
            &[1, 2, 3, 2, 3, 1, 9],
            &[RECORDED, RECORDED, RECORDED, SUSPECTED, KNOWN_SUSPECT, KNOWN_SUSPECT, KNOWN_SUSPECT],
        ),
        ("the first one again later", &[1, 2, 3, 1], &[RECORDED, RECORDED, RECORDED, SUSPECTED]),
    ];
    for (name, installations, wanted) in table {
        let mut key = Key::new(terms(5));
        assert_eq!(turns(&mut key, installations), wanted, "{name}");
    }
}

#[test]
fn installations_are_recorded_up_to_a_bound() {
    let mut key = Key::new(terms(5));
    let all: Vec<u8> = (1..=40).collect();
    let seen = turns(&mut key, &all);
    let recorded = seen.iter().filter(|(_, is_recorded)| *is_recorded).count();
    assert_eq!(recorded, 1 + INSTALLS_MAX, "the baseline's and no more than the bound");
    assert!(seen.iter().all(|(is_suspected, _)| !is_suspected));
    assert_eq!(turns(&mut key, &[40, 8]), [USUAL, SUSPECTED], "what was recorded is still known");
}

#[test]
fn installations_are_those_of_a_count_and_the_suspicion_is_the_computers() {
    let mut key = Key::new(terms(5));
    key.activate(&running(1, &[]));
    // A second hardware state of the computer, with its own disk and system; then the old parts.
    let moved = [K::OsDisk, K::Nic, K::Cpu];
    let second = key.activate(&running(2, &moved));
    assert_eq!(granted(&second).outcome, Outcome::CountedSignificantChange);
    let back = key.activate(&running(1, &[]));
    assert!(!granted(&back).explanation.clone_suspected, "the old disk brings its own system");
    assert!(back.events.is_empty());
    key.activate(&running(3, &moved));
    let turns = key.activate(&running(2, &moved));
    assert!(granted(&turns).explanation.clone_suspected);
    let first = key.activate(&running(1, &[]));
    assert!(granted(&first).explanation.clone_suspected, "shown on all of the computer");
    assert!(first.events.is_empty(), "and recorded once");
}

#[test]
fn without_an_installation_in_the_baseline_nothing_is_said() {
    let mut key = Key::new(terms(5));
    key.activate(&computer(&FULL, &[]));
    for installation in [1, 2, 1] {
        let decision = key.activate(&running(installation, &[]));
        assert!(decision.events.is_empty() && !granted(&decision).explanation.clone_suspected);
    }
}

/// Earlier versions of the service suspected every other installation; such histories stay good.
#[test]
fn a_suspicion_that_was_recorded_at_once_leaves_no_installations_behind() {
    let mut key = Key::new(terms(5));
    key.activate(&running(1, &[]));
    let mut decision = key.activate(&running(2, &[]));
    let mut account = crate::domain::account::Account::open(&key.history[0]).expect("registered");
    account.apply(&key.history[1]).expect("counted");
    let Body::Activated(activated) = &mut decision.events[0].body else { panic!("recorded") };
    activated.explanation.clone_suspected = true;
    account.apply(&decision.events[0]).expect("suspected");
    let count = account.counts.get(0).expect("a count");
    assert!(count.clone_suspected && count.installs.is_empty());
}
