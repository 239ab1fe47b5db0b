//! Ground that is not ours, not of this version, not free or not to be written: the real binary
//! refuses it by name, whatever it is asked to do, and leaves it as it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use activation_service::storage::journaled::JournaledLedger;

use crate::filled::{close, counted, filled, open, options};
use crate::mounted::{Mounted, as_root, text};
use crate::{ALONE, Operator, keys};

/// The longest that a command runs which ought to refuse, in seconds; `serve` would run on.
const RUNS_MAX: &str = "60";

/// All that is in a folder; folders have no bytes.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut all = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return all };
    for entry in entries {
        let path = entry.expect("read").path();
        if path.is_dir() {
            all.extend(contents(&path));
            all.insert(path, None);
        } else {
            let bytes = std::fs::read(&path).expect("read");
            all.insert(path, Some(bytes));
        }
    }
    all
}

/// Runs `serve`; gives the exit code and what was told.
fn serve(folder: &Path) -> (Option<i32>, String) {
    let key = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&key, hex::encode(crate::SEED)).expect("written");
    let output: Output = Command::new("timeout")
        .args([RUNS_MAX, env!("CARGO_BIN_EXE_activation-service"), "serve"])
        .args(["--set", &format!("storage.sled.folder={}", folder.display())])
        .args(["--set", "serve.listen=127.0.0.1:0"])
        .env("ACTIVATION__SECRETS__PEPPER", "aa".repeat(32))
        .env("ACTIVATION__SECRETS__DEPLOYMENT_SALT", "bb".repeat(32))
        .env("ACTIVATION__SECRETS__RECEIPT_KEY_FILE", key.path())
        .output()
        .expect("it runs");
    assert!(output.stdout.is_empty(), "it never listened for callers");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Whatever is asked of this folder is refused with 69 and these words, and nothing changes in it.
fn assert_refused(folder: &Path, to_serve: &str, to_look_after: &str) {
    let before = contents(folder);
    let away = tempfile::tempdir().expect("a folder");
    let file = away.path().join("snapshot").display().to_string();
    let scratch = away.path().display().to_string();
    let key = keys::key_id(3).to_string();
    let (code, told) = serve(folder);
    assert!(code == Some(69) && told.contains(to_serve), "serve: {code:?} {told}");
    for args in [
        &["stat", "--scratch", &scratch][..],
        &["verify", "--scratch", &scratch],
        &["rebuild"],
        &["export", &file],
        &["erase", &key, "5"],
    ] {
        let (code, out, told) = Operator::of(folder).run(args);
        let is_named = code == Some(69) && told.contains(to_look_after);
        assert!(is_named, "{args:?}: {code:?} {out} {told}");
    }
    assert!(contents(folder) == before, "nothing changed");
    assert!(contents(away.path()).is_empty(), "and nothing is left elsewhere");
}

/// From now on it cannot be written.
fn make_read_only(disk: &Mounted) {
    as_root("mount", &["-o", "remount,ro", text(disk.path())]);
}

async fn ledger(home: &Path) -> PathBuf {
    let folder = home.join("ledger");
    filled(&folder).await;
    folder
}

#[tokio::test]
async fn a_folder_of_something_else() {
    let _alone = ALONE.lock().await;
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("theirs");
    let db = sled::open(folder.join("db")).expect("another program's");
    db.insert("theirs", "1").expect("written");
    drop(db);
    std::fs::write(folder.join("catalog.sqlite"), "theirs").expect("written");
    assert_refused(&folder, "it is no ledger of this version", "holds no journal");
    let file = home.path().join("file");
    std::fs::write(&file, "theirs").expect("written");
    let (code, told) = serve(&file);
    assert!(code == Some(69) && told.contains(&file.display().to_string()), "{code:?} {told}");
    assert_eq!(std::fs::read(&file).expect("read"), b"theirs");
}

#[tokio::test]
async fn a_ledger_with_a_part_of_another() {
    let _alone = ALONE.lock().await;
    let home = tempfile::tempdir().expect("a folder");
    let folder = ledger(home.path()).await;
    let other = home.path().join("other");
    let stranger = JournaledLedger::open(&other, options(9), Arc::new(counted())).expect("opens");
    close(stranger, &other);
    let part = Path::new("journal/00000001.seg");
    std::fs::copy(other.join(part), folder.join(part)).expect("copied");
    assert_refused(&folder, "belongs to chain", "belongs to chain");
}

#[tokio::test]
async fn a_ledger_of_a_newer_format() {
    let _alone = ALONE.lock().await;
    let home = tempfile::tempdir().expect("a folder");
    let folder = ledger(home.path()).await;
    let segment = folder.join("journal/00000001.seg");
    let mut later = std::fs::read(&segment).expect("read");
    later[13] = 2;
    let checksum = crc32c::crc32c(&later[12..4096]).to_be_bytes();
    later[8..12].copy_from_slice(&checksum);
    std::fs::write(&segment, &later).expect("written");
    assert_refused(&folder, "its format is 2", "its format is 2");
}

#[tokio::test]
async fn a_ledger_that_another_process_has_open() {
    let _alone = ALONE.lock().await;
    let home = tempfile::tempdir().expect("a folder");
    let folder = ledger(home.path()).await;
    let ledger = open(&folder);
    // What it takes ahead is there before anybody compares.
    let ahead = folder.join("journal/ahead.tmp");
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(5));
    while std::fs::metadata(&ahead).map_or(0, |file| file.len()) < options(3).journal.segment_bytes
    {
        looks.tick().await;
    }
    let told = "is open in another process";
    assert_refused(&folder, told, told);
    close(ledger, &folder);
}

#[tokio::test]
async fn a_ledger_whose_end_is_lost() {
    let _alone = ALONE.lock().await;
    let home = tempfile::tempdir().expect("a folder");
    let folder = ledger(home.path()).await;
    let mut segments: Vec<_> = contents(&folder.join("journal")).into_keys().collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "seg"));
    std::fs::remove_file(segments.last().expect("a segment")).expect("removed");
    let before = contents(&folder);
    let (code, told) = serve(&folder);
    assert!(code == Some(69) && told.contains("its end is lost"), "{code:?} {told}");
    assert!(contents(&folder) == before, "nothing changed");
    // Whoever takes the mark of the clean close away as well is told by the books.
    std::fs::remove_file(folder.join("journal/clean")).expect("removed");
    let (code, told) = serve(&folder);
    let is_named = told.contains("the books hold 82 events, the journal only");
    assert!(code == Some(69) && is_named, "{code:?} {told}");
    assert!(!folder.join("sled-set-aside-1").exists());
}

#[tokio::test]
async fn a_disk_that_cannot_be_written() {
    let _alone = ALONE.lock().await;
    let disk = Mounted::tmpfs(16);
    let folder = ledger(disk.path()).await;
    make_read_only(&disk);
    let told = "Read-only file system";
    assert_refused(&folder, told, told);
    let new = disk.path().join("new");
    let (code, told_new) = serve(&new);
    assert!(code == Some(69) && told_new.contains(told), "{code:?} {told_new}");
}

#[tokio::test]
async fn snapshots_and_places_that_cannot_be_imported() {
    let _alone = ALONE.lock().await;
    let home = tempfile::tempdir().expect("a folder");
    let folder = ledger(home.path()).await;
    let file = home.path().join("snapshot");
    let name = file.display().to_string();
    let (code, _, told) = Operator::of(&folder).run(&["export", &name]);
    assert_eq!(code, Some(0), "{told}");
    let whole = std::fs::read(&file).expect("read");
    let theirs = home.path().join("theirs");
    std::fs::create_dir(&theirs).expect("made");
    std::fs::write(theirs.join("notes"), "theirs").expect("written");

    let refused = |place: &Path, bytes: &[u8], words: &str| {
        std::fs::write(&file, bytes).expect("written");
        let before = contents(home.path());
        let (code, out, told) = Operator::of(place).run(&["import", &name]);
        assert!(code == Some(69) && told.contains(words), "{code:?} {out} {told}");
        assert!(contents(home.path()) == before, "nothing changed, and nothing is left: {words}");
    };
    refused(&folder, &whole, "is not empty");
    refused(&theirs, &whole, "is not empty");
    let new = home.path().join("new");
    refused(&new, &whole[..whole.len() / 2], "it is cut short");
    refused(&new, &whole[..whole.len() - 1], "it is cut short");
    refused(&new, b"theirs, and long enough to be one", "it is no snapshot");
    let mut later = whole.clone();
    later[9] = 2;
    refused(&new, &later, "its format 2 is not one of this version");
    let disk = Mounted::tmpfs(16);
    make_read_only(&disk);
    refused(&disk.path().join("new"), &whole, "Read-only file system");
}
