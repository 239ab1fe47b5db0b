//! The watch: every commit gives another mark, reading gives none, and no two watches are mixed up.

use catalog_service::ports::{Changes, Keys, Mark, Outbox};

use crate::world::{World, handle, key, open, partner, row};

async fn mark(world: &World) -> Mark {
    world.store.mark().await.expect("a mark")
}

#[tokio::test]
async fn every_kind_of_write_gives_another_mark_and_reading_none() {
    let world = World::enrolled().await;
    let mut last = mark(&world).await;
    assert_eq!(mark(&world).await, last, "nothing happened");

    world.partner("q").await;
    assert_ne!(mark(&world).await, last, "a partner");
    last = mark(&world).await;
    world.record(key("x", 1)).await;
    assert_ne!(mark(&world).await, last, "a key");
    last = mark(&world).await;
    world.put(&row("p", "e", 1)).await;
    assert_ne!(mark(&world).await, last, "an enrolment");
    last = mark(&world).await;
    world.store.postpone(&[(handle(1), 7)]).await.expect("postponed");
    assert_ne!(mark(&world).await, last, "the outbox");
    last = mark(&world).await;

    world.store.keys_of(&partner("p")).await.expect("read");
    world.store.record_keys(&[key("y", 2)], 5, false).await.expect("only tried");
    assert_eq!(mark(&world).await, last, "nothing was committed");
}

#[tokio::test]
async fn what_another_process_commits_gives_another_mark_as_well() {
    let world = World::enrolled().await;
    let other = open(&world.folder).await.expect("opens");
    let last = mark(&world).await;
    other.forget(&handle(9), 0).await.expect("nothing to forget");
    other.record_keys(&[key("x", 1)], 5, true).await.expect("recorded");
    assert_ne!(mark(&world).await, last);
    other.close().await;
    let last = mark(&world).await;

    let url = format!("sqlite://{}", world.file().display());
    let tool = sqlx::SqlitePool::connect(&url).await.expect("opens");
    let statement = "UPDATE product_keys SET first_viewed_ms = 1, first_viewed_by = 'ann'";
    sqlx::query(statement).execute(&tool).await.expect("written");
    assert_ne!(mark(&world).await, last, "an operator with a tool");
}
