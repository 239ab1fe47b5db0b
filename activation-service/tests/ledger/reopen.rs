//! What sled was told is there after it is opened again, and folders that are not ours are refused
//! by name.

use activation_service::domain::ids::KeyId;
use activation_service::ports::{KeyRef, Ledger, Span};
use activation_service::storage::sled::{OpenError, SledLedger, SledOptions};

use crate::keys::{activate, change, key_id, lookup, register, terms};

fn open(folder: &std::path::Path) -> Result<SledLedger, OpenError> {
    SledLedger::open(folder, &SledOptions::default())
}

/// Waits until nobody holds the folder: sled's own threads may do so a moment after it was dropped.
fn await_lock(folder: &std::path::Path) {
    let file = std::fs::File::open(folder.join("db")).expect("the file");
    file.lock().expect("free in the end");
    file.unlock().expect("unlocked");
}

fn reopen(folder: &std::path::Path) -> SledLedger {
    await_lock(folder);
    open(folder).expect("opens again")
}

#[tokio::test]
async fn accounts_histories_and_positions_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path()).expect("opens");
    ledger.commit(vec![change(None, &register(1, terms(5)))]).await.expect("answers");
    let mut account = None;
    for number in 1..=3 {
        let loaded = ledger.load(KeyRef::Id(key_id(1)), None).await.expect("answers");
        let loaded = loaded.expect("known").account;
        let next = change(Some(&loaded), &activate(number, number));
        account = Some(next.account.clone());
        ledger.commit(vec![next]).await.expect("answers");
    }
    drop(ledger);
    let ledger = reopen(folder.path());
    let found = ledger.load(KeyRef::Lookup(vec![lookup(1)]), None).await.expect("answers");
    let found = found.expect("known");
    assert_eq!(Some(found.account), account);
    assert_eq!(found.as_of_sequence, 4);
    let span = Span { descending: false, after: None, most: 10 };
    let (events, _) = ledger.events(key_id(1), span).await.expect("answers");
    let sequences: Vec<_> = events.iter().map(|e| e.sequence).collect();
    assert_eq!(sequences, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_folder_that_is_open_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let _held = open(folder.path()).expect("opens");
    assert!(matches!(open(folder.path()), Err(OpenError::InUse(_))));
}

#[tokio::test]
async fn a_folder_of_something_else_or_of_a_later_format_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = sled::open(folder.path()).expect("opens");
    db.insert(b"other", b"data").expect("written");
    drop(db);
    await_lock(folder.path());
    assert!(matches!(open(folder.path()), Err(OpenError::Foreign { .. })));
    await_lock(folder.path());
    let names = sled::open(folder.path()).expect("opens").tree_names();
    assert_eq!(names.len(), 1, "it is left as it was");

    let folder = tempfile::tempdir().expect("a folder");
    let db = sled::open(folder.path()).expect("opens");
    let meta = db.open_tree("meta").expect("a tree");
    meta.insert(b"format", b"benefits-ledger/2").expect("written");
    drop((meta, db));
    await_lock(folder.path());
    match open(folder.path()) {
        Err(OpenError::Foreign { found, .. }) => assert_eq!(found, "benefits-ledger/2"),
        _ => panic!("a later format was opened"),
    }
}

#[tokio::test]
async fn a_damaged_row_is_an_error_and_never_an_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path()).expect("opens");
    ledger.commit(vec![change(None, &register(1, terms(5)))]).await.expect("answers");
    drop(ledger);
    await_lock(folder.path());
    let db = sled::open(folder.path()).expect("opens");
    let keys = db.open_tree("keys").expect("a tree");
    let id: KeyId = key_id(1);
    let mut row = keys.get(id.0).expect("read").expect("there").to_vec();
    let last = row.len() - 10;
    row[last] ^= 1;
    keys.insert(id.0, row).expect("written");
    drop((keys, db));
    let ledger = reopen(folder.path());
    assert!(ledger.load(KeyRef::Id(id), None).await.is_err());
}

#[tokio::test]
async fn an_empty_database_that_was_there_before_may_have_lost_all_and_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let db = sled::open(folder.path()).expect("opens");
    drop(db.open_tree("keys").expect("a tree"));
    drop(db);
    await_lock(folder.path());
    assert!(matches!(open(folder.path()), Err(OpenError::Foreign { .. })));
}

#[tokio::test]
async fn a_look_up_that_leads_nowhere_is_damage_and_not_an_unknown_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path()).expect("opens");
    ledger.commit(vec![change(None, &register(1, terms(5)))]).await.expect("answers");
    drop(ledger);
    await_lock(folder.path());
    let db = sled::open(folder.path()).expect("opens");
    db.open_tree("keys").expect("a tree").clear().expect("cleared");
    drop(db);
    let ledger = reopen(folder.path());
    assert!(ledger.load(KeyRef::Lookup(vec![lookup(1)]), None).await.is_err());
}
