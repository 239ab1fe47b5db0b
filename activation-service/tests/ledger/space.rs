//! Too little space: what is new is refused, what is known is answered, and it needs no restart.

use std::sync::Arc;

use activation_service::ports::{Committed, Ledger as _};
use activation_service::storage::disk::SimDisk;
use activation_service::storage::journaled::{Ground, JournaledLedger};
use activation_service::storage::sled::SledOptions;

use crate::cache::{account, commit, fill, is_committed, now};
use crate::filled::{counted, options};
use crate::keys::{activate, change};

const SEGMENT: u64 = 32 << 10;
const MARK: u64 = 10_000;

fn open(disk: &SimDisk, books: &std::path::Path) -> JournaledLedger {
    let ground = Ground::folder(books, SledOptions::default());
    let ground =
        Ground { disk: Arc::new(disk.clone()), journal: "journal".into(), shelf: ground.shelf };
    let mut options = options(3);
    options.journal.low_water_bytes = MARK;
    JournaledLedger::open_by_hand(&ground, options, Arc::new(counted())).expect("opens")
}

fn try_next(ledger: &JournaledLedger, number: u32) -> Committed {
    commit(ledger, change(Some(&account(ledger, 1)), &activate(number, number)))
}

#[test]
fn p6_below_the_mark_nothing_new_is_recorded_and_all_else_goes_on() {
    let (disk, books) = (SimDisk::new(1), tempfile::tempdir().expect("a folder"));
    let ledger = open(&disk, books.path());
    fill(&ledger, 5);
    let before = account(&ledger, 1);
    let used = disk.used_bytes();
    disk.set_capacity(used + MARK - 1);
    now(ledger.ready()).expect("it answers");
    for number in 6..9 {
        assert_eq!(try_next(&ledger, number), Committed::DiskFull);
    }
    assert_eq!(account(&ledger, 1), before, "nothing is counted, and what is known is read");
    now(ledger.ready()).expect("it answers");
    assert_eq!(disk.used_bytes(), used, "and nothing takes space");

    // The mark alone is not enough: the next segment is taken ahead, and leaves the mark.
    disk.set_capacity(used + SEGMENT + MARK - 1);
    now(ledger.ready()).expect("it answers");
    assert_eq!(try_next(&ledger, 6), Committed::DiskFull);
    disk.set_capacity(used + SEGMENT + MARK);
    now(ledger.ready()).expect("it answers");
    assert!(is_committed(&try_next(&ledger, 6)));
    while ledger.apply_one() {}
    assert_eq!(account(&ledger, 1).head.version, before.head.version + 1);
}

#[test]
fn p6_a_segment_that_finds_no_space_refuses_until_there_is_some() {
    let (disk, books) = (SimDisk::new(1), tempfile::tempdir().expect("a folder"));
    let ledger = open(&disk, books.path());
    fill(&ledger, 2);
    // Nobody looked in time: the space ends while the journal writes.
    disk.set_capacity(disk.used_bytes());
    let mut number = 2;
    let refused = loop {
        number += 1;
        match try_next(&ledger, number) {
            Committed::Committed { .. } => assert!(number < 1_000, "the segment has an end"),
            refused => break refused,
        }
    };
    assert_eq!(refused, Committed::DiskFull);
    let before = account(&ledger, 1);
    assert_eq!(before.head.version, u64::from(number), "only what was acknowledged is there");
    assert_eq!(try_next(&ledger, number), Committed::DiskFull);
    disk.set_capacity(u64::MAX);
    now(ledger.ready()).expect("it answers");
    assert!(is_committed(&try_next(&ledger, number)));
    while ledger.apply_one() {}
    assert_eq!(account(&ledger, 1).head.version, before.head.version + 1);
}
