//! Opening: what was answered is there again, and a file of a newer program or of none is refused,
//! not changed.

use catalog_service::ports::Keys;
use catalog_service::storage::sqlite::OpenError;
use tempfile::TempDir;

use crate::world::{World, key, open, partner};

#[tokio::test]
async fn keys_survive_a_restart_without_a_clean_close() {
    let world = World::enrolled().await;
    world.record(key("x", 1)).await;
    // The first store is still open, as after a kill; the write-ahead log holds the rows.
    let second = open(&world.folder).await.expect("opens");
    assert_eq!(second.keys_of(&partner("p")).await.expect("read").len(), 1);
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_refused() {
    let world = World::empty().await;
    world.store.close().await;
    let url = format!("sqlite://{}", world.file().display());
    let pool = sqlx::SqlitePool::connect(&url).await.expect("opens");
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'from the future', 1, x'00', 0)",
    )
    .execute(&pool)
    .await
    .expect("written");
    pool.close().await;
    match open(&world.folder).await {
        Err(OpenError::Newer { version: 9999, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("catalog.sqlite");
    let text = "this is no database, and it is longer than a header of one would be, ".repeat(10);
    std::fs::write(&file, &text).expect("written");
    assert!(open(&folder).await.is_err());
    assert_eq!(std::fs::read_to_string(&file).expect("read"), text);
}

#[tokio::test]
async fn what_is_remembered_first_stays() {
    let world = World::empty().await;
    assert_eq!(world.store.remember("witness", "one").await.expect("asked"), "one");
    assert_eq!(world.store.remember("witness", "two").await.expect("asked"), "one");
    let world = world.reopen().await;
    assert_eq!(world.store.remember("witness", "three").await.expect("asked"), "one");
}
