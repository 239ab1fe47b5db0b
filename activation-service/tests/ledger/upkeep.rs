//! Looking after a ledger: checks change nothing and find what is wrong, new books and new ledgers
//! hold the same accounts, and what cannot be trusted is refused by name with nothing changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use activation_service::domain::account::Account;
use activation_service::domain::event::Event;
use activation_service::ports::{KeyRef, Ledger, Proofs, Span};
use activation_service::storage::journal::{self, ChainId};
use activation_service::storage::journaled::upkeep::{
    SnapshotFault, Trust, UpkeepError, Verified, export, import, rebuild, rebuild_within, stat,
    verify, verify_within,
};
use activation_service::storage::sled::SledOptions;
use receipt::{Receipt, SigningKey, TrustedKeys};

use crate::filled::{COUNTS, EVENTS, KEYS, SEED, close, counted, filled, open, options};
use crate::keys::{activate, change, key_id, lookup};

pub(crate) type History = (Arc<Account>, Vec<Event>);

pub(crate) async fn histories(folder: &Path) -> Vec<History> {
    let ledger = open(folder);
    let mut all = Vec::new();
    for key in 1..=KEYS {
        let loaded = ledger.load(KeyRef::Lookup(vec![lookup(key)]), None).await.expect("answers");
        let span = Span { descending: false, after: None, most: 1_000 };
        let (events, _) = ledger.events(key_id(key), span).await.expect("answers");
        let events = events.iter().map(|recorded| (*recorded.event).clone()).collect();
        all.push((loaded.expect("known").account, events));
    }
    close(ledger, folder);
    all
}

pub(crate) fn trusted() -> TrustedKeys {
    let mut trusted = TrustedKeys::default();
    trusted.trust(SigningKey::from_seed(&SEED).public_key()).expect("a first key");
    trusted
}

fn trust(keys: &TrustedKeys) -> Trust<'_> {
    Trust { keys, known: [None; 2] }
}

pub(crate) fn check(folder: &Path) -> Result<Verified, UpkeepError> {
    check_within(folder, u64::MAX)
}

fn check_within(folder: &Path, bytes_max: u64) -> Result<Verified, UpkeepError> {
    let scratch = tempfile::tempdir().expect("a folder");
    let found = verify_within(
        folder,
        Some(scratch.path()),
        &SledOptions::default(),
        &trust(&trusted()),
        bytes_max,
        &mut |_| {},
    );
    let left = std::fs::read_dir(scratch.path()).expect("read").count();
    assert_eq!(left, 0, "the copy of the books is gone");
    found
}

fn assert_good(folder: &Path) {
    let found = check(folder).expect("it is read");
    assert!(found.is_good(), "{:?}", found.faults);
    assert_eq!((found.events, found.accounts), (EVENTS, u64::from(KEYS)));
}

/// What was found, but for the order of the faults.
fn sorted(mut found: Verified) -> Verified {
    found.faults.sort_unstable();
    found
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("read") {
        let path = entry.expect("read").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.insert(path.clone(), std::fs::read(&path).expect("read"));
        }
    }
    files
}

#[tokio::test]
async fn figures_and_checks_tell_the_truth_and_change_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    filled(&folder).await;
    let before = files(&folder);
    assert_good(&folder);
    let scratch = tempfile::tempdir().expect("a folder");
    let mut steps = 0;
    let told = stat(&folder, scratch.path(), &SledOptions::default(), &mut |_| steps += 1);
    let told = told.expect("it is read");
    assert!(before == files(&folder), "nothing changed");
    assert_eq!((told.events, told.last_sequence, told.frames), (EVENTS, EVENTS, EVENTS));
    assert_eq!(steps, EVENTS, "every frame is told");
    assert!(told.segments > 1 && told.is_clean && !told.has_torn_tail);
    assert_eq!(told.chain_id, ChainId([3; 16]).to_string());
    assert_eq!(told.signing_key_ids.len(), 1);
    let rows = told.books.expect("there are books");
    assert_eq!((rows.applied_sequence, rows.events, rows.keys), (EVENTS, EVENTS, 5));
    assert_eq!((rows.counts, rows.events), (COUNTS, EVENTS));
    assert_eq!(told.bytes.segments, u64::from(told.segments) * (32 << 10));
    assert!(told.bytes.books > 0 && told.bytes.reserve == 32 << 10);
}

#[tokio::test]
async fn wrong_books_are_found_and_made_again_as_they_were() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    filled(&folder).await;
    let before = histories(&folder).await;
    for tree in crate::rows::KINDS {
        let db = sled::open(folder.join("sled")).expect("opens");
        let (place, rows) = crate::rows::of(&db, tree);
        for (key, _) in rows {
            place.remove(key).expect("removed");
        }
        drop(place);
        db.flush().expect("flushed");
        drop(db);
        let file = std::fs::File::open(folder.join("sled/db")).expect("the file");
        file.lock().and_then(|()| file.unlock()).expect("free in the end");
        let found = check(&folder).expect("it is read");
        assert!(!found.is_good() && found.faults[0].contains("books"), "{tree}: {found:?}");
        // However many passes there are, the same is found.
        for bytes_max in [8 << 10, 1 << 10] {
            let again = check_within(&folder, bytes_max).expect("it is read");
            assert_eq!(sorted(again), sorted(found.clone()), "{tree}, {bytes_max}");
        }
        let done = rebuild(&folder, &SledOptions::default(), &mut |_| {}).expect("made again");
        assert_eq!(done.events, EVENTS);
        assert!(done.set_aside.expect("there were books").join("db").exists(), "{tree}");
        assert_good(&folder);
    }
    assert_eq!(histories(&folder).await, before);
    std::fs::remove_dir_all(folder.join("sled")).expect("removed");
    let found = check(&folder).expect("it is read");
    assert_eq!(found.faults, ["there are no books: rebuild them"]);
    let done = rebuild(&folder, &SledOptions::default(), &mut |_| {}).expect("made");
    assert_eq!(done.set_aside, None);
    assert_good(&folder);
}

/// All rows of the books but those of sightings, which a rebuild loses.
fn rows(folder: &Path) -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let db = sled::open(folder.join("sled")).expect("opens");
    let mut rows = Vec::new();
    for name in ["accounts", "lookups", "meta"] {
        for row in &db.open_tree(name).expect("a tree") {
            let (key, value) = row.expect("a row");
            rows.push((name.to_owned(), key.to_vec(), value.to_vec()));
        }
    }
    drop(db);
    let file = std::fs::File::open(folder.join("sled/db")).expect("the file");
    file.lock().and_then(|()| file.unlock()).expect("free in the end");
    rows
}

#[tokio::test]
async fn new_books_are_the_old_ones_however_little_memory_there_is() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    filled(&folder).await;
    // What is in force after all events lies in other rows than while they came one by one.
    let before = histories(&folder).await;
    let made = rebuild(&folder, &SledOptions::default(), &mut |_| {}).expect("made again");
    assert_eq!(made.events, EVENTS);
    let first = rows(&folder);
    assert!(first.len() as u64 > EVENTS);
    // What a rebuild that was cut short left is no part of the next.
    std::fs::create_dir(folder.join("sled-new")).expect("made");
    std::fs::write(folder.join("sled-new/db"), b"half a file").expect("written");
    for bytes_max in [u64::MAX, 8 << 10, 1 << 10] {
        let mut told = Vec::new();
        let done = rebuild_within(&folder, &SledOptions::default(), bytes_max, &mut |step| {
            told.push(step);
        });
        let done = done.expect("made again");
        assert_eq!((done.events, done.accounts), (EVENTS, u64::from(KEYS)));
        assert!(rows(&folder) == first, "{bytes_max}");
        assert_eq!(histories(&folder).await, before, "{bytes_max}");
        assert!(!folder.join("sled-new").exists());
        assert_good(&folder);
        let of = |task| told.iter().filter(move |step| step.task == task).map(|step| step.done);
        for task in ["checking", "applying"] {
            assert!(
                of(task).is_sorted() && of(task).next_back() == Some(EVENTS),
                "{task}: {told:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_damaged_chain_is_found_and_its_books_are_not_touched() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    filled(&folder).await;
    let segment = folder.join("journal/00000001.seg");
    let whole = std::fs::read(&segment).expect("read");
    let mut damaged = whole.clone();
    damaged[10_000] ^= 1;
    std::fs::write(&segment, &damaged).expect("written");
    let found = check(&folder).expect("it is read");
    assert_eq!(found.faults_count, 1, "{:?}", found.faults);
    assert!(found.faults[0].contains("damaged at segment 1"), "{:?}", found.faults);
    let refused = rebuild(&folder, &SledOptions::default(), &mut |_| {});
    assert!(matches!(refused, Err(UpkeepError::Journal(journal::Error::Damaged { .. }))));
    let file = home.path().join("snapshot");
    let refused = export(&folder, &file, &mut |_| {});
    assert!(matches!(refused, Err(UpkeepError::Journal(journal::Error::Damaged { .. }))));
    assert_eq!(std::fs::read_dir(home.path()).expect("read").count(), 1, "no file is left");
    assert!(!folder.join("sled-set-aside-1").exists());
    std::fs::write(&segment, &whole).expect("written");
    assert_good(&folder);

    let mut stranger = TrustedKeys::default();
    stranger.trust(SigningKey::from_seed(&[8; 32]).public_key()).expect("a first key");
    let found =
        verify(&folder, Some(home.path()), &SledOptions::default(), &trust(&stranger), &mut |_| {});
    let found = found.expect("it is read");
    assert_eq!(found.faults_count, EVENTS, "every head is signed by a key that is not trusted");
}

#[tokio::test]
async fn books_that_are_behind_are_no_fault_and_books_that_are_ahead_are() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    filled(&folder).await;
    let earlier = home.path().join("earlier");
    copy(&folder, &earlier);
    let ledger = open(&folder);
    let loaded = ledger.load(KeyRef::Id(key_id(1)), None).await.expect("answers");
    let next = change(Some(&loaded.expect("known").account), &activate(77, 77));
    ledger.commit(vec![next]).await.expect("answers");
    close(ledger, &folder);

    let later = home.path().join("later");
    std::fs::rename(folder.join("sled"), &later).expect("moved");
    std::fs::rename(earlier.join("sled"), folder.join("sled")).expect("moved");
    let found = check(&folder).expect("it is read");
    assert!(found.is_good(), "{:?}", found.faults);
    assert_eq!((found.applied_sequence, found.events), (EVENTS, EVENTS + 1));
    assert_eq!(check_within(&folder, 1 << 10).expect("it is read"), found);

    std::fs::rename(later, earlier.join("sled")).expect("moved");
    let found = check(&earlier).expect("it is read");
    let told = format!("the books hold {} events and the journal {EVENTS}", EVENTS + 1);
    assert!(found.faults.contains(&told), "{:?}", found.faults);
}

#[tokio::test]
async fn a_ledger_that_was_cut_off_is_read_to_its_last_whole_frame_and_rebuilt() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    filled(&folder).await;
    let before = histories(&folder).await;
    // A journal as a kill leaves it: no mark of a clean close, and half a frame at the end.
    let ledger = open(&folder);
    let killed = home.path().join("killed");
    copy(&folder.join("journal"), &killed.join("journal"));
    close(ledger, &folder);
    let figures = |folder: &Path| {
        stat(folder, home.path(), &SledOptions::default(), &mut |_| {}).expect("it is read")
    };
    let last = killed.join(format!("journal/{:08}.seg", figures(&killed).segments));
    let mut bytes = std::fs::read(&last).expect("read");
    let end = bytes.iter().rposition(|byte| *byte != 0).expect("frames").next_multiple_of(8);
    bytes[end..end + 4].copy_from_slice(b"BJFR");
    std::fs::write(&last, bytes).expect("written");

    let told = figures(&killed);
    assert!(!told.is_clean && told.has_torn_tail && told.books.is_none());
    assert_eq!(told.events, EVENTS);
    let journal = files(&killed);
    rebuild(&killed, &SledOptions::default(), &mut |_| {}).expect("made");
    for (path, bytes) in journal {
        assert!(std::fs::read(&path).expect("read") == bytes, "the journal is as it was");
    }
    assert_good(&killed);
    assert_eq!(histories(&killed).await, before);
    assert!(figures(&killed).is_clean, "the service made it safe");
}

fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files(from) {
        let target = to.join(path.strip_prefix(from).expect("below it"));
        std::fs::create_dir_all(target.parent().expect("a folder")).expect("made");
        std::fs::write(target, bytes).expect("written");
    }
}

#[tokio::test]
async fn a_snapshot_becomes_a_ledger_with_the_same_accounts_and_a_chain_of_its_own() {
    let home = tempfile::tempdir().expect("a folder");
    let (folder, file) = (home.path().join("ledger"), home.path().join("snapshot"));
    filled(&folder).await;
    let before = histories(&folder).await;
    let done = export(&folder, &file, &mut |_| {}).expect("written");
    assert_eq!((done.last_sequence, done.accounts), (EVENTS, 5));
    assert_eq!(done.bytes, std::fs::metadata(&file).expect("a file").len());
    assert!(!home.path().join("snapshot.tmp").exists());
    let again = home.path().join("again");
    export(&folder, &again, &mut |_| {}).expect("written");
    assert!(std::fs::read(&file).expect("read") == std::fs::read(&again).expect("read"));
    let refused = export(&folder, &file, &mut |_| {});
    assert!(matches!(refused, Err(UpkeepError::Exists(_))));

    let new = home.path().join("new");
    let done = import(&file, &new, &options(9), &counted(), &mut |_| {}).expect("imported");
    assert_eq!((done.accounts, done.events), (5, EVENTS));
    assert_eq!(done.chain_id, ChainId([9; 16]).to_string());
    assert_eq!(done.from_chain_id, ChainId([3; 16]).to_string());
    assert_good(&new);
    assert_eq!(histories(&new).await, before);
    let ledger = open(&new);
    let proof = ledger.receipt(key_id(3), 41).await.expect("answers").expect("recorded");
    let verified = Receipt::decode(&proof).expect("a receipt").verify(&trusted());
    assert_eq!(verified.expect("verifies").leaf.account_version, 41);
    close(ledger, &new);
}

#[tokio::test]
async fn a_damaged_snapshot_is_refused_and_leaves_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let (folder, file) = (home.path().join("ledger"), home.path().join("snapshot"));
    filled(&folder).await;
    export(&folder, &file, &mut |_| {}).expect("written");
    let whole = std::fs::read(&file).expect("read");
    let new = home.path().join("new");
    let refused = |bytes: &[u8]| {
        std::fs::write(&file, bytes).expect("written");
        let refused = import(&file, &new, &options(9), &counted(), &mut |_| {});
        let refused = refused.expect_err("it is not whole");
        assert!(!new.exists() && !home.path().join("new.importing").exists());
        match refused {
            UpkeepError::Snapshot { fault, .. } => fault,
            other => panic!("{other}"),
        }
    };
    for length in (0..whole.len()).step_by(199).chain(whole.len() - 40..whole.len()) {
        let fault = refused(&whole[..length]);
        let named = if length < 8 { SnapshotFault::NoSnapshot } else { SnapshotFault::CutShort };
        assert_eq!(fault, named, "{length} bytes");
    }
    for place in (0..whole.len()).step_by(173).chain(whole.len() - 40..whole.len()) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x40;
        refused(&damaged);
    }
    assert_eq!(refused(&[&whole[..], &[0]].concat()), SnapshotFault::LeftOver);
    let mut later = whole.clone();
    later[9] = 2;
    assert_eq!(refused(&later), SnapshotFault::UnknownFormat(2));
    assert_eq!(refused(&[b'x'; 500]), SnapshotFault::NoSnapshot);
}

#[tokio::test]
async fn folders_that_are_open_or_foreign_or_of_a_later_format_are_refused_by_name() {
    let home = tempfile::tempdir().expect("a folder");
    let (folder, file) = (home.path().join("ledger"), home.path().join("snapshot"));
    filled(&folder).await;
    export(&folder, &file, &mut |_| {}).expect("written");
    let refused = import(&file, &folder, &options(9), &counted(), &mut |_| {});
    assert!(matches!(refused, Err(UpkeepError::NotEmpty(_))));
    assert_good(&folder);

    let ledger = open(&folder);
    let sled = SledOptions::default();
    let is_in_use = |error: UpkeepError| {
        assert!(error.to_string().contains("is open in another process"), "{error}");
    };
    is_in_use(check(&folder).expect_err("in use"));
    is_in_use(stat(&folder, home.path(), &sled, &mut |_| {}).expect_err("in use"));
    is_in_use(rebuild(&folder, &sled, &mut |_| {}).expect_err("in use"));
    is_in_use(export(&folder, &home.path().join("two"), &mut |_| {}).expect_err("in use"));
    close(ledger, &folder);

    let foreign = home.path().join("foreign");
    std::fs::create_dir(&foreign).expect("made");
    std::fs::write(foreign.join("db"), "theirs").expect("written");
    for folder in [&foreign, &home.path().join("nowhere")] {
        let refused = check(folder).expect_err("no ledger");
        assert!(refused.to_string().contains("holds no journal"), "{refused}");
        let refused = rebuild(folder, &sled, &mut |_| {});
        assert!(matches!(refused, Err(UpkeepError::Journal(journal::Error::Missing(_)))));
    }
    assert_eq!(files(&foreign).len(), 1, "nothing was made");
    assert!(!home.path().join("nowhere").exists());

    let segment = folder.join("journal/00000001.seg");
    let mut later = std::fs::read(&segment).expect("read");
    later[13] = 2;
    let checksum = crc32c::crc32c(&later[12..4096]).to_be_bytes();
    later[8..12].copy_from_slice(&checksum);
    std::fs::write(&segment, &later).expect("written");
    for refused in [
        check(&folder).map(drop),
        rebuild(&folder, &sled, &mut |_| {}).map(drop),
        export(&folder, &home.path().join("three"), &mut |_| {}).map(drop),
    ] {
        let named = matches!(
            refused,
            Err(UpkeepError::Journal(journal::Error::UnknownFormat { found: 2, .. }))
        );
        assert!(named, "{refused:?}");
    }
}
