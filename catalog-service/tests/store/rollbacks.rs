//! A transaction that SQLite itself rolls back, as for want of space, takes no later one with it.

use catalog_service::ports::{Keys, NewReveal};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use crate::world::{World, benefit, handle, key, partner};

/// Rolls back all of it, as a failing disk does at the commit; or the statement alone.
const TRIGGERS: [&str; 2] = [
    "CREATE TRIGGER wholly BEFORE INSERT ON reveals WHEN NEW.subject = 'wholly' \
     BEGIN SELECT RAISE(ROLLBACK, 'the disk is full'); END",
    "CREATE TRIGGER partly BEFORE INSERT ON reveals WHEN NEW.subject = 'partly' \
     BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
];

fn reveal(number: u8, subject: &str) -> NewReveal {
    NewReveal {
        id: handle(number),
        benefit: benefit("x"),
        key_id: handle(1),
        subject: subject.to_owned(),
        at_ms: i64::from(number),
    }
}

#[tokio::test]
async fn f7_a_reveal_that_is_acknowledged_after_failed_ones_is_on_record() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    let options = SqliteConnectOptions::new().filename(world.file());
    let mut other = options.connect().await.expect("connects");
    for trigger in TRIGGERS {
        sqlx::query(trigger).execute(&mut other).await.expect("a trigger");
    }
    for (number, subject) in [(1, "wholly"), (2, "partly")] {
        world.store.record_reveal(&reveal(number, subject)).await.expect_err("the disk is full");
    }
    world.store.record_reveal(&reveal(5, "anna")).await.expect("recorded").expect("a key");
    let found = world.store.reveals(&partner("p"), None, 10).await.expect("read");
    assert_eq!(found.len(), 1, "what was acknowledged is on record: {found:?}");
    assert!(found[0].first);
}
