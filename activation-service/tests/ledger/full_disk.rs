//! sled on file systems that are really full: it says so, is opened again with the reserve's space,
//! and holds all that was acknowledged.

use std::path::Path;
use std::sync::Arc;

use activation_service::ports::{Committed, Ledger as _};
use activation_service::storage::journaled::{Ground, JournaledLedger};
use activation_service::storage::sled::SledOptions;

use crate::cache::{account, commit, fill, is_committed, now};
use crate::filled::{close, counted, options};
use crate::filler::{ext4, fill_but, make_room};
use crate::keys::{activate, change, key_id};
use crate::mounted::Mounted;
use crate::upkeep::check;

const SEGMENT: u64 = 8 << 20;
/// More computers than fit on any of these file systems.
const COMPUTERS_MAX: u32 = 100_000;

fn open(folder: &Path) -> JournaledLedger {
    std::fs::create_dir_all(folder).expect("made");
    let ground = Ground::folder(folder, SledOptions::default());
    let mut options = options(3);
    // The journal has space beforehand, so sled is the one that finds none.
    (options.journal.segment_bytes, options.journal.reserve_bytes) = (SEGMENT, SEGMENT);
    options.journal.low_water_bytes = 1 << 20;
    JournaledLedger::open_by_hand(&ground, options, Arc::new(counted())).expect("opens")
}

fn try_next(ledger: &JournaledLedger, number: u32) -> Committed {
    commit(ledger, change(Some(&account(ledger, 1)), &activate(number, number)))
}

/// Counts until sled finds no space; gives how many computers there are.
fn until_sled_is_full(ledger: &JournaledLedger, from: u32) -> u32 {
    for number in from..COMPUTERS_MAX {
        assert!(is_committed(&try_next(ledger, number)), "the journal has its space");
        assert!(ledger.apply_one());
        // Asking whether it is ready would look at the space as well.
        if let Err(error) = now(ledger.heads(vec![key_id(1)])) {
            assert!(error.to_string().contains("no space"), "{error}");
            return number;
        }
    }
    panic!("sled is never full");
}

fn assert_good(folder: &Path, events: u64) {
    let found = check(folder).expect("it is read");
    assert!(found.is_good(), "{:?}", found.faults);
    assert_eq!((found.events, found.applied_sequence), (events, events));
}

#[test]
fn p6_sled_on_a_full_disk_is_opened_again_and_loses_nothing() {
    for disk in [Mounted::tmpfs(64), ext4(64)] {
        let folder = disk.path().join("ledger");
        let ledger = open(&folder);
        fill(&ledger, 20);
        now(ledger.ready()).expect("the next segment is taken");
        let reserve = folder.join("journal/reserve");
        assert!(reserve.exists());

        fill_but(&disk, 0);
        let last = until_sled_is_full(&ledger, 21);
        // The reserve is enough to go on, and to answer what is known.
        assert!(ledger.apply_one(), "mended");
        now(ledger.ready()).expect("it answers");
        assert!(!reserve.exists());
        assert_eq!(account(&ledger, 1).head.version, u64::from(last) + 1);
        assert_eq!(try_next(&ledger, last + 1), Committed::DiskFull);

        make_room(&disk);
        now(ledger.ready()).expect("it answers");
        assert!(reserve.exists(), "taken back");
        assert!(is_committed(&try_next(&ledger, last + 1)));
        while ledger.apply_one() {}
        close(ledger, &folder);
        assert!(!folder.join("sled-set-aside-1").exists(), "the books were good all the time");
        assert_good(&folder, u64::from(last) + 2);
    }
}

#[test]
fn p6_without_any_space_the_ledger_waits_and_goes_on_when_there_is_some() {
    let disk = Mounted::tmpfs(64);
    let folder = disk.path().join("ledger");
    let ledger = open(&folder);
    fill(&ledger, 20);
    now(ledger.ready()).expect("the next segment is taken");
    fill_but(&disk, 0);
    let last = until_sled_is_full(&ledger, 21);
    // Somebody else is quicker to take what the reserve gives.
    std::fs::remove_file(folder.join("journal/reserve")).expect("removed");
    fill_but(&disk, 0);
    let attempts = (0..20).filter(|_| ledger.apply_one()).count();
    let is_ready = now(ledger.ready()).is_ok();
    // sled may find a page of its own that is free; if it does not, it waits.
    assert!(attempts <= 1 && is_ready == (attempts == 1));
    make_room(&disk);
    while !is_ready && !ledger.apply_one() {}
    now(ledger.ready()).expect("it answers");
    assert_eq!(account(&ledger, 1).head.version, u64::from(last) + 1);
    assert!(is_committed(&try_next(&ledger, last + 1)));
    while ledger.apply_one() {}
    close(ledger, &folder);
    assert_good(&folder, u64::from(last) + 2);
}
