//! Damage to rows of the books is an error and never an answer.

use std::path::Path;

use activation_service::ports::{KeyRef, Ledger};
use activation_service::storage::journaled::JournaledLedger;

use crate::journaled::open;
use crate::keys::{change, key_id, lookup, register, terms};

/// A ledger with one key, opened again after something was done to its books.
async fn with_books(folder: &Path, damage: impl FnOnce(&sled::Db)) -> JournaledLedger {
    let ledger = open(folder);
    ledger.commit(vec![change(None, &register(1, terms(5)))]).await.expect("answers");
    drop(ledger);
    await_lock(folder);
    let db = sled::open(folder.join("sled")).expect("opens");
    damage(&db);
    drop(db);
    open(folder)
}

/// Waits until nobody holds the books: sled's own threads may do so a moment after it was dropped.
fn await_lock(folder: &Path) {
    let file = std::fs::File::open(folder.join("sled").join("db")).expect("the file");
    file.lock().expect("free in the end");
    file.unlock().expect("unlocked");
}

#[tokio::test]
async fn a_damaged_row_is_an_error_and_never_an_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let flip = |db: &sled::Db| {
        let (tree, heads) = crate::rows::of(db, "heads");
        let (key, head) = heads.first().expect("a head");
        let mut row = head.to_vec();
        let place = row.len() - 10;
        row[place] ^= 1;
        tree.insert(key, row).expect("written");
    };
    let ledger = with_books(folder.path(), flip).await;
    assert!(ledger.load(KeyRef::Id(key_id(1)), None).await.is_err());
}

#[tokio::test]
async fn a_look_up_that_leads_nowhere_is_damage_and_not_an_unknown_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let clear = |db: &sled::Db| db.open_tree("accounts").expect("there").clear().expect("cleared");
    let ledger = with_books(folder.path(), clear).await;
    assert!(ledger.load(KeyRef::Lookup(vec![lookup(1)]), None).await.is_err());
}

#[tokio::test]
async fn books_of_another_format_are_set_aside_and_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let later = |db: &sled::Db| {
        let meta = db.open_tree("meta").expect("a tree");
        meta.insert(b"format", b"benefits-ledger/99").expect("written");
    };
    let ledger = with_books(folder.path(), later).await;
    assert!(ledger.report().set_aside.as_ref().is_some_and(|aside| aside.exists()));
    assert!(ledger.load(KeyRef::Id(key_id(1)), None).await.expect("answers").is_some());
}

#[tokio::test]
async fn p3_a_summary_of_sled_that_a_power_cut_left_empty_costs_the_books_and_no_event() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    crate::filled::filled(&folder).await;
    // sled sums its log up when it opens it again.
    crate::filled::close(crate::filled::open(&folder), &folder);
    let names = std::fs::read_dir(folder.join("sled")).expect("a folder");
    let mut emptied = 0;
    for entry in names {
        let path = entry.expect("an entry").path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap.")) {
            std::fs::write(&path, b"").expect("emptied");
            emptied += 1;
        }
    }
    assert!(emptied > 0, "sled has written a summary");
    let ledger = crate::filled::open(&folder);
    // Without the summary sled would read its log, and what is damaged there it may drop without a
    // word; the journal drops nothing.
    assert!(ledger.report().set_aside.is_some(), "sled's log alone is not trusted");
    assert_eq!(ledger.report().replayed, crate::filled::EVENTS);
    let key = KeyRef::Id(key_id(3));
    let loaded = ledger.load(key, None).await.expect("answers").expect("known");
    assert_eq!(loaded.account.head.used, 40);
    crate::filled::close(ledger, &folder);
}
