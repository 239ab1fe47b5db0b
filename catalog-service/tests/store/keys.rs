//! Product keys: one a benefit, one benefit a key, all or none of a batch, and exactly one first
//! reveal.

use catalog_service::domain::benefit::KeyState;
use catalog_service::domain::key::StuckReason;
use catalog_service::ports::{
    Keys, NewKey, NewReveal, Outbox, RecordOutcome, RevealCursor, StoreError,
};

use crate::world::{World, benefit, handle, key, partner};

fn is_recorded(outcome: &RecordOutcome) -> bool {
    matches!(outcome, RecordOutcome::Recorded(_))
}

#[tokio::test]
async fn a_recorded_key_reads_back_and_is_provisioning() {
    let world = World::enrolled().await;
    assert!(is_recorded(&world.record(key("x", 1)).await));
    let (assigned, sealed) =
        world.store.key_for(&benefit("x")).await.expect("read").expect("there");
    assert_eq!((assigned.key_id.clone(), sealed), (handle(1), key("x", 1).sealed));
    assert_eq!(assigned.state(), KeyState::Provisioning);
    assert_eq!(world.store.keys_of(&partner("p")).await.expect("read"), [assigned]);
    let due = world.store.due(5, i64::MAX, 10).await.expect("read");
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].terms, key("x", 1).terms);
    assert_eq!((due[0].wanted.generation, due[0].registered), (1, false));
}

#[tokio::test]
async fn r5_a_key_that_is_not_activated_is_ready_and_never_delivered() {
    let world = World::enrolled().await;
    world.record(NewKey { to_register: false, ..key("x", 1) }).await;
    let (assigned, _) = world.store.key_for(&benefit("x")).await.expect("read").expect("there");
    assert_eq!(assigned.state(), KeyState::Ready);
    assert!(world.store.due(i64::MAX, i64::MAX, 10).await.expect("read").is_empty());
}

#[tokio::test]
async fn the_same_key_again_is_a_success_and_every_other_one_is_taken() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    let same = NewKey { key_id: handle(9), ..key("x", 1) };
    match world.record(same).await {
        RecordOutcome::AlreadyThere(assigned) => assert_eq!(assigned.key_id, handle(1)),
        other => panic!("{other:?}"),
    }
    let mut other_terms = NewKey { key_id: handle(9), ..key("x", 1) };
    other_terms.terms.operator_handle_allowed = false;
    for taken in [
        key("x", 2),
        other_terms,
        NewKey { issued: true, ..key("x", 3) },
        NewKey { key_id: handle(9), ..key("y", 1) },
    ] {
        assert_eq!(world.record(taken).await, RecordOutcome::Taken);
    }
}

#[tokio::test]
async fn asking_again_for_an_issued_key_issues_no_second_one() {
    let world = World::enrolled().await;
    world.record(NewKey { issued: true, ..key("x", 1) }).await;
    match world.record(NewKey { issued: true, ..key("x", 2) }).await {
        RecordOutcome::AlreadyThere(assigned) => assert_eq!(assigned.key_id, handle(1)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_taken_key_keeps_the_whole_batch_out() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    let outcomes = world
        .store
        .record_keys(&[key("y", 2), key("x", 3), key("z", 2)], 5, true)
        .await
        .expect("asked");
    assert!(is_recorded(&outcomes[0]));
    assert_eq!(outcomes[1..], [RecordOutcome::Taken, RecordOutcome::Taken]);
    assert_eq!(world.store.keys_of(&partner("p")).await.expect("read").len(), 1);
}

#[tokio::test]
async fn validating_records_nothing() {
    let world = World::enrolled().await;
    let outcomes = world.store.record_keys(&[key("x", 1)], 5, false).await.expect("asked");
    assert!(is_recorded(&outcomes[0]));
    assert!(world.store.keys_of(&partner("p")).await.expect("read").is_empty());
    assert!(world.store.due(i64::MAX, i64::MAX, 10).await.expect("read").is_empty());
}

#[tokio::test]
async fn a_key_without_its_enrolment_is_refused_by_the_store() {
    let world = World::empty().await;
    world.partner("p").await;
    let refused = world.store.record_keys(&[key("x", 1)], 5, true).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn a_stuck_key_gives_way_to_another_and_is_tried_again_if_it_is_the_same() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    world.store.stuck(&handle(1), StuckReason::Conflict).await.expect("stored");
    assert!(world.store.due(i64::MAX, i64::MAX, 10).await.expect("read").is_empty());
    let same = NewKey { key_id: handle(9), ..key("x", 1) };
    assert!(matches!(world.record(same).await, RecordOutcome::AlreadyThere(_)));
    assert_eq!(world.store.due(i64::MAX, i64::MAX, 10).await.expect("read")[0].key_id, handle(1));

    world.store.stuck(&handle(1), StuckReason::Rejected).await.expect("stored");
    assert!(is_recorded(&world.record(key("x", 2)).await));
    let due = world.store.due(i64::MAX, i64::MAX, 10).await.expect("read");
    assert_eq!(due.iter().map(|row| row.key_id.clone()).collect::<Vec<_>>(), [handle(2)]);
    assert_eq!(world.store.stats().await.expect("read").stuck, 0);
}

fn reveal(number: u8, at_ms: i64, subject: &str) -> NewReveal {
    let (id, key_id) = (handle(number), handle(1));
    NewReveal { id, key_id, benefit: benefit("x"), subject: subject.to_owned(), at_ms }
}

#[tokio::test]
async fn f7_of_many_reveals_at_once_exactly_one_is_the_first() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    let revealing = (10..42).map(|number| {
        let store = world.store.clone();
        let subject = format!("person-{number}");
        tokio::spawn(async move { store.record_reveal(&reveal(number, 7, &subject)).await })
    });
    let mut first_seen = Vec::new();
    for task in revealing.collect::<Vec<_>>() {
        let key = task.await.expect("joined").expect("recorded").expect("there");
        first_seen.push(key.first_view.expect("viewed").by);
    }
    first_seen.dedup();
    assert_eq!(first_seen.len(), 1, "everyone is told the same first viewer");
    let reveals = world.store.reveals(&partner("p"), None, 100).await.expect("read");
    assert_eq!(reveals.len(), 32);
    let first: Vec<_> = reveals.iter().filter(|reveal| reveal.first).collect();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].subject, first_seen[0]);
}

#[tokio::test]
async fn f7_reveals_come_newest_first_page_by_page_and_survive_a_restart() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    for (number, at_ms) in [(10, 1), (11, 3), (12, 3), (13, 2)] {
        world.store.record_reveal(&reveal(number, at_ms, "ann")).await.expect("recorded");
    }
    let world = world.reopen().await;
    let (mut seen, mut after): (Vec<_>, Option<RevealCursor>) = (Vec::new(), None);
    loop {
        let page = world.store.reveals(&partner("p"), after.as_ref(), 1).await.expect("read");
        let Some(last) = page.last() else { break };
        after = Some(RevealCursor { at_ms: last.at_ms, id: last.id.clone() });
        seen.extend(page.into_iter().map(|reveal| reveal.id));
    }
    assert_eq!(seen, [handle(12), handle(11), handle(13), handle(10)]);
    let (key, _) = world.store.key_for(&benefit("x")).await.expect("read").expect("there");
    assert_eq!(key.first_view.expect("viewed").at_ms, 1);
    assert!(world.store.reveals(&partner("q"), None, 10).await.expect("read").is_empty());
}

#[tokio::test]
async fn f7_a_key_that_is_gone_has_no_reveal() {
    let world = World::enrolled().await;
    let outcome = world.store.record_reveal(&reveal(10, 1, "ann")).await.expect("asked");
    assert_eq!(outcome, None);
    assert!(world.store.reveals(&partner("p"), None, 10).await.expect("read").is_empty());
}
