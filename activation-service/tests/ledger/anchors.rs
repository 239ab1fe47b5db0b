//! P5: a ledger that is older, shorter or another than an anchor says is refused by name, with
//! nothing changed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use activation_service::ports::{KeyRef, Ledger, Proofs};
use activation_service::storage::journal::{self, Known};
use activation_service::storage::journaled::anchor::Anchor;
use activation_service::storage::journaled::upkeep::{Trust, verify};
use activation_service::storage::journaled::{JournaledError, JournaledLedger};
use activation_service::storage::sled::SledOptions;
use receipt::{SignedHead, SigningKey, TrustedKeys};

use crate::filled::{EVENTS, SEED, close, counted, filled, open, options};
use crate::keys::{activate, change, key_id};

fn trusted() -> TrustedKeys {
    SigningKey::from_seed(&SEED).public_key().to_string().parse().expect("a key")
}

/// The anchor of the newest head, through its line.
async fn anchor(ledger: &JournaledLedger) -> Known {
    let head = ledger.head().await.expect("answers").expect("a head");
    let head = SignedHead::decode(&head).expect("a head");
    let line = Anchor { head, time_ms: 1 }.to_string();
    Anchor::parse(&line, &trusted()).expect("its own line").known()
}

async fn activate_one(ledger: &JournaledLedger, computer: u32) {
    let loaded = ledger.load(KeyRef::Id(key_id(2)), None).await.expect("answers");
    let next = change(Some(&loaded.expect("known").account), &activate(computer, computer));
    ledger.commit(vec![next]).await.expect("answers");
}

fn open_below(folder: &Path, known: Known) -> Result<JournaledLedger, JournaledError> {
    let mut options = options(3);
    options.journal.known = [None, Some(known)];
    JournaledLedger::open(folder, options, Arc::new(counted()))
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        // The lock is an empty file that looking in may make.
        if entry.file_name() != "lock" {
            let name = entry.file_name().to_string_lossy().into_owned();
            files.insert(name, std::fs::read(entry.path()).expect("read"));
        }
    }
    files
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("copied")),
        }
    }
}

#[tokio::test]
async fn p5_an_older_copy_of_the_whole_folder_is_refused_and_left_as_it_is() {
    let home = tempfile::tempdir().expect("a folder");
    let (folder, older) = (home.path().join("ledger"), home.path().join("older"));
    filled(&folder).await;
    copy(&folder, &older);
    let ledger = open(&folder);
    let before = anchor(&ledger).await;
    activate_one(&ledger, 100).await;
    let known = anchor(&ledger).await;
    close(ledger, &folder);
    assert_eq!((before.sequence, known.sequence), (EVENTS, EVENTS + 1));

    // The ledger itself holds every anchor of its past.
    for held in [before, known] {
        close(open_below(&folder, held).expect("it is held"), &folder);
    }
    close(open_below(&older, before).expect("the copy holds its own"), &older);
    let files = contents(&older.join("journal"));
    let refused = open_below(&older, known).err().expect("refused");
    let JournaledError::Journal(journal::Error::BehindKnown { known: at, holds, .. }) = refused
    else {
        panic!("{refused}");
    };
    assert_eq!((at, holds), (EVENTS + 1, EVENTS));
    assert_eq!(contents(&older.join("journal")), files);

    // Without an anchor nobody can tell.
    close(open(&older), &older);
}

#[tokio::test]
async fn p5_a_lost_tail_another_history_another_chain_and_nothing_are_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let (folder, other) = (home.path().join("ledger"), home.path().join("other"));
    filled(&folder).await;
    copy(&folder, &other);
    let (ledger, twin) = (open(&folder), open(&other));
    activate_one(&ledger, 100).await;
    activate_one(&twin, 200).await;
    let (known, elsewhere) = (anchor(&ledger).await, anchor(&twin).await);
    close(ledger, &folder);
    close(twin, &other);
    let refused = open_below(&folder, elsewhere).err().expect("refused");
    assert!(
        matches!(refused, JournaledError::Journal(journal::Error::NotKnown { .. })),
        "{refused}"
    );
    let keys = trusted();
    let trust = Trust { keys: &keys, known: [Some(elsewhere), None] };
    let scratch = Some(home.path());
    let found = verify(&folder, scratch, &SledOptions::default(), &trust, &mut |_| {});
    let found = found.expect("readable");
    assert!(found.faults[0].contains("the anchor names another head"), "{:?}", found.faults);

    let stranger = Known { chain: journal::ChainId([9; 16]), ..known };
    let refused = open_below(&folder, stranger).err().expect("refused");
    assert!(
        matches!(refused, JournaledError::Journal(journal::Error::ForeignChain { .. })),
        "{refused}"
    );

    // The books are gone and the last segment is cut where the last frame began: without books
    // that remember more, only the anchor does.
    std::fs::remove_dir_all(folder.join("sled")).expect("removed");
    std::fs::remove_file(folder.join("journal/clean")).expect("removed");
    let frame = last_frame(&folder);
    let refused = open_below(&folder, known).err().expect("refused");
    assert!(
        matches!(refused, JournaledError::Journal(journal::Error::BehindKnown { .. })),
        "{refused} {frame}"
    );

    let nothing = home.path().join("nothing");
    let refused = open_below(&nothing, known).err().expect("refused");
    assert!(
        matches!(refused, JournaledError::Journal(journal::Error::BehindKnown { holds: 0, .. })),
        "{refused}"
    );
}

/// Fills the last frame of the last segment with zeros; where it began.
fn last_frame(folder: &Path) -> usize {
    let mut names: Vec<_> = contents(&folder.join("journal")).into_keys().collect();
    names.retain(|name| name.ends_with(".seg"));
    let path = folder.join("journal").join(names.pop().expect("a segment"));
    let mut bytes = std::fs::read(&path).expect("read");
    let begin = (0..bytes.len()).rfind(|at| bytes[*at..].starts_with(b"BJFR")).expect("a frame");
    bytes[begin..].fill(0);
    std::fs::write(&path, bytes).expect("written");
    begin
}
