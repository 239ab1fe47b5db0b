//! The order of checks and the counting rules, on whole keys.

use hardware_evidence::ComponentKind as K;

use super::*;
use crate::domain::command::Command;
use crate::domain::event::{Event, RequestStamp};
use crate::domain::matching::KindVerdict;
use crate::domain::specimens::{
    FULL, JUNK_BOARD, Key, NOON_MS, UNITS, VM, computer, numbered, policy, terms,
};
use crate::domain::terms::{Platform, Platforms, Terms};

fn outcome(decision: &Decision) -> Outcome {
    match &decision.result {
        Ok(Answer::Activated(granted)) => granted.outcome,
        other => panic!("no activation: {other:?}"),
    }
}

fn granted(decision: Decision) -> Granted {
    match decision.result {
        Ok(Answer::Activated(granted)) => granted,
        other => panic!("no activation: {other:?}"),
    }
}

fn refusal(decision: &Decision) -> Refusal {
    decision.result.clone().expect_err("a refusal")
}

fn other(number: u8) -> Evidence {
    numbered(&FULL, &[], number, 0)
}

#[test]
fn r6_r7_r8_count_as_the_source_says() {
    let mut key = Key::new(terms(5));
    assert_eq!(outcome(&key.activate(&computer(&FULL, &[]))), Outcome::CountedNewComputer);
    let again = key.activate(&computer(&FULL, &[]));
    assert_eq!(outcome(&again), Outcome::NotCountedSameComputer);
    assert!(again.events.is_empty(), "a plain repeat records nothing");
    let disk = granted(key.activate(&computer(&FULL, &[K::OsDisk])));
    assert_eq!((disk.outcome, disk.used), (Outcome::NotCountedSameComputer, 1));
    assert_eq!(disk.explanation.score, Some(80));

    let board = [K::BoardSerial, K::SystemUuid, K::Nic, K::TpmEk];
    let replaced = granted(key.activate(&computer(&FULL, &board)));
    assert_eq!((replaced.outcome, replaced.used), (Outcome::CountedSignificantChange, 2));
    assert_eq!(replaced.explanation.score, Some(41));
    assert_eq!(replaced.activation, disk.activation, "the same computer keeps its id");
    assert_eq!(key.account.computers().len(), 1);
    assert_eq!(key.account.head.computers, 1);
}

#[test]
fn every_grant_names_the_event_that_proves_it() {
    let mut key = Key::new(terms(5));
    let counted = granted(key.activate(&other(1)));
    assert_eq!(counted.proof, key.account.head.version, "a count proves itself");
    key.activate(&other(2));
    let first = Command::Activate(key.command(&other(1)));
    let same = granted(key.run(&first));
    assert_eq!(same.outcome, Outcome::NotCountedSameComputer);
    assert_eq!(same.proof, counted.proof, "a plain repeat rests on its count");

    let command = Command::Activate(key.command(&other(3)));
    let third = granted(key.run(&command));
    key.activate(&other(4));
    assert_eq!(granted(key.run(&command)).proof, third.proof, "a repeat of a recorded request");
}

#[test]
fn a_count_stays_good_for_what_it_was_paid_for() {
    let mut key = Key::new(terms(5));
    let board = [K::BoardSerial, K::SystemUuid, K::Nic, K::TpmEk];
    key.activate(&computer(&FULL, &[]));
    key.activate(&computer(&FULL, &board));
    let back = granted(key.activate(&computer(&FULL, &[])));
    assert_eq!((back.outcome, back.used), (Outcome::NotCountedSameComputer, 2));

    // The disk moves to another computer: that one is counted, the first one still stands.
    let mut moved = numbered(&FULL, &[K::OsDisk], 7, 1);
    let elsewhere = granted(key.activate(&moved));
    assert_eq!(elsewhere.outcome, Outcome::CountedSignificantChange, "an anchor of 20 points");
    moved = computer(&FULL, &[K::OsDisk]);
    assert_eq!(outcome(&key.activate(&moved)), Outcome::NotCountedSameComputer);
}

#[test]
fn r10_the_limit_stops_new_computers_and_never_an_unchanged_one() {
    let mut key = Key::new(terms(2));
    key.activate(&other(1));
    key.activate(&other(2));
    let third = key.activate(&other(3));
    assert_eq!(refusal(&third), Refusal::LimitReached { used: 2, limit: 2 });
    assert_eq!(third.events.len(), 1, "the first refusal since the last count is recorded");
    let fourth = key.activate(&other(4));
    assert_eq!(refusal(&fourth), Refusal::LimitReached { used: 2, limit: 2 });
    assert!(fourth.events.is_empty(), "a repeated refusal writes nothing");
    let first = granted(key.activate(&other(1)));
    assert_eq!((first.outcome, first.used), (Outcome::NotCountedSameComputer, 2));
}

#[test]
fn r10_exceeded_limits_refuse_too() {
    use crate::domain::command::{Settings, Update};
    let mut key = Key::new(terms(3));
    (1..=3).for_each(|number| drop(key.activate(&other(number))));
    let settings = Settings { limit: Some(1), ..Settings::default() };
    let origin = crate::domain::specimens::origin();
    key.run(&Command::Update(Box::new(Update { settings, origin })));
    let refused = key.activate(&other(4));
    assert_eq!(refusal(&refused), Refusal::LimitReached { used: 3, limit: 1 });
    assert_eq!(key.account.head.remaining(), 0);
}

#[test]
fn f5_every_activation_counts_and_a_repeat_still_does_not() {
    let mut key = Key::new(Terms { counting_mode: CountingMode::EveryActivation, ..terms(3) });
    let command = key.command(&other(1));
    let command = Command::Activate(command);
    assert_eq!(outcome(&key.run(&command)), Outcome::CountedEveryActivation);
    let repeat = key.run(&command);
    assert!(repeat.events.is_empty());
    assert_eq!(granted(repeat).used, 1);
    let again = granted(key.activate(&other(1)));
    assert_eq!((again.outcome, again.used), (Outcome::CountedEveryActivation, 2));
    assert_eq!(key.account.computers().len(), 1, "it is still one computer");
    key.activate(&other(1));
    let refused = key.activate(&other(1));
    assert!(matches!(refusal(&refused), Refusal::LimitReached { .. }));
}

#[test]
fn a_recorded_request_answers_the_same_whatever_happened_since() {
    use crate::domain::command::{Settings, Update};
    let mut key = Key::new(terms(5));
    let command = Command::Activate(key.command(&other(1)));
    let first = granted(key.run(&command));
    key.activate(&other(2));
    let settings = Settings { blocked: Some(true), ..Settings::default() };
    let origin = crate::domain::specimens::origin();
    key.run(&Command::Update(Box::new(Update { settings, origin })));
    let repeat = granted(key.run(&command));
    assert_eq!(Granted { known: false, ..repeat }, first, "used is still 1, though blocked");
    let unrecorded = key.activate(&other(1));
    let cause = Some(Reason::Blocked);
    assert_eq!(refusal(&unrecorded), Refusal::KeyNotUsable { cause });
}

#[test]
fn a_request_id_with_another_payload_is_refused() {
    let mut key = Key::new(terms(5));
    let first = key.command(&other(1));
    key.run(&Command::Activate(first.clone()));
    let mut second = key.command(&other(2));
    let evidence = &second.evidence;
    second.request =
        RequestStamp::activate(first.request.id, &second.product, evidence, second.platform);
    assert_eq!(refusal(&key.run(&Command::Activate(second))), Refusal::RequestIdReused);
    assert_eq!(key.account.head.used, 1);
}

#[test]
fn checks_come_in_the_stated_order() {
    // Everything is wrong at once; each mended fault uncovers the next one.
    let mut key = Key::new(Terms {
        platforms: Platforms::ALL.with(Platform::Linux),
        activate_by_ms: Some(NOON_MS - 1),
        ..terms(0)
    });
    key.account.head.blocked = true;
    key.account.head.suspension.suspended = true;
    let mut command = key.command(&computer(&[K::Cpu], &[]));
    command.product = "products/other".to_owned();
    let mut refused = |change: &mut dyn FnMut(&mut Account, &mut Activate)| {
        change(&mut key.account, &mut command);
        refusal(&decide(policy(), &key.account, &command))
    };
    let blocked = Refusal::KeyNotUsable { cause: Some(Reason::Blocked) };
    assert_eq!(refused(&mut |_, _| {}), blocked);
    let product = Refusal::KeyNotUsable { cause: Some(Reason::OtherProduct) };
    assert_eq!(refused(&mut |account, _| account.head.blocked = false), product);
    let mend = &mut |account: &mut Account, command: &mut Activate| {
        command.product.clone_from(&account.head.terms.product);
    };
    assert_eq!(refused(mend), Refusal::Suspended);
    let platform = refused(&mut |account, _| account.head.suspension.suspended = false);
    assert!(matches!(platform, Refusal::PlatformNotAllowed { .. }), "F10");
    let evidence = refused(&mut |_, command| command.platform = Platform::Linux);
    assert!(matches!(evidence, Refusal::InsufficientEvidence(_)));
    let late = refused(&mut |_, command| command.evidence = Arc::new(other(1)));
    assert_eq!(late, Refusal::ActivateByPassed { activate_by_ms: NOON_MS - 1 });
    let full = refused(&mut |account, _| account.head.terms.activate_by_ms = None);
    assert_eq!(full, Refusal::LimitReached { used: 0, limit: 0 });
}

#[test]
fn leaving_changed_parts_out_gains_nothing() {
    let mut key = Key::new(terms(5));
    key.activate(&computer(&FULL, &[]));
    let few = key.activate(&computer(&[K::OsDisk, K::Nic, K::Cpu], &[]));
    let Refusal::InsufficientEvidence(shortage) = refusal(&few) else { panic!("{few:?}") };
    assert!(shortage.below_floor, "the anchors match, but half of the baseline is missing");
    assert_eq!(key.account.head.used, 1);
}

#[test]
fn a_tpm_alone_makes_no_known_computer_whatever_is_left_out() {
    let kinds = [
        K::TpmEk,
        K::BoardModel,
        K::Cpu,
        K::Gpu,
        K::RamRange,
        K::ChassisSerial,
        K::Nic,
        K::SystemUuid,
    ];
    let mut key = Key::new(terms(5));
    key.activate(&computer(&kinds, &[]));
    let whole = key.activate(&computer(&kinds, &[K::Nic, K::SystemUuid]));
    assert_eq!(outcome(&whole), Outcome::CountedNewComputer, "26 of 56 points match");
    let mut key = Key::new(terms(5));
    key.activate(&computer(&kinds, &[]));
    let part = key.activate(&computer(&kinds[..7], &[K::Nic]));
    assert_eq!(outcome(&part), Outcome::CountedNewComputer, "26 of 41 points match");
}

#[test]
fn too_little_beside_one_count_does_not_hide_a_change_of_another() {
    let mut key = Key::new(terms(5));
    key.activate(&computer(&FULL, &[]));
    // A computer that shows 48 points and never more; then it gets the first one's disk.
    let poor = [K::OsDisk, K::Nic, K::Cpu, K::Gpu, K::RamRange];
    let second = granted(key.activate(&numbered(&poor, &[], 7, 0)));
    let moved = granted(key.activate(&numbered(&poor, &[K::OsDisk], 7, 1)));
    assert_eq!(moved.outcome, Outcome::CountedSignificantChange);
    assert_eq!(moved.activation, second.activation);
}

#[test]
fn a_weak_match_is_good_twice_and_then_counts() {
    let mut key = Key::new(terms(5));
    key.activate(&computer(&JUNK_BOARD, &[]));
    for weak_matches in 1..=2 {
        let weak = key.activate(&computer(&JUNK_BOARD, &[K::OsDisk]));
        assert_eq!(weak.events.len(), 1, "a weak match is recorded");
        let granted = granted(weak);
        assert_eq!(granted.outcome, Outcome::NotCountedSameComputer);
        assert!(granted.explanation.weak);
        assert_eq!(granted.explanation.score, Some(62));
        assert_eq!(key.account.counts.get(0).expect("a count").weak_matches, weak_matches);
    }
    let counted = granted(key.activate(&computer(&JUNK_BOARD, &[K::OsDisk])));
    assert_eq!(counted.outcome, Outcome::CountedSignificantChange);
    let own = granted(key.activate(&computer(&JUNK_BOARD, &[K::OsDisk])));
    assert!(!own.explanation.weak, "it has a baseline of its own now");
}

#[test]
fn the_highest_score_wins_and_then_the_most_recent_count() {
    let mut key = Key::new(terms(9));
    let first = granted(key.activate(&numbered(&VM, &[], 1, 0)));
    let second = granted(key.activate(&numbered(&VM, &[], 2, 0)));
    // Half of each: SYSTEM_UUID of the first (15), NIC of the second (15), else new parts.
    let mixed: Vec<_> = [(K::SystemUuid, 1), (K::Nic, 2), (K::OsDisk, 3), (K::Cpu, 3)]
        .into_iter()
        .map(|(kind, number)| numbered(&[kind], &[], number, 0).components()[0].clone())
        .collect();
    let mixed = granted(key.activate(&Evidence::new(mixed).expect("valid")));
    assert_eq!(mixed.outcome, Outcome::CountedSignificantChange);
    assert_eq!(mixed.activation, second.activation, "equal scores: the later one");
    assert_ne!(mixed.activation, first.activation);
}

#[test]
fn a_handle_suffices_alone_only_where_allowed() {
    let report = |number| numbered(&[K::OperatorHandle], &[], number, 0);
    let mut key = Key::new(terms(5));
    assert!(matches!(refusal(&key.activate(&report(1))), Refusal::InsufficientEvidence(_)));
    let mut key = Key::new(Terms { handle_allowed: true, ..terms(2) });
    assert_eq!(outcome(&key.activate(&report(1))), Outcome::CountedNewComputer);
    assert_eq!(outcome(&key.activate(&report(1))), Outcome::NotCountedSameComputer);
    assert_eq!(outcome(&key.activate(&report(2))), Outcome::CountedNewComputer);
    assert!(matches!(refusal(&key.activate(&report(3))), Refusal::LimitReached { .. }));
}

#[test]
fn a_key_only_caller_learns_kinds_only_where_an_anchor_matched() {
    let mut key = Key::new(terms(5));
    key.activate(&computer(&FULL, &[]));
    let stranger = granted(key.activate(&numbered(&VM, &[], 8, 0)));
    assert_eq!(stranger.explanation.score, None);
    assert!(
        stranger
            .explanation
            .kinds
            .iter()
            .all(|(_, verdict)| { matches!(verdict, KindVerdict::Absent | KindVerdict::Junk) })
    );
}

#[test]
fn the_time_shown_never_runs_backwards() {
    let mut key = Key::new(terms(5));
    let mut late = key.command(&other(1));
    late.origin.time_ms = NOON_MS + 400 * 86_400_000;
    key.run(&Command::Activate(late));
    key.activate(&other(2));
    let shown: Vec<_> = key.history.iter().map(|e: &Event| e.shown_ms).collect();
    assert!(shown.is_sorted(), "{shown:?}");
    assert_eq!(key.account.head.used, 2, "no count reads the clock");
}

/// What a report of each kind of machine comes to on a key that knows a machine of that kind.
#[test]
fn kinds_of_machines_as_a_table() {
    const CONTAINER: [K; 3] = [K::Cpu, K::RamRange, K::OsInstallId];
    const POOR: [K; 5] = [K::BoardModel, K::Nic, K::Cpu, K::Gpu, K::RamRange];
    let same = Some(Outcome::NotCountedSameComputer);
    let changed = Some(Outcome::CountedSignificantChange);
    let new = Some(Outcome::CountedNewComputer);
    type Row<'a> = (&'static str, &'a [K], &'a [K], Option<Outcome>);
    let unreadable = [K::BoardSerial, K::SystemUuid, K::OsDisk, K::TpmEk, K::ChassisSerial];
    let table: [Row; 13] = [
        ("laptop, reinstalled", &FULL, &[], same),
        ("laptop, new disk and memory", &FULL, &[K::OsDisk, K::RamRange], same),
        ("laptop, board replaced by service", &FULL, &[K::BoardSerial, K::Nic, K::TpmEk], changed),
        ("laptop of the same model", &FULL, &UNITS, new),
        ("desktop without serials, new graphics", &JUNK_BOARD, &[K::Gpu], same),
        ("desktop without serials, new disk", &JUNK_BOARD, &[K::OsDisk], same),
        ("desktop without serials, its twin", &JUNK_BOARD, &[K::OsDisk, K::Nic], new),
        ("VM on another host", &VM, &[K::Cpu, K::Gpu], same),
        ("VM with a new disk image", &VM, &[K::OsDisk], same),
        ("VM copied with new ids", &VM, &[K::SystemUuid, K::OsDisk, K::Nic], new),
        ("laptop without administrator", &POOR, &[], same),
        ("container without a handle", &CONTAINER, &[], None),
        ("container started again", &CONTAINER, &[K::OsInstallId], None),
    ];
    for (name, kinds, parts, wanted) in table {
        let mut key = Key::new(terms(9));
        let first = key.activate(&computer(kinds, &[]));
        let again = key.activate(&computer(kinds, parts));
        match wanted {
            Some(wanted) => assert_eq!(outcome(&again), wanted, "{name}"),
            None => {
                for decision in [first, again] {
                    let refused = matches!(refusal(&decision), Refusal::InsufficientEvidence(_));
                    assert!(refused, "{name}");
                }
                assert_eq!(key.account.head.used, 0, "{name}");
            }
        }
    }
    // First as an administrator and then not: too little of the baseline is left to tell.
    let mut key = Key::new(terms(9));
    key.activate(&computer(&FULL, &[]));
    let kinds: Vec<K> = FULL.into_iter().filter(|kind| !unreadable.contains(kind)).collect();
    let Refusal::InsufficientEvidence(shortage) = refusal(&key.activate(&computer(&kinds, &[])))
    else {
        panic!("it is not known for another computer")
    };
    assert!(shortage.below_floor);
}
