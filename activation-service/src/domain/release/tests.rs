//! Who may release what.

use std::sync::Arc;

use super::*;
use crate::domain::command::Command;
use crate::domain::event::RequestStamp;
use crate::domain::ids::{ActivationId, RequestId};
use crate::domain::specimens::{FULL, Key, computer, numbered, origin, terms};
use crate::domain::terms::Terms;
use hardware_evidence::ComponentKind as K;

fn command(activation: ActivationId, requester: Requester, id: u8) -> Command {
    let request = RequestStamp::release(RequestId([id; 16]), activation);
    Command::Release(Release { activation, requester, request, origin: origin() })
}

fn activated(key: &mut Key, evidence: &Evidence) -> ActivationId {
    match key.activate(evidence).result {
        Ok(Answer::Activated(granted)) => granted.activation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_policy_only_an_operator_releases() {
    let mut key = Key::new(terms(2));
    let computer = computer(&FULL, &[]);
    let id = activated(&mut key, &computer);
    let holder = Requester::KeyHolder(Arc::new(computer.clone()));
    let refused = key.run(&command(id, holder, 101));
    assert_eq!(refused.result, Err(Refusal::ReleaseNotAllowed));
    let refused = key.run(&command(id, Requester::Owner, 102));
    assert_eq!(refused.result, Err(Refusal::ReleaseNotAllowed));
    let done = key.run(&command(id, Requester::Operator, 103));
    let Ok(Answer::Released(released, proof)) = done.result else { panic!("{done:?}") };
    assert_eq!((released.used, released.last, released.by_policy), (0, true, false));
    assert_eq!(proof, key.account.head.version, "the release proves itself");
    assert_eq!((key.account.head.used, key.account.head.computers), (0, 0));

    let repeat = key.run(&command(id, Requester::Operator, 103));
    assert_eq!(
        repeat.result,
        Ok(Answer::Released(released, proof)),
        "a repeat gives up nothing more"
    );
    assert!(repeat.events.is_empty());
    let gone = key.run(&command(id, Requester::Operator, 104));
    assert_eq!(gone.result, Err(Refusal::ActivationReleased));
    let again = activated(&mut key, &computer);
    assert_ne!(again, id, "a released computer never matches again");
}

#[test]
fn a_key_holder_shows_evidence_of_the_very_computer_and_uses_the_policy_up() {
    let mut key = Key::new(Terms { releases_max: 1, ..terms(5) });
    let (here, there) = (computer(&FULL, &[]), numbered(&FULL, &[], 7, 0));
    let (id, other) = (activated(&mut key, &here), activated(&mut key, &there));
    let by = |evidence: &Evidence| Requester::KeyHolder(Arc::new(evidence.clone()));
    let refused = key.run(&command(other, by(&here), 101));
    assert_eq!(refused.result, Err(Refusal::EvidenceNotMatching));
    let poor = computer(&[K::OsDisk, K::Nic, K::Cpu], &[]);
    let refused = key.run(&command(id, by(&poor), 102));
    assert!(matches!(refused.result, Err(Refusal::InsufficientEvidence(_))));
    let nobody = key.run(&command(ActivationId([0; 16]), by(&here), 103));
    assert_eq!(nobody.result, Err(Refusal::ActivationNotFound));
    let done = key.run(&command(id, by(&here), 104));
    assert!(matches!(done.result, Ok(Answer::Released(r, _)) if r.by_policy && r.used == 1));
    let spent = key.run(&command(other, by(&there), 105));
    assert_eq!(spent.result, Err(Refusal::ReleaseLimitReached { releases_max: 1 }));
}

#[test]
fn evidence_chooses_the_count_and_otherwise_the_latest_goes() {
    let mut key = Key::new(Terms { releases_max: 9, ..terms(5) });
    let (before, board) = (computer(&FULL, &[]), [K::BoardSerial, K::SystemUuid, K::Nic]);
    let id = activated(&mut key, &before);
    activated(&mut key, &computer(&FULL, &[&board[..], &[K::TpmEk]].concat()));
    let by = Requester::KeyHolder(Arc::new(before));
    let done = key.run(&command(id, by, 101));
    assert!(matches!(done.result, Ok(Answer::Released(r, _)) if r.count == 2 && !r.last));
    let done = key.run(&command(id, Requester::Owner, 102));
    assert!(matches!(done.result, Ok(Answer::Released(r, _)) if r.count == 3 && r.last));
}

#[test]
fn neither_a_spent_weak_quota_nor_a_better_match_elsewhere_stops_a_release() {
    use crate::domain::specimens::JUNK_BOARD;
    let by = |evidence: &Evidence| Requester::KeyHolder(Arc::new(evidence.clone()));
    let weak = computer(&[K::Nic, K::BoardModel, K::Cpu, K::Gpu, K::RamRange], &[]);
    let mut key = Key::new(Terms { releases_max: 9, ..terms(9) });
    let id = activated(&mut key, &weak);
    (0..2).for_each(|_| drop(key.activate(&weak)));
    let done = key.run(&command(id, by(&weak), 101));
    assert!(matches!(done.result, Ok(Answer::Released(..))), "{:?}", done.result);

    // Twins with junk boards; the first one now holds the disk of the second.
    let mut key = Key::new(Terms { releases_max: 9, ..terms(9) });
    let first = computer(&JUNK_BOARD, &[]);
    let id = activated(&mut key, &first);
    activated(&mut key, &computer(&JUNK_BOARD, &[K::OsDisk, K::Nic]));
    let swapped = computer(&JUNK_BOARD, &[K::OsDisk]);
    let done = key.run(&command(id, by(&swapped), 102));
    assert!(matches!(done.result, Ok(Answer::Released(..))), "{:?}", done.result);
}
