//! Evidence is erased for good: it is in no file any more, every proof stands, and an event that is
//! not there, or about no computer, changes nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use activation_service::domain::event::Body;
use activation_service::ports::{KeyRef, Ledger, Proofs};
use activation_service::storage::journaled::upkeep::{
    Erased, Erasure, UpkeepError, erase, export, import,
};
use activation_service::storage::sled::SledOptions;
use receipt::Receipt;

use crate::filled::{close, counted, filled, open, options};
use crate::keys::{activate, change, key_id};
use crate::upkeep::{check, histories, trusted};

fn erase_of(folder: &Path, key: u8, versions: &[u64]) -> Result<Erased, UpkeepError> {
    let versions: BTreeSet<u64> = versions.iter().copied().collect();
    let erasure = Erasure { key: key_id(key), versions };
    erase(folder, &SledOptions::default(), &options(3).journal, &erasure, &mut |_| {})
}

/// The receipts of the events of key 3.
async fn receipts(folder: &Path) -> Vec<Arc<[u8]>> {
    let ledger = open(folder);
    let mut all = Vec::new();
    for version in 1..=41 {
        all.push(ledger.receipt(key_id(3), version).await.expect("answers").expect("recorded"));
    }
    close(ledger, folder);
    all
}

/// How many files below a folder hold these bytes.
fn files_with(folder: &Path, bytes: &[u8]) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            count += files_with(&path, bytes);
        } else {
            let held = std::fs::read(&path).expect("read");
            count += usize::from(held.windows(bytes.len()).any(|window| window == bytes));
        }
    }
    count
}

#[tokio::test]
async fn erased_evidence_is_in_no_file_and_every_proof_stands() {
    let home = tempfile::tempdir().expect("a folder");
    let (folder, file) = (home.path().join("ledger"), home.path().join("snapshot"));
    filled(&folder).await;
    let (before, proofs) = (histories(&folder).await, receipts(&folder).await);
    let (account, events) = &before[2];
    // Computers from 9 on are known to this key alone.
    let (twentieth, next) = (&events[19], &events[20]);
    let digest = |event: &activation_service::domain::event::Event| match &event.body {
        Body::Activated(activated) => activated.evidence.components()[0].digests()[0].0,
        other => panic!("{other:?}"),
    };
    let (gone, kept) = (digest(twentieth), digest(next));
    assert!(files_with(&folder, &gone) >= 2, "the journal and the books");

    let done = erase_of(&folder, 3, &[20]).expect("erased");
    assert_eq!((done.erased, done.already, done.copies.len()), (1, 0, 0));
    assert_eq!(files_with(&folder, &gone), 0);
    assert!(files_with(&folder, &kept) >= 2);
    let again = erase_of(&folder, 3, &[20]).expect("nothing to do");
    assert_eq!((again.erased, again.already), (0, 1));

    let found = check(&folder).expect("it is read");
    assert!(found.is_good() && found.erased == 1, "{found:?}");
    assert_eq!(receipts(&folder).await, proofs, "the same bytes");
    for proof in &proofs {
        Receipt::decode(proof).expect("a receipt").verify(&trusted()).expect("it stands");
    }
    // The decision is there, what it was made on is not, and the count is held as before.
    let after = histories(&folder).await;
    let (now, told) = &after[2];
    assert_eq!(now.head, account.head);
    assert_eq!((told.len(), told[19].version), (events.len(), 20));
    let Body::Activated(activated) = &told[19].body else { panic!("{:?}", told[19]) };
    let Body::Activated(was) = &twentieth.body else { panic!("{twentieth:?}") };
    assert!(activated.evidence.components().is_empty());
    assert_eq!(activated.explanation, was.explanation);
    assert_eq!((&told[20], &after[0]), (next, &before[0]), "no other event has changed");

    // The computer is a new one to this key now.
    let ledger = open(&folder);
    let loaded = ledger.load(KeyRef::Id(key_id(3)), None).await.expect("answers").expect("known");
    let next = change(Some(&loaded.account), &activate(19, 200));
    assert_eq!(next.account.head.used, account.head.used + 1);
    close(ledger, &folder);

    export(&folder, &file, &mut |_| {}).expect("written");
    let new = home.path().join("new");
    import(&file, &new, &options(9), &counted(), &mut |_| {}).expect("imported");
    assert_eq!(histories(&new).await, after);
    assert_eq!(files_with(&new, &gone), 0);
}

#[tokio::test]
async fn all_of_a_key_goes_and_what_is_no_evidence_stays() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("ledger");
    filled(&folder).await;
    let before = histories(&folder).await;
    let aside = folder.join("sled-set-aside-1");
    std::fs::create_dir(&aside).expect("made");
    let refusals = [
        (erase_of(&folder, 99, &[]), "is no key of this ledger"),
        (erase_of(&folder, 3, &[5, 42]), "has no event 42"),
        (erase_of(&folder, 3, &[5, 1]), "holds nothing of a computer"),
        (erase_of(home.path(), 3, &[5]), "holds no journal"),
    ];
    for (refused, words) in refusals {
        let told = refused.expect_err("refused").to_string();
        assert!(told.contains(words), "{told}");
    }
    assert_eq!(histories(&folder).await, before, "nothing was changed");
    let done = erase_of(&folder, 3, &[]).expect("erased");
    assert_eq!((done.erased, done.copies), (40, vec![aside]));
    let found = check(&folder).expect("it is read");
    assert!(found.is_good() && found.erased == 40, "{found:?}");
    let after = histories(&folder).await;
    assert_eq!(after[2].0.head, before[2].0.head);
    assert_eq!(after[1], before[1]);
}
