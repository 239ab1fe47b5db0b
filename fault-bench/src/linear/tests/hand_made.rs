//! Small histories, each with one thing in it.

use crate::linear::search::check_within;
use crate::linear::{Action, Answer, Fault, History, No, Operation, Recorder, Start, View, check};

const START: Start = Start { limit: 2, version: 1 };

/// Operations one after the other, each with its call and return; no return for no answer.
fn history(operations: &[(u64, u64, Action, Answer)]) -> History {
    let operations = operations.iter().map(|(called, returned, action, answer)| Operation {
        called: *called,
        returned: (*answer != Answer::Unknown).then_some(*returned),
        action: *action,
        answer: *answer,
    });
    History { start: START, operations: operations.collect() }
}

fn activate(computer: u64, request: u128) -> Action {
    Action::Activate { computer, request }
}

/// The activation of a computer is a hundred and its number.
fn granted(computer: u64, used: u32, proof: u64) -> Answer {
    let activation = 100 + u128::from(computer);
    Answer::Granted { counted: true, activation, used, limit: 2, proof: Some(proof) }
}

fn uncounted(computer: u64, used: u32, proof: u64) -> Answer {
    let activation = 100 + u128::from(computer);
    Answer::Granted { counted: false, activation, used, limit: 2, proof: Some(proof) }
}

fn key(used: u32, version: u64) -> Answer {
    let (suspended, blocked, version) = (false, false, Some(version));
    Answer::Key(View { used, limit: 2, suspended, blocked, version })
}

fn accepted(operations: &[(u64, u64, Action, Answer)]) {
    check(&history(operations)).unwrap();
}

fn rejected(operations: &[(u64, u64, Action, Answer)]) {
    let fault = check(&history(operations)).unwrap_err();
    assert!(matches!(fault, Fault::Rejected(_)), "{fault}");
}

#[test]
fn one_after_the_other() {
    accepted(&[
        (1, 2, activate(1, 1), granted(1, 1, 2)),
        (3, 4, activate(1, 2), uncounted(1, 1, 2)),
        (5, 6, activate(2, 3), granted(2, 2, 3)),
        (7, 8, activate(3, 4), Answer::Refused(No::LimitReached)),
        (9, 10, activate(3, 4), Answer::Refused(No::LimitReached)),
        (11, 12, activate(1, 1), granted(1, 1, 2)),
        (13, 14, Action::Read, key(2, 4)),
    ]);
}

#[test]
fn a_release_makes_room_and_the_computer_is_new_again() {
    let release = |request| Action::Release { activation: 101, request };
    let released = Answer::Released { count: 2, used: 0, limit: 2, proof: Some(3) };
    let again = Answer::Granted { counted: true, activation: 7, used: 1, limit: 2, proof: Some(5) };
    accepted(&[
        (1, 2, activate(1, 1), granted(1, 1, 2)),
        (3, 4, release(2), released),
        (5, 6, release(3), Answer::Refused(No::ActivationReleased)),
        (7, 8, activate(1, 4), again),
        (9, 10, release(2), released),
        (
            11,
            12,
            Action::Release { activation: 9, request: 5 },
            Answer::Refused(No::ActivationNotFound),
        ),
        (13, 14, Action::Read, key(1, 5)),
    ]);
}

#[test]
fn standing_and_limit_are_obeyed() {
    let view = |limit, suspended, blocked, version| {
        Answer::Key(View { used: 0, limit, suspended, blocked, version: Some(version) })
    };
    let suspend = |suspended, generation| Action::SetSuspension { suspended, generation };
    accepted(&[
        (1, 2, Action::SetLimit(0), view(0, false, false, 2)),
        (3, 4, activate(1, 1), Answer::Refused(No::LimitReached)),
        (5, 6, suspend(true, 2), view(0, true, false, 4)),
        (7, 8, suspend(false, 1), view(0, true, false, 4)),
        (9, 10, activate(1, 1), Answer::Refused(No::Suspended)),
        (11, 12, Action::SetBlocked(true), view(0, true, true, 6)),
        (13, 14, activate(1, 1), Answer::Refused(No::Blocked)),
        (15, 16, Action::Read, view(0, true, true, 7)),
    ]);
}

#[test]
fn concurrent_operations_take_either_order() {
    accepted(&[
        (1, 10, activate(1, 1), granted(1, 2, 3)),
        (2, 9, activate(2, 2), granted(2, 1, 2)),
        (3, 8, Action::Read, key(1, 2)),
        (4, 7, Action::Read, key(0, 1)),
    ]);
}

#[test]
fn what_was_never_answered_happened_late_or_never() {
    let lost = (1, 0, activate(1, 1), Answer::Unknown);
    accepted(&[lost, (2, 3, Action::Read, key(0, 1)), (4, 5, Action::Read, key(1, 2))]);
    accepted(&[lost, (2, 3, Action::Read, key(0, 1)), (4, 5, Action::Read, key(0, 1))]);
    rejected(&[lost, (2, 3, Action::Read, key(1, 2)), (4, 5, Action::Read, key(0, 1))]);
}

#[test]
fn a_lost_answer_is_learnt_by_a_repeat() {
    let lost = (1, 0, activate(1, 1), Answer::Unknown);
    // The other computer comes in between, and the repeat tells what was recorded before it.
    accepted(&[
        lost,
        (2, 3, activate(2, 2), granted(2, 2, 3)),
        (4, 5, activate(1, 1), granted(1, 1, 2)),
    ]);
    // Another request of that computer learns the name of its activation.
    accepted(&[
        lost,
        (2, 3, activate(1, 2), uncounted(1, 1, 2)),
        (
            4,
            5,
            Action::Release { activation: 101, request: 3 },
            Answer::Released { count: 2, used: 0, limit: 2, proof: Some(3) },
        ),
    ]);
}

#[test]
fn a_stale_read_is_rejected() {
    rejected(&[(1, 2, activate(1, 1), granted(1, 1, 2)), (3, 4, Action::Read, key(0, 1))]);
}

#[test]
fn a_lost_count_is_rejected() {
    rejected(&[(1, 2, activate(1, 1), granted(1, 1, 2)), (3, 4, activate(2, 2), granted(2, 1, 2))]);
}

#[test]
fn a_request_that_counts_twice_is_rejected() {
    rejected(&[
        (1, 0, activate(1, 1), Answer::Unknown),
        (2, 3, activate(1, 1), granted(1, 1, 2)),
        (4, 5, Action::Read, key(2, 3)),
    ]);
}

#[test]
fn a_count_above_the_limit_is_rejected() {
    rejected(&[
        (1, 2, activate(1, 1), granted(1, 1, 2)),
        (3, 4, activate(2, 2), granted(2, 2, 3)),
        (5, 6, activate(3, 3), granted(3, 3, 4)),
    ]);
}

#[test]
fn versions_out_of_order_are_rejected() {
    rejected(&[(1, 2, activate(1, 1), granted(1, 1, 3)), (3, 4, activate(2, 2), granted(2, 2, 2))]);
}

#[test]
fn an_answer_that_is_taken_back_is_rejected() {
    rejected(&[
        (1, 2, activate(1, 1), granted(1, 1, 2)),
        (3, 4, activate(1, 1), Answer::Refused(No::LimitReached)),
    ]);
    rejected(&[
        (1, 2, activate(1, 1), granted(1, 1, 2)),
        (3, 4, activate(1, 1), uncounted(1, 1, 2)),
    ]);
}

#[test]
fn a_name_for_two_computers_is_rejected() {
    rejected(&[
        (1, 2, activate(1, 1), granted(1, 1, 2)),
        (
            3,
            4,
            activate(2, 2),
            Answer::Granted { counted: true, activation: 101, used: 2, limit: 2, proof: Some(3) },
        ),
    ]);
}

#[test]
fn a_refusal_without_a_cause_is_rejected() {
    rejected(&[
        (1, 2, activate(1, 1), granted(1, 1, 2)),
        (3, 4, activate(2, 2), Answer::Refused(No::LimitReached)),
    ]);
}

#[test]
fn what_is_too_much_to_search_is_undecided_and_never_accepted() {
    let mut operations: Vec<_> = (1..=40)
        .map(|number| (number, 0, activate(number, u128::from(number)), Answer::Unknown))
        .collect();
    operations.push((50, 51, Action::Read, key(41, 42)));
    let history = History { start: Start { limit: 100, version: 1 }, ..history(&operations) };
    let fault = check_within(&history, 2_000).unwrap_err();
    assert!(matches!(fault, Fault::Undecided(2_000, _)), "{fault}");
}

#[test]
fn a_return_before_its_call_is_no_history() {
    let backwards = history(&[(2, 1, Action::Read, key(0, 1))]);
    assert_eq!(check(&backwards), Err(Fault::Backwards { called: 2, returned: 1 }));
}

#[test]
fn the_recorder_keeps_the_order_in_which_it_is_told() {
    let recorder = Recorder::default();
    recorder.begin(7, START);
    assert!(recorder.call(8, Action::Read).is_none(), "a history that was not begun");
    let first = recorder.call(7, activate(1, 1)).unwrap();
    let second = recorder.clone().call(7, Action::Read).unwrap();
    recorder.answer(second, key(0, 1));
    recorder.answer(first, granted(1, 1, 2));
    let _lost = recorder.call(7, activate(2, 2)).unwrap();
    let history = recorder.histories().remove(&7).unwrap();
    let times: Vec<_> = history.operations.iter().map(|o| (o.called, o.returned)).collect();
    assert_eq!(times, [(2, Some(5)), (3, Some(4)), (6, None)]);
    check(&history).unwrap();
}
