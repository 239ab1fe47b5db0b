//! After a clean close only the last segment is read again; what lies before is found damaged by
//! whoever reads it, and an unclean stop has everything read.

use std::path::Path;

use super::super::{Error, Options, Recovered};
use super::{append, folder, open, small};
use crate::storage::disk::SimDisk;

fn trusting() -> Options {
    Options { is_clean_close_trusted: true, ..small() }
}

/// A journal of several segments.
fn long(disk: &SimDisk, is_closed: bool) -> u64 {
    let mut journal = open(disk, &trusting()).expect("opens").journal;
    for number in 0..40 {
        append(&mut journal, &[number; 900], &[]).expect("appended");
        journal.sync().expect("synced");
    }
    assert!(journal.tail().location.segment > 4);
    if is_closed {
        journal.close().expect("closed");
    }
    40
}

fn found(disk: &SimDisk) -> Result<Recovered, Error> {
    open(disk, &trusting()).map(|opened| opened.recovered)
}

#[test]
fn a_start_after_a_clean_close_reads_one_segment() {
    let disk = SimDisk::new(1);
    let frames = long(&disk, true);
    let one = found(&disk.fork(2)).expect("opens");
    assert!(one.frames_checked < 9 && one.end.sequence == frames + 1, "{one:?}");
    let all = open(&disk.fork(3), &small()).expect("opens").recovered;
    assert_eq!((all.frames_checked, all.end), (frames, one.end));

    let unclean = SimDisk::new(1);
    long(&unclean, false);
    let all = found(&unclean).expect("opens");
    assert_eq!((all.frames_checked, all.end), (frames, one.end));
}

#[test]
fn p5_damage_before_the_last_segment_is_named_by_whoever_reads_it() {
    let disk = SimDisk::new(1);
    long(&disk, true);
    let early = folder().join("00000002.seg");
    assert!(disk.tamper(Path::new(&early), |bytes| bytes[5_000] ^= 1));
    let refused = open(&disk.fork(2), &small()).err();
    assert!(matches!(refused, Some(Error::Damaged { .. })), "{refused:?}");
    let journal = open(&disk, &trusting()).expect("opens").journal;
    let reader = journal.reader();
    let walked: Result<Vec<_>, _> = reader.walk(reader.start()).collect();
    assert!(matches!(walked, Err(Error::Damaged { .. })), "{walked:?}");
    let scrubbed = reader.scrub(reader.start(), u64::MAX);
    assert!(matches!(scrubbed, Err(Error::Damaged { .. })), "{scrubbed:?}");
}

#[test]
fn p5_a_mark_that_names_more_than_there_is_is_refused() {
    let disk = SimDisk::new(1);
    long(&disk, true);
    let names = disk.fork(9);
    let last = (1..=30).rev().map(|number| folder().join(format!("{number:08}.seg")));
    let last = last.into_iter().find(|path| disk.image(path).is_some()).expect("a segment");
    assert!(names.tamper(&last, |bytes| {
        let end = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == 0).count();
        bytes[4096..end].fill(0);
    }));
    let refused = found(&names).err();
    assert!(matches!(refused, Some(Error::Shrunk { .. })), "{refused:?}");
}
