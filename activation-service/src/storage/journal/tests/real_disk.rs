//! The same journal on files of this computer.

use std::sync::Arc;

use super::super::{Error, Expected, Mark, Options};
use super::{CHAIN, append, open_at};
use crate::storage::disk::{Disk as _, RealDisk};

#[test]
fn a_journal_on_a_real_disk_is_reopened_and_locked() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("journal");
    let options =
        Options { segment_bytes: 64 << 10, reserve_bytes: 64 << 10, ..Options::default() };
    let open = |expected| open_at(Arc::new(RealDisk), &folder, expected, &options);
    assert!(matches!(open(Expected::Any).err(), Some(Error::Missing(_))));

    let mut journal = open(Expected::NewOr(CHAIN)).expect("made").journal;
    let in_use = open(Expected::Chain(CHAIN)).err();
    assert!(matches!(in_use, Some(Error::InUse(_))), "{in_use:?}");
    let mut locations = Vec::new();
    for number in 0..200_u8 {
        let body = vec![number; 700];
        locations.push(append(&mut journal, &body, &[vec![number; 60]]).expect("appended"));
        if number % 7 == 0 {
            journal.sync().expect("synced");
            assert!(!journal.make_room().expect("asked").is_low());
        }
    }
    let closed = journal.close().expect("closed");

    let opened = open(Expected::Chain(CHAIN)).expect("opens");
    let found = (opened.recovered.mark, opened.recovered.end, opened.recovered.frames_checked);
    assert_eq!(found, (Mark::Clean, closed, 200));
    assert!(opened.recovered.segments >= 3, "{:?}", opened.recovered);
    drop(opened);
    let opened = open(Expected::Chain(CHAIN)).expect("opens");
    assert_eq!(opened.recovered.mark, Mark::Missing, "it was not closed");
    assert!(opened.recovered.copied_bytes > 0);
    let mut journal = opened.journal;
    journal.erase(locations[3], 0).expect("erased");
    for (number, location) in locations.iter().enumerate() {
        let frame = journal.reader().read(*location).expect("whole");
        assert_eq!(frame.body, vec![number as u8; 700]);
    }
    drop(journal);
    assert!(RealDisk.free_bytes(&folder).expect("asked") > 0);
    assert!(RealDisk.free_bytes(&folder.join("nowhere")).is_err_and(|error| error.is_not_found()));
    let names = RealDisk.list(&folder).expect("listed");
    assert!(names.iter().all(|name| !name.ends_with(".tmp")), "{names:?}");
}
