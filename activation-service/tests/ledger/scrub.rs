//! P5 while it runs: damage that no call reads is found by the scrub; the books are made again, and
//! a damaged journal stops the ledger by name.

use std::path::Path;
use std::time::{Duration, Instant};

use activation_service::ports::{KeyRef, Ledger};
use activation_service::storage::journaled::{JournaledLedger, Scrubbed};

use crate::filled::{EVENTS, close, filled, open};
use crate::keys::{activate, change, key_id, limit};

const PATIENCE: Duration = Duration::from_secs(30);

/// Looks at the whole ledger once.
fn pass(ledger: &JournaledLedger) -> Scrubbed {
    let mut sum = Scrubbed::default();
    loop {
        let done = ledger.scrub_some(700);
        sum.bytes += done.bytes;
        sum.events += done.events;
        if done.is_pass_done || done.bytes == 0 {
            return Scrubbed { is_pass_done: done.is_pass_done, ..sum };
        }
    }
}

async fn until_ready(ledger: &JournaledLedger, wanted: bool) -> Result<(), String> {
    let start = Instant::now();
    loop {
        let ready = ledger.ready().await;
        if ready.is_ok() == wanted {
            return ready.map_err(|error| error.to_string());
        }
        assert!(start.elapsed() < PATIENCE, "ready: {ready:?}");
        tokio::task::yield_now().await;
    }
}

/// Changes the database that nobody has open.
fn damage(folder: &Path, tree: &str, change: impl Fn(&sled::Tree, sled::IVec, sled::IVec)) {
    let db = sled::open(folder.join("sled")).expect("opens");
    let (tree, rows) = crate::rows::of(&db, tree);
    let (key, row) = rows.into_iter().nth(3).expect("rows");
    change(&tree, key, row);
    tree.flush().expect("flushed");
    drop(tree);
    drop(db);
    let file = std::fs::File::open(folder.join("sled/db")).expect("the file");
    file.lock().and_then(|()| file.unlock()).expect("free in the end");
}

#[tokio::test]
async fn a_whole_ledger_passes_again_and_again_and_what_is_new_too() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    filled(&folder).await;
    let ledger = open(&folder);
    let first = pass(&ledger);
    assert!(first.is_pass_done && first.events == EVENTS, "{first:?}");
    let loaded = ledger.load(KeyRef::Id(key_id(2)), None).await.expect("answers").expect("known");
    let next = change(Some(&loaded.account), &activate(99, 99));
    ledger.commit(vec![next]).await.expect("answers");
    let second = pass(&ledger);
    assert!(second.is_pass_done && second.bytes > first.bytes, "{second:?}");
    assert_eq!(until_ready(&ledger, true).await, Ok(()));
    close(ledger, &folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_damaged_rows_of_every_tree_are_found_and_made_again() {
    let flip = |tree: &sled::Tree, key: sled::IVec, row: sled::IVec| {
        let mut row = row.to_vec();
        let last = row.len() / 2;
        row[last] ^= 4;
        tree.insert(key, row).expect("written");
    };
    let lose = |tree: &sled::Tree, key: sled::IVec, _: sled::IVec| {
        tree.remove(key).expect("removed");
    };
    for tree in crate::rows::KINDS {
        for (what, is_lost) in [("flipped", false), ("lost", true)] {
            let home = tempfile::tempdir().expect("a folder");
            let folder = home.path().join("ledger");
            filled(&folder).await;
            if is_lost {
                damage(&folder, tree, lose)
            } else {
                damage(&folder, tree, flip)
            }
            let ledger = open(&folder);
            let found = pass(&ledger);
            assert!(!found.is_pass_done, "{tree} {what}: nothing was found");
            assert_eq!(until_ready(&ledger, true).await, Ok(()), "{tree} {what}");
            assert!(folder.join("sled-set-aside-1").exists(), "{tree} {what}: kept");
            let again = pass(&ledger);
            assert!(again.is_pass_done && again.events == EVENTS, "{tree} {what}: {again:?}");
            close(ledger, &folder);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_head_that_is_older_than_its_events_is_found() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    filled(&folder).await;
    let older = std::cell::RefCell::new(Vec::new());
    damage(&folder, "heads", |_, key, row| *older.borrow_mut() = vec![key, row]);
    let ledger = open(&folder);
    let loaded = ledger.load(KeyRef::Id(key_id(4)), None).await.expect("answers").expect("known");
    let limited = change(Some(&loaded.account), &limit(900));
    let next = change(Some(&limited.account), &activate(99, 99));
    ledger.commit(vec![limited]).await.expect("answers");
    ledger.commit(vec![next]).await.expect("answers");
    close(ledger, &folder);
    damage(&folder, "heads", |tree, _, _| {
        let older = older.borrow();
        assert_ne!(tree.get(&older[0]).expect("read").as_ref(), Some(&older[1]), "key 4 is newer");
        tree.insert(&older[0], &older[1]).expect("written");
    });
    let ledger = open(&folder);
    assert!(!pass(&ledger).is_pass_done, "nothing was found");
    assert_eq!(until_ready(&ledger, true).await, Ok(()));
    assert!(pass(&ledger).is_pass_done);
    close(ledger, &folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_damaged_journal_stops_the_ledger_by_name() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    filled(&folder).await;
    let ledger = open(&folder).scrubbing(1 << 20).expect("a thread");
    let segment = folder.join("journal/00000001.seg");
    let mut bytes = std::fs::read(&segment).expect("read");
    bytes[6_000] ^= 1;
    std::fs::write(&segment, bytes).expect("written");
    let stopped = until_ready(&ledger, false).await.expect_err("it stopped");
    assert!(stopped.contains("the scrub found damage in the journal"), "{stopped}");
    drop(ledger);
}
