//! The journaled engine beyond the suite: what was acknowledged is in the chain, sled can be lost,
//! and receipts prove what was recorded.

use std::path::Path;
use std::sync::Arc;

use activation_service::domain::account::Account;
use activation_service::ports::{Committed, KeyRef, Ledger, Proofs, Randomness, Span};
use activation_service::storage::journal::{ChainId, Options};
use activation_service::storage::journaled::{
    JournaledError, JournaledLedger, JournaledOptions, MemoryBounds,
};
use activation_service::storage::sled::SledOptions;
use receipt::{Receipt, SigningKey, TrustedKeys};

use crate::keys::{activate, change, key_id, lookup, register, terms};

const SEED: [u8; 32] = [7; 32];

struct Fixed;

impl Randomness for Fixed {
    fn id_bytes(&self) -> [u8; 16] {
        [9; 16]
    }
}

pub(crate) fn open(folder: &Path) -> JournaledLedger {
    open_chain(folder, ChainId([3; 16])).expect("opens")
}

fn open_chain(folder: &Path, new_chain: ChainId) -> Result<JournaledLedger, JournaledError> {
    let journal = Options { segment_bytes: 1 << 20, reserve_bytes: 1 << 20, ..Options::default() };
    let options = JournaledOptions {
        journal,
        sled: SledOptions::default(),
        signing_key: SigningKey::from_seed(&SEED),
        new_chain,
        memory: MemoryBounds::default(),
    };
    JournaledLedger::open(folder, options, Arc::new(Fixed))
}

/// Registers a key and activates `computers` computers; gives all receipts and the account.
async fn fill(ledger: &JournaledLedger, computers: u32) -> (Vec<Arc<[u8]>>, Arc<Account>) {
    let mut receipts = Vec::new();
    let mut next = change(None, &register(1, terms(1_000)));
    for number in 1..=computers {
        receipts.extend(commit(ledger, next).await);
        let loaded = ledger.load(KeyRef::Id(key_id(1)), None).await.expect("answers");
        next = change(Some(&loaded.expect("known").account), &activate(number, number));
    }
    let account = Arc::clone(&next.account);
    receipts.extend(commit(ledger, next).await);
    (receipts, account)
}

async fn commit(
    ledger: &JournaledLedger,
    change: activation_service::ports::Change,
) -> Vec<Arc<[u8]>> {
    match ledger.commit(vec![change]).await.expect("answers").remove(0) {
        Committed::Committed { proofs, .. } => proofs,
        other => panic!("{other:?}"),
    }
}

async fn account(ledger: &JournaledLedger) -> Arc<Account> {
    let digests = vec![lookup(1)];
    let loaded = ledger.load(KeyRef::Lookup(digests), None).await.expect("answers");
    loaded.expect("known").account
}

#[tokio::test]
async fn every_event_has_a_receipt_that_verifies_and_is_the_same_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path());
    let (receipts, _) = fill(&ledger, 5).await;
    assert_eq!(receipts.len(), 6);
    let mut trusted = TrustedKeys::default();
    trusted.trust(SigningKey::from_seed(&SEED).public_key()).expect("a first key");
    for (bytes, sequence) in receipts.iter().zip(1..) {
        let receipt = Receipt::decode(bytes).expect("a receipt");
        let verified = receipt.verify(&trusted).expect("verifies");
        assert_eq!((verified.leaf.sequence, verified.leaf.key_id), (sequence, key_id(1).0));
    }
    drop(ledger);
    let ledger = open(folder.path());
    for (bytes, sequence) in receipts.iter().zip(1..) {
        let again = ledger.receipt(key_id(1), sequence).await.expect("answers").expect("recorded");
        assert_eq!(&again, bytes, "event {sequence}");
    }
}

#[tokio::test]
async fn an_account_survives_a_restart_and_the_loss_of_the_books() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path());
    let (_, before) = fill(&ledger, 40).await;
    drop(ledger);
    let ledger = open(folder.path());
    assert_eq!(account(&ledger).await, before);
    assert_eq!(ledger.report().replayed, 0, "a clean stop has applied everything");
    drop(ledger);

    // All of sled is gone.
    std::fs::remove_dir_all(folder.path().join("sled")).expect("removed");
    let ledger = open(folder.path());
    assert_eq!(account(&ledger).await, before);
    assert_eq!(ledger.report().replayed, 41);
    drop(ledger);

    // sled is somebody else's: it is set aside and made again.
    std::fs::remove_dir_all(folder.path().join("sled")).expect("removed");
    let stranger = tempfile::tempdir().expect("a folder");
    let other = open_chain(stranger.path(), ChainId([4; 16])).expect("opens");
    fill(&other, 3).await;
    drop(other);
    std::fs::rename(stranger.path().join("sled"), folder.path().join("sled")).expect("moved");
    let ledger = open(folder.path());
    assert!(ledger.report().set_aside.as_ref().is_some_and(|aside| aside.exists()));
    assert_eq!(account(&ledger).await, before);
    let span = Span { descending: true, after: None, most: 3 };
    let (events, as_of) = ledger.events(key_id(1), span).await.expect("answers");
    let versions: Vec<_> = events.iter().map(|e| (e.sequence, e.event.version)).collect();
    assert_eq!((versions, as_of), (vec![(41, 41), (40, 40), (39, 39)], 41));
}

#[tokio::test]
async fn older_books_are_brought_up_to_the_journal() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path());
    fill(&ledger, 10).await;
    drop(ledger);
    let copy = tempfile::tempdir().expect("a folder");
    let old = copy.path().join("sled");
    copy_folder(&folder.path().join("sled"), &old);
    let ledger = open(folder.path());
    let loaded = account(&ledger).await;
    let next = change(Some(&loaded), &activate(77, 77));
    let after = Arc::clone(&next.account);
    commit(&ledger, next).await;
    drop(ledger);
    std::fs::remove_dir_all(folder.path().join("sled")).expect("removed");
    copy_folder(&old, &folder.path().join("sled"));
    let ledger = open(folder.path());
    assert_eq!(ledger.report().replayed, 1);
    assert_eq!(ledger.report().set_aside, None);
    assert_eq!(account(&ledger).await, after);
}

#[tokio::test]
async fn p5_an_older_journal_and_a_lost_one_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = open(folder.path());
    fill(&ledger, 3).await;
    drop(ledger);
    let copy = tempfile::tempdir().expect("a folder");
    let (journal, old) = (folder.path().join("journal"), copy.path().join("journal"));
    copy_folder(&journal, &old);
    let ledger = open(folder.path());
    let loaded = account(&ledger).await;
    commit(&ledger, change(Some(&loaded), &activate(77, 77))).await;
    drop(ledger);
    std::fs::remove_dir_all(&journal).expect("removed");
    copy_folder(&old, &journal);
    let refused = open_chain(folder.path(), ChainId([3; 16])).err().expect("refused");
    assert!(matches!(refused, JournaledError::JournalBehind { applied: 5, durable: 4 }));

    for entry in std::fs::read_dir(&journal).expect("read") {
        std::fs::remove_file(entry.expect("read").path()).expect("removed");
    }
    let refused = open_chain(folder.path(), ChainId([3; 16])).err().expect("refused");
    assert!(
        matches!(refused, JournaledError::JournalBehind { applied: 5, durable: 0 }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_folder_of_something_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("notes.txt"), "theirs").expect("written");
    let refused = open_chain(folder.path(), ChainId([3; 16])).err().expect("refused");
    assert!(matches!(refused, JournaledError::Foreign(_)), "{refused}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("read").count(), 1);
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("read") {
        let entry = entry.expect("read");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}
