//! The outbox: whatever is wanted of a key stays due until exactly that is known, also after a
//! restart.

use catalog_service::domain::benefit::KeyState;
use catalog_service::domain::key::{StuckReason, Suspension};
use catalog_service::ports::{Keys, Outbox, OutboxStats};

use crate::world::{World, benefit, handle, key, row};

const ON_1: Suspension = Suspension { suspended: false, generation: 1 };
const OFF_2: Suspension = Suspension { suspended: true, generation: 2 };

async fn state(world: &World) -> KeyState {
    world.store.key_for(&benefit("x")).await.expect("read").expect("there").0.state()
}

async fn suspend(world: &World, revision: u64, suspended: bool) {
    let mut ended = row("p", "e", revision);
    ended.keys_suspended = suspended;
    world.put(&ended).await;
}

#[tokio::test]
async fn a_key_is_due_until_it_is_known_also_after_a_restart() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    let world = world.reopen().await;
    assert_eq!(world.store.due(5, i64::MAX, 10).await.expect("read").len(), 1);
    assert!(world.store.due(4, i64::MAX, 10).await.expect("read").is_empty());
    world.store.known(&handle(1), ON_1).await.expect("stored");
    assert!(world.store.due(i64::MAX, i64::MAX, 10).await.expect("read").is_empty());
    assert_eq!(state(&world).await, KeyState::Ready);
    assert_eq!(world.store.stats().await.expect("read"), OutboxStats::default());
}

#[tokio::test]
async fn f8_an_enrolment_that_ends_raises_the_generation_of_its_keys_once() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    world.store.known(&handle(1), ON_1).await.expect("stored");
    suspend(&world, 1, true).await;
    suspend(&world, 2, true).await;
    let due = world.store.due(i64::MAX, i64::MAX, 10).await.expect("read");
    assert_eq!((due[0].wanted, due[0].registered), (OFF_2, true));
    assert_eq!(state(&world).await, KeyState::Suspended);
    world.store.known(&handle(1), OFF_2).await.expect("stored");
    suspend(&world, 3, false).await;
    let due = world.store.due(i64::MAX, i64::MAX, 10).await.expect("read");
    assert_eq!(due[0].wanted, Suspension { suspended: false, generation: 3 });
}

#[tokio::test]
async fn f8_a_key_that_is_recorded_after_the_end_starts_suspended() {
    let world = World::enrolled().await;
    suspend(&world, 1, true).await;
    world.record(key("x", 1)).await;
    let due = world.store.due(i64::MAX, i64::MAX, 10).await.expect("read");
    assert_eq!(due[0].wanted, Suspension { suspended: true, generation: 1 });
}

#[tokio::test]
async fn an_answer_to_an_older_wish_leaves_the_newer_one_due() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    suspend(&world, 1, true).await;
    world.store.known(&handle(1), ON_1).await.expect("stored");
    let due = world.store.due(i64::MAX, i64::MAX, 10).await.expect("read");
    assert_eq!((due[0].wanted, due[0].registered), (OFF_2, true));
    world.store.known(&handle(1), OFF_2).await.expect("stored");
    world.store.known(&handle(1), ON_1).await.expect("an answer that comes late");
    assert_eq!(state(&world).await, KeyState::Suspended);
}

#[tokio::test]
async fn a_failed_attempt_is_due_again_at_its_time_and_counts() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    world.store.postpone(&[(handle(1), 100)]).await.expect("stored");
    assert!(world.store.due(99, i64::MAX, 10).await.expect("read").is_empty());
    let due = world.store.due(100, i64::MAX, 10).await.expect("read");
    assert_eq!(due[0].attempts, 1);
    let stats = world.store.stats().await.expect("read");
    assert_eq!((stats.pending, stats.next_attempt_ms), (1, Some(100)));
    assert_eq!(stats.oldest_unsent_ms, Some(5), "waiting since it was recorded");
}

#[tokio::test]
async fn a_forgotten_key_is_registered_again_with_what_is_wanted_now() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    suspend(&world, 1, true).await;
    world.store.known(&handle(1), OFF_2).await.expect("stored");
    world.store.forget(&handle(1), 50).await.expect("stored");
    let due = world.store.due(50, i64::MAX, 10).await.expect("read");
    assert_eq!((due[0].wanted, due[0].registered), (OFF_2, false));
    assert_eq!(state(&world).await, KeyState::Provisioning);
}

#[tokio::test]
async fn a_ledger_that_is_ahead_is_overtaken_once() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    let ahead = Suspension { suspended: true, generation: 7 };
    world.store.known(&handle(1), ahead).await.expect("stored");
    world.store.overtake(&handle(1), 7, 60).await.expect("stored");
    world.store.overtake(&handle(1), 7, 61).await.expect("stored");
    let due = world.store.due(60, i64::MAX, 10).await.expect("read");
    assert_eq!(due[0].wanted, Suspension { suspended: false, generation: 8 });
}

#[tokio::test]
async fn the_longest_waiting_rows_come_first_and_no_more_than_asked_for() {
    let world = World::enrolled().await;
    for (number, product) in [(1, "x"), (2, "y"), (3, "z")] {
        world.record(key(product, number)).await;
    }
    world.store.postpone(&[(handle(1), 30), (handle(3), 20)]).await.expect("stored");
    let due = world.store.due(40, i64::MAX, 2).await.expect("read");
    let ids: Vec<_> = due.into_iter().map(|row| row.key_id).collect();
    assert_eq!(ids, [handle(2), handle(3)]);
}

#[tokio::test]
async fn an_attempt_that_a_wrong_clock_put_off_for_years_is_due_beyond_the_horizon() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    world.store.postpone(&[(handle(1), 1_000_000)]).await.expect("stored");
    assert!(world.store.due(10, 1_000_000, 10).await.expect("read").is_empty());
    assert_eq!(world.store.due(10, 999_999, 10).await.expect("read").len(), 1);
}

#[tokio::test]
async fn a_new_wish_for_a_registered_key_gets_another_attempt() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    world.store.known(&handle(1), ON_1).await.expect("stored");
    suspend(&world, 1, true).await;
    world.store.stuck(&handle(1), StuckReason::Rejected).await.expect("stored");
    assert!(world.store.due(i64::MAX, i64::MAX, 10).await.expect("read").is_empty());
    suspend(&world, 2, false).await;
    assert_eq!(world.store.due(i64::MAX, i64::MAX, 10).await.expect("read").len(), 1);
}
