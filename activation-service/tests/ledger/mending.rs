//! Books that fail or are damaged while the ledger is open: nothing is answered from them, they are
//! opened again or made anew from the journal, and nothing that was acknowledged is lost.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use activation_service::domain::account::Account;
use activation_service::ports::{Change, Committed, KeyRef, Ledger, LedgerError, Proofs, Span};
use activation_service::storage::journaled::{Ground, JournaledError, JournaledLedger};
use activation_service::storage::sled::{OpenError, SledOptions};
use activation_service::storage::store::StoreError;
use tokio::time::{interval, timeout};

use crate::cache::{account, commit, fill, is_committed, now};
use crate::filled::{counted, options};
use crate::keys::{activate, change, key_id, lookup};
use crate::sick::{SickShelf, Sickness};

/// Most attempts that a test makes.
const ATTEMPTS_MAX: u32 = 100;
/// The longest that a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

fn open(folder: &Path) -> (JournaledLedger, Sickness) {
    // Accounts are read from the books, not from memory.
    open_with(folder, 0)
}

fn open_with(folder: &Path, account_cache_bytes: usize) -> (JournaledLedger, Sickness) {
    let sickness = Sickness::default();
    let ground = Ground::folder(folder, SledOptions::default());
    let shelf = SickShelf { inner: ground.shelf, sickness: sickness.clone() };
    let ground = Ground { shelf: Arc::new(shelf), ..ground };
    let mut options = options(3);
    options.memory.account_cache_bytes = account_cache_bytes;
    let ledger = JournaledLedger::open_by_hand(&ground, options, Arc::new(counted()));
    (ledger.expect("opens"), sickness)
}

/// One more computer on key 1.
fn next(ledger: &JournaledLedger, number: u32) -> Change {
    change(Some(&account(ledger, 1)), &activate(number, number))
}

fn why_not_ready(ledger: &JournaledLedger) -> String {
    match now(ledger.ready()) {
        Err(LedgerError::Unavailable(why)) => why,
        other => panic!("{other:?}"),
    }
}

/// Mends, and says how many attempts it took.
fn mend(ledger: &JournaledLedger) -> u32 {
    for attempt in 1..=ATTEMPTS_MAX {
        let is_done = ledger.apply_one();
        if now(ledger.ready()).is_ok() {
            assert!(is_done, "the attempt says so");
            return attempt;
        }
    }
    panic!("it is not mended: {}", why_not_ready(ledger));
}

fn assert_refused(ledger: &JournaledLedger, change: Change) {
    let refused = |error: LedgerError| assert!(matches!(error, LedgerError::Unavailable(_)));
    refused(now(ledger.load(KeyRef::Id(key_id(1)), None)).expect_err("refused"));
    refused(now(ledger.load(KeyRef::Lookup(vec![lookup(1)]), None)).expect_err("refused"));
    refused(now(ledger.heads(vec![key_id(1)])).expect_err("refused"));
    refused(now(ledger.receipt(key_id(1), 1)).expect_err("refused"));
    let span = Span { descending: false, after: None, most: 9 };
    refused(now(ledger.events(key_id(1), span)).expect_err("refused"));
    refused(now(ledger.commit(vec![change])).expect_err("refused"));
}

/// Every event of key 1 is there, and the account is what they make.
fn assert_whole(ledger: &JournaledLedger, before: &Arc<Account>) {
    assert_eq!(&account(ledger, 1), before);
    let span = Span { descending: false, after: None, most: 1_000 };
    let (events, as_of) = now(ledger.events(key_id(1), span)).expect("answers");
    let versions: Vec<u64> = events.iter().map(|recorded| recorded.event.version).collect();
    assert_eq!(versions, (1..=before.head.version).collect::<Vec<_>>());
    assert_eq!(as_of, before.head.version);
    for version in versions {
        assert!(now(ledger.receipt(key_id(1), version)).expect("answers").is_some());
    }
}

#[test]
fn books_that_fail_once_are_opened_again_and_given_what_they_lack() {
    for error in [StoreError::Failed("EIO".to_owned()), StoreError::NoSpace] {
        let folder = tempfile::tempdir().expect("a folder");
        let (ledger, sickness) = open(folder.path());
        fill(&ledger, 5);
        // Two changes are durable and wait; the first of them cannot be applied.
        for number in 6..=7 {
            let next = next(&ledger, number);
            assert!(is_committed(&commit(&ledger, next)));
        }
        let (before, waiting) = (account(&ledger, 1), next(&ledger, 8));
        sickness.write_fails(error);
        assert!(ledger.apply_one());
        assert_refused(&ledger, waiting.clone());
        assert_eq!((mend(&ledger), sickness.openings()), (1, 2));
        assert_whole(&ledger, &before);
        while ledger.apply_one() {}
        assert_whole(&ledger, &before);
        now(ledger.ready()).expect("it looks at the space, too");
        assert!(is_committed(&commit(&ledger, waiting)));
        let after = account(&ledger, 1);
        while ledger.apply_one() {}
        assert_whole(&ledger, &after);
        assert!(!folder.path().join("sled-set-aside-1").exists());
        crate::filled::close(ledger, folder.path());
        let (ledger, _) = open(folder.path());
        assert_eq!((ledger.report().replayed, &ledger.report().set_aside), (0, &None));
        assert_whole(&ledger, &after);
    }
}

fn no_space(folder: std::path::PathBuf) -> OpenError {
    OpenError::Io { folder, cause: io::ErrorKind::StorageFull.into() }
}

fn broken(folder: std::path::PathBuf) -> OpenError {
    OpenError::Io { folder, cause: io::Error::other("EIO") }
}

fn damaged(folder: std::path::PathBuf) -> OpenError {
    OpenError::Damaged { folder, cause: "rotten".to_owned() }
}

#[test]
fn p6_books_on_a_full_disk_get_the_reserve_and_wait_for_space_as_long_as_it_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let reserve = folder.path().join("journal/reserve");
    let (ledger, sickness) = open(folder.path());
    fill(&ledger, 5);
    assert!(is_committed(&commit(&ledger, next(&ledger, 6))));
    let (before, waiting) = (account(&ledger, 1), next(&ledger, 7));
    sickness.write_fails(StoreError::NoSpace);
    sickness.opening_fails(no_space);
    assert!(reserve.exists() && ledger.apply_one());
    for _ in 0..50 {
        assert!(!ledger.apply_one(), "in vain");
        assert!(why_not_ready(&ledger).contains("no space"));
        assert!(!reserve.exists(), "it is given away, and not taken back yet");
    }
    assert_refused(&ledger, waiting.clone());
    sickness.is_cured();
    assert!(ledger.apply_one(), "there is space again");
    assert_whole(&ledger, &before);
    // Answers are given again; what is new waits until the reserve is held.
    assert_eq!(commit(&ledger, waiting.clone()), Committed::DiskFull);
    now(ledger.ready()).expect("ready, and it takes the reserve back");
    assert!(reserve.exists());
    assert!(is_committed(&commit(&ledger, waiting)));
    assert!(!folder.path().join("sled-set-aside-1").exists());
}

#[test]
fn books_that_go_on_failing_are_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, sickness) = open(folder.path());
    fill(&ledger, 5);
    assert!(is_committed(&commit(&ledger, next(&ledger, 6))));
    let before = account(&ledger, 1);
    // Once now, and at each of the five times that they are opened again.
    for _ in 0..6 {
        sickness.write_fails(StoreError::Failed("EIO".to_owned()));
    }
    assert!(ledger.apply_one());
    assert_eq!(mend(&ledger), 6);
    assert!(folder.path().join("sled-set-aside-1/db").exists());
    assert_whole(&ledger, &before);
    while ledger.apply_one() {}
    assert_whole(&ledger, &before);
}

#[test]
fn p5_damage_that_a_read_finds_is_mended_without_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, sickness) = open(folder.path());
    fill(&ledger, 5);
    let before = account(&ledger, 1);
    let waiting = next(&ledger, 6);
    sickness.read_fails(StoreError::Damaged("a page".to_owned()));
    now(ledger.load(KeyRef::Id(key_id(1)), None)).expect_err("no answer");
    assert!(folder.path().join("sled/doubted").exists(), "a restart would know");
    assert_refused(&ledger, waiting.clone());
    assert_eq!(mend(&ledger), 1);
    assert!(folder.path().join("sled-set-aside-1/doubted").exists());
    assert_whole(&ledger, &before);
    assert!(is_committed(&commit(&ledger, waiting)));
}

#[test]
fn what_was_read_from_doubted_books_is_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, sickness) = open_with(folder.path(), 1 << 20);
    fill(&ledger, 5);
    let before = account(&ledger, 1);
    let in_memory = |ledger: &JournaledLedger| {
        sickness.read_fails(StoreError::Damaged("a page".to_owned()));
        let loaded = now(ledger.load(KeyRef::Id(key_id(1)), None));
        loaded.is_ok()
    };
    assert!(in_memory(&ledger), "it is not read again");
    // Another key is not in memory, so its damage is seen.
    now(ledger.load(KeyRef::Id(key_id(2)), None)).expect_err("no answer");
    assert_eq!(mend(&ledger), 1);
    assert!(!in_memory(&ledger), "it is read from the new books");
    assert_eq!(mend(&ledger), 1);
    assert_whole(&ledger, &before);
}

#[test]
fn p5_a_place_that_leads_to_another_event_is_damage_of_the_books() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, _) = open(folder.path());
    fill(&ledger, 5);
    let before = account(&ledger, 1);
    crate::filled::close(ledger, folder.path());
    let db = sled::open(folder.path().join("sled")).expect("opens");
    let (places, _) = crate::rows::of(&db, "events");
    let key = |version: u64| [&key_id(1).0[..], &[2], &version.to_be_bytes()[..]].concat();
    let row = places.get(key(3)).expect("read").expect("there");
    // Its checksum holds, and it is the place of the event before.
    let place = places.get(key(2)).expect("read").expect("there")[..row.len() - 4].to_vec();
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&key(3)), &place).to_be_bytes();
    places.insert(key(3), [&place[..], &checksum[..]].concat()).expect("written");
    drop((places, db));
    let file = std::fs::File::open(folder.path().join("sled/db")).expect("the file");
    file.lock().and_then(|()| file.unlock()).expect("free in the end");
    let (ledger, _) = open(folder.path());
    now(ledger.receipt(key_id(1), 2)).expect("answers").expect("recorded");
    now(ledger.receipt(key_id(1), 3)).expect_err("it is another's");
    assert_eq!(mend(&ledger), 1);
    assert_whole(&ledger, &before);
}

#[tokio::test]
async fn verify_tells_that_books_were_doubted() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    crate::filled::filled(&folder).await;
    std::fs::write(folder.join("sled/doubted"), "a page\n").expect("written");
    let found = crate::upkeep::check(&folder).expect("it is read");
    assert_eq!(found.faults, ["the books were found damaged before: rebuild them"]);
}

#[test]
fn a_restart_keeps_the_doubt() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, sickness) = open(folder.path());
    fill(&ledger, 5);
    let before = account(&ledger, 1);
    sickness.read_fails(StoreError::Damaged("a page".to_owned()));
    now(ledger.load(KeyRef::Id(key_id(1)), None)).expect_err("no answer");
    ledger.abandon();
    let (ledger, _) = open(folder.path());
    assert!(ledger.report().set_aside.as_ref().is_some_and(|aside| aside.exists()));
    assert_eq!(ledger.report().replayed, 6);
    assert_whole(&ledger, &before);
}

#[test]
fn what_is_wrong_again_and_again_stops_the_ledger_with_its_name() {
    for error in [damaged as fn(_) -> _, broken] {
        let folder = tempfile::tempdir().expect("a folder");
        let (ledger, sickness) = open(folder.path());
        fill(&ledger, 2);
        sickness.write_fails(StoreError::Damaged("a page".to_owned()));
        sickness.opening_fails(error);
        assert!(is_committed(&commit(&ledger, next(&ledger, 3))));
        assert!(ledger.apply_one());
        let before = sickness.openings();
        for _ in 0..ATTEMPTS_MAX {
            assert!(!ledger.apply_one());
        }
        let attempts = sickness.openings() - before;
        assert!((3..=20).contains(&attempts), "{attempts} and no more");
        let why = why_not_ready(&ledger);
        assert!(why.contains("made anew 3 times"), "{why}");
        for number in 1..=3 {
            // Opening, which makes a folder, failed each time, so there was one to set aside once.
            let aside = folder.path().join(format!("sled-set-aside-{number}"));
            assert_eq!(aside.exists(), number == 1);
        }
        // Nothing that was acknowledged is lost.
        drop(ledger);
        sickness.is_cured();
        let (ledger, _) = open(folder.path());
        assert_eq!(account(&ledger, 1).head.version, 4);
    }
}

#[test]
fn a_ledger_that_is_closed_while_its_books_are_mended_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, sickness) = open(folder.path());
    fill(&ledger, 2);
    assert!(is_committed(&commit(&ledger, next(&ledger, 3))));
    let before = account(&ledger, 1);
    sickness.write_fails(StoreError::NoSpace);
    sickness.opening_fails(no_space);
    drop(ledger);
    assert!(folder.path().join("journal/clean").exists(), "the journal is closed in good order");
    let (ledger, _) = open(folder.path());
    assert_eq!((ledger.report().replayed, &ledger.report().set_aside), (1, &None));
    assert_whole(&ledger, &before);
}

#[test]
fn books_that_find_no_space_when_opening_refuse_by_name_and_are_left_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, sickness) = open(folder.path());
    fill(&ledger, 2);
    let before = account(&ledger, 1);
    drop(ledger);
    sickness.opening_fails(no_space);
    let ground = Ground::folder(folder.path(), SledOptions::default());
    let shelf = SickShelf { inner: ground.shelf, sickness: sickness.clone() };
    let ground = Ground { shelf: Arc::new(shelf), ..ground };
    let refused = JournaledLedger::open_by_hand(&ground, options(3), Arc::new(counted()));
    assert!(matches!(refused.err(), Some(JournaledError::NoSpace)));
    assert!(!folder.path().join("sled-set-aside-1").exists());
    let (ledger, _) = open(folder.path());
    assert_whole(&ledger, &before);
}

/// Waits until the ledger is ready again.
async fn ready_again(ledger: &JournaledLedger) {
    let mut looks = interval(Duration::from_millis(5));
    let ready = async {
        while ledger.ready().await.is_err() {
            looks.tick().await;
        }
    };
    timeout(PATIENCE, ready).await.expect("it is mended in time");
}

#[tokio::test]
async fn p5_rotten_rows_of_sled_are_found_when_they_are_read_and_mended_by_the_ledger_itself() {
    for tree in crate::rows::KINDS {
        let folder = tempfile::tempdir().expect("a folder");
        crate::filled::filled(folder.path()).await;
        let db = sled::open(folder.path().join("sled")).expect("opens");
        let (place, rows) = crate::rows::of(&db, tree);
        for (key, value) in rows {
            let mut value = value.to_vec();
            let last = value.len() - 1;
            value[last] ^= 1;
            place.insert(key, value).expect("written");
        }
        db.flush().expect("flushed");
        drop((place, db));
        let file = std::fs::File::open(folder.path().join("sled/db")).expect("the file");
        file.lock().and_then(|()| file.unlock()).expect("free in the end");

        let ledger = crate::filled::open(folder.path());
        assert_eq!(ledger.report().set_aside, None, "{tree}: nobody has looked at the rows yet");
        let request = activate(1, 1).request_id();
        let asked = async || -> Result<(), LedgerError> {
            let key = KeyRef::Lookup(vec![lookup(5)]);
            let loaded = ledger.load(key, request).await?.expect("known");
            assert_eq!(loaded.account.head.version, 14);
            assert_eq!(loaded.recorded.expect("recorded").version, 2);
            let span = Span { descending: false, after: None, most: 100 };
            assert_eq!(ledger.events(key_id(5), span).await?.0.len(), 14);
            ledger.receipt(key_id(5), 1).await?.expect("recorded");
            Ok(())
        };
        assert!(asked().await.is_err(), "{tree}: nothing is answered from a rotten row");
        ready_again(&ledger).await;
        asked().await.unwrap_or_else(|error| panic!("{tree}: {error}"));
        assert!(folder.path().join("sled-set-aside-1/doubted").exists(), "{tree}");
    }
}
