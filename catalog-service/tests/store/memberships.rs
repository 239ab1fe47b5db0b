//! Partners and enrolments: nobody overwrites what another wrote meanwhile, and time is not missed.

use catalog_service::domain::enrolment::RENEWAL_GRACE_MS;
use catalog_service::domain::name::EnrolmentName;
use catalog_service::ports::{Memberships, PartnerRow, PutOutcome};

use crate::world::{DAY_MS, World, partner, row};

#[tokio::test]
async fn a_partner_is_created_and_renamed() {
    let world = World::empty().await;
    assert_eq!(world.store.partner(&partner("p")).await.expect("read"), None);
    world.partner("p").await;
    let renamed = PartnerRow { id: partner("p"), display_name: "Renamed".to_owned() };
    world.store.put_partner(&renamed, 1).await.expect("stored");
    assert_eq!(world.store.partner(&partner("p")).await.expect("read"), Some(renamed));
}

#[tokio::test]
async fn an_enrolment_reads_back_with_the_next_revision() {
    let world = World::enrolled().await;
    let name = EnrolmentName::parse("partners/p/enrolments/e").expect("a name");
    let stored = world.store.enrolment(&name).await.expect("read");
    assert_eq!(stored, Some(row("p", "e", 1)));
    assert_eq!(world.store.enrolments(&partner("p")).await.expect("read").len(), 1);
    assert!(world.store.enrolments(&partner("q")).await.expect("read").is_empty());
}

#[tokio::test]
async fn a_write_on_an_old_revision_is_stale() {
    let world = World::enrolled().await;
    for old in [0, 2] {
        let outcome = world.store.put_enrolment(&row("p", "e", old), 1).await.expect("asked");
        assert_eq!(outcome, PutOutcome::Stale, "revision {old}");
    }
    world.put(&row("p", "e", 1)).await;
    world.put(&row("p", "e", 2)).await;
}

#[tokio::test]
async fn of_many_writers_of_one_revision_exactly_one_wins() {
    let world = World::enrolled().await;
    let writers = (0..16).map(|_| {
        let store = world.store.clone();
        tokio::spawn(async move { store.put_enrolment(&row("p", "e", 1), 1).await })
    });
    let mut stored = 0;
    for writer in writers.collect::<Vec<_>>() {
        if writer.await.expect("joined").expect("asked") == PutOutcome::Stored {
            stored += 1;
        }
    }
    assert_eq!(stored, 1);
}

#[tokio::test]
async fn f8_what_is_due_is_found_longest_due_first() {
    let world = World::enrolled().await;
    for (id, due_ms) in [("late", 30), ("early", 10)] {
        let mut due = row("p", id, 0);
        due.next_change_ms = Some(due_ms);
        world.put(&due).await;
    }
    let ids = |rows: Vec<catalog_service::ports::EnrolmentRow>| {
        rows.iter().map(|row| row.enrolment.id.to_string()).collect::<Vec<_>>()
    };
    assert!(ids(world.store.due_enrolments(9, 10).await.expect("read")).is_empty());
    assert_eq!(ids(world.store.due_enrolments(30, 10).await.expect("read")), ["early", "late"]);
    assert_eq!(ids(world.store.due_enrolments(30, 1).await.expect("read")), ["early"]);
    assert_eq!(world.store.next_change_ms().await.expect("read"), Some(10));
}

#[tokio::test]
async fn f8_keys_that_a_wrong_clock_suspended_are_due_again() {
    let world = World::enrolled().await;
    let mut suspended = row("p", "e", 1);
    suspended.keys_suspended = true;
    suspended.next_change_ms = None;
    world.put(&suspended).await;
    let over_ms = 365 * DAY_MS + RENEWAL_GRACE_MS;
    assert_eq!(world.store.due_enrolments(over_ms - 1, 10).await.expect("read").len(), 1);
    assert!(world.store.due_enrolments(over_ms, 10).await.expect("read").is_empty());
}
