//! A full disk stops nothing for good, and needs no restart.

use super::super::{Error, Journal, Options};
use super::{append, open, small};
use crate::storage::disk::sim::{Calls, Fault, FaultKind, TornSize};
use crate::storage::disk::{Call, SimDisk};

const SEGMENT: u64 = 8 << 10;

fn with_reserve() -> Options {
    Options { reserve_bytes: SEGMENT, ..small() }
}

/// Appends until there is no space, and says how many frames that were.
fn fill(journal: &mut Journal) -> u64 {
    for count in 0..1_000 {
        match append(journal, &[3; 900], &[]) {
            Ok(_) => journal.sync().map(drop).expect("there is space for what was appended"),
            Err(Error::DiskFull { .. }) => return count,
            Err(error) => panic!("{error}"),
        }
    }
    panic!("the disk is never full");
}

#[test]
fn p6_a_full_disk_refuses_and_recovers_without_a_restart() {
    let disk = SimDisk::new(1);
    disk.set_capacity(3 * SEGMENT + SEGMENT / 2);
    let mut journal = open(&disk, &with_reserve()).expect("opens").journal;
    let space = journal.make_room().expect("asked");
    assert!(!space.is_low() && journal.free_for(4_000), "{space:?}");
    let before = fill(&mut journal);
    assert!(before >= 8, "two segments were filled: {before}");
    // Full is an answer and not an end: what was synced is there, and the question may be repeated.
    for _ in 0..3 {
        assert!(matches!(append(&mut journal, &[3; 900], &[]), Err(Error::DiskFull { .. })));
        let space = journal.make_room().expect("asked");
        assert!(space.is_low() && !space.is_next_ready && !journal.free_for(900), "{space:?}");
        journal.sync().expect("nothing is broken");
    }
    let small_one = append(&mut journal, &[4; 20], &[]);
    assert!(small_one.is_ok() || matches!(small_one, Err(Error::DiskFull { .. })));
    // The reserve is for the others on this disk.
    assert!(journal.release_reserve().expect("released"));
    assert!(!journal.release_reserve().expect("it is gone"));
    disk.set_capacity(9 * SEGMENT);
    assert!(!journal.make_room().expect("asked").is_low(), "space has come back");
    assert!(fill(&mut journal) > 8);
    let held = journal.tail().sequence;
    journal.sync().expect("synced");
    drop(journal);
    disk.crash(1, TornSize::Sector512);
    let journal = open(&disk, &with_reserve()).expect("opens").journal;
    assert_eq!(journal.tail().sequence, held);
}

#[test]
fn p6_an_unclean_stop_on_a_full_disk_is_recovered_with_the_reserve() {
    let disk = SimDisk::new(1);
    disk.set_capacity(3 * SEGMENT + 100);
    let mut journal = open(&disk, &with_reserve()).expect("opens").journal;
    fill(&mut journal);
    let end = journal.tail();
    drop(journal);
    let opened = open(&disk, &with_reserve()).expect("the reserve is enough");
    assert!(opened.recovered.is_reserve_spent && opened.journal.tail() == end);
    let mut journal = opened.journal;
    // The old tail's space is free again, so the reserve is back; the next segment is not.
    let space = journal.make_room().expect("asked");
    assert!(space.is_low(), "{space:?}");
    disk.set_capacity(5 * SEGMENT);
    assert!(!journal.make_room().expect("asked").is_low());
    append(&mut journal, &[3; 900], &[]).expect("space has come back");
}

#[test]
fn p6_a_full_disk_without_a_reserve_is_named_when_opening_and_opens_later() {
    let disk = SimDisk::new(1);
    disk.set_capacity(SEGMENT + 100);
    let mut journal = open(&disk, &small()).expect("opens").journal;
    append(&mut journal, &[3; 900], &[]).expect("appended");
    journal.sync().expect("synced");
    drop(journal);
    let refused = open(&disk, &small()).err();
    assert!(matches!(refused, Some(Error::DiskFull { bytes: SEGMENT })), "{refused:?}");
    disk.set_capacity(3 * SEGMENT);
    assert_eq!(open(&disk, &small()).expect("opens").journal.tail().sequence, 2);
}

#[test]
fn p6_below_the_low_water_mark_nothing_is_taken_and_space_is_low() {
    let disk = SimDisk::new(1);
    let options = Options { low_water_bytes: SEGMENT, ..with_reserve() };
    disk.set_capacity(3 * SEGMENT + SEGMENT / 2);
    let mut journal = open(&disk, &options).expect("opens").journal;
    // The segment would fit, and leave less than the mark.
    let space = journal.make_room().expect("asked");
    assert!(space.is_low() && space.is_above_mark && !space.is_next_ready, "{space:?}");
    assert_eq!(space.free_bytes, Some(SEGMENT + SEGMENT / 2));
    disk.set_capacity(4 * SEGMENT);
    let space = journal.make_room().expect("asked");
    assert!(!space.is_low() && space.free_bytes == Some(SEGMENT), "{space:?}");
    disk.set_capacity(4 * SEGMENT - 1);
    let space = journal.make_room().expect("asked");
    assert!(space.is_low() && space.is_next_ready && space.is_reserve_held, "{space:?}");
    // What was taken before is there to be written to.
    assert!(fill(&mut journal) >= 8);
}

#[test]
fn a_segment_is_made_ahead_while_the_journal_goes_on() {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk, &with_reserve()).expect("opens").journal;
    let wanted = journal.wanted();
    // The journal needs a segment before the one that is made ahead is there.
    while journal.tail().location.segment == 1 {
        append(&mut journal, &[3; 900], &[]).expect("appended");
    }
    journal.sync().expect("synced");
    let space = journal.keep(wanted.take()).expect("kept");
    assert!(!space.is_low() && journal.free_for(4_000), "{space:?}");
    while journal.tail().location.segment < 4 {
        append(&mut journal, &[4; 900], &[]).expect("appended");
        journal.sync().expect("synced");
    }
    let held = journal.tail().sequence;
    disk.crash(1, TornSize::Sector512);
    assert_eq!(open(&disk, &with_reserve()).expect("opens").journal.tail().sequence, held);
}

#[test]
fn p6_a_disk_that_fails_while_space_is_taken_stops_the_journal() {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk, &with_reserve()).expect("opens").journal;
    let calls = Calls::Only(Call::Allocate);
    disk.plant(Fault { calls, nth: 1, kind: FaultKind::Io });
    let taken = journal.wanted().take();
    assert!(matches!(journal.keep(taken), Err(Error::Disk(_))));
    assert!(matches!(append(&mut journal, &[3; 900], &[]), Err(Error::Poisoned(_))));
}
