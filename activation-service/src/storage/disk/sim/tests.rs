//! The simulated disk loses what was not synced, and nothing else.

use std::path::Path;

use super::{Calls, Fault, FaultKind, SimDisk, TornSize};
use crate::storage::disk::{Call, Disk as _, DiskErrorKind};

const FOLDER: &str = "folder";
const FILE: &str = "folder/file";

fn disk() -> SimDisk {
    let disk = SimDisk::new(1);
    disk.create_folder(Path::new(FOLDER)).expect("made");
    disk.sync_dir(Path::new("")).expect("synced");
    disk
}

/// Outcomes over many crashes of a file with a synced front and an unsynced back.
fn after_crashes(torn: TornSize) -> Vec<Option<Vec<u8>>> {
    let outcome = |seed| {
        let disk = disk();
        let file = disk.create(Path::new(FILE)).expect("made");
        file.write_at(0, &[1; 5000]).expect("written");
        file.sync_data().expect("synced");
        disk.sync_dir(Path::new(FOLDER)).expect("synced");
        file.write_at(5000, &[2; 9000]).expect("written");
        disk.crash(seed, torn);
        assert!(file.sync_data().is_err(), "files from before the crash are dead");
        disk.image(Path::new(FILE))
    };
    (0..500).map(outcome).collect()
}

#[test]
fn synced_bytes_survive_and_unsynced_ones_may_be_lost_or_torn() {
    for torn in [TornSize::Sector512, TornSize::Sector4096] {
        let (mut whole, mut lost, mut torn_apart) = (0, 0, 0);
        for image in after_crashes(torn) {
            let image = image.expect("its name was synced");
            assert!(image.starts_with(&[1; 5000]), "what was synced is lost");
            let back = &image[5000..];
            for (index, byte) in back.iter().enumerate() {
                let is_first = (5000 + index) % torn.bytes() == 0;
                assert!(*byte == 0 || *byte == 2);
                let is_new = index > 0 && back[index - 1] != *byte;
                assert!(!is_new || is_first, "torn inside a sector");
            }
            match back.iter().filter(|byte| **byte == 2).count() {
                0 => lost += 1,
                9000 => whole += 1,
                _ => torn_apart += 1,
            }
        }
        assert!(whole > 20 && lost > 20 && torn_apart > 100, "{whole} {lost} {torn_apart}");
    }
}

#[test]
fn free_bytes_are_what_the_capacity_leaves() {
    let (disk, folder) = (disk(), Path::new(FOLDER));
    disk.set_capacity(10_000);
    let file = disk.create(Path::new(FILE)).expect("made");
    file.write_at(0, &[1; 4_000]).expect("written");
    assert_eq!(disk.free_bytes(folder).expect("asked"), 6_000);
    disk.set_capacity(1_000);
    assert_eq!(disk.free_bytes(folder).expect("asked"), 0);
    let calls = disk.changing_calls();
    disk.free_bytes(folder).expect("asked");
    assert_eq!(disk.changing_calls(), calls, "asking changes nothing");
}

#[test]
fn names_survive_only_after_a_sync_of_their_folder() {
    let (mut kept, mut renamed, mut gone) = (0, 0, 0);
    for seed in 0..200 {
        let disk = disk();
        let file = disk.create(Path::new(FILE)).expect("made");
        file.write_at(0, b"bytes").expect("written");
        file.sync_all().expect("synced");
        if seed % 2 == 0 {
            disk.sync_dir(Path::new(FOLDER)).expect("synced");
        }
        disk.rename(Path::new(FILE), Path::new("folder/other")).expect("renamed");
        disk.crash(seed, TornSize::Sector512);
        let other = disk.image(Path::new("folder/other"));
        match (disk.image(Path::new(FILE)), other) {
            (Some(bytes), None) => kept += u64::from(bytes == b"bytes"),
            (None, Some(bytes)) => renamed += u64::from(bytes == b"bytes"),
            (None, None) => {
                assert!(seed % 2 == 1, "a synced name is lost");
                gone += 1;
            }
            (Some(_), Some(_)) => panic!("a renamed file has two names"),
        }
    }
    assert!(kept > 10 && renamed > 10 && gone > 10, "{kept} {renamed} {gone}");
}

#[test]
fn a_failed_sync_leaves_bytes_that_are_only_seen() {
    let mut only_seen = 0;
    for seed in 0..100 {
        let disk = SimDisk::new(seed);
        let file = disk.create(Path::new("file")).expect("made");
        disk.sync_dir(Path::new("")).expect("synced");
        let calls = Calls::Only(Call::SyncData);
        disk.plant(Fault { calls, nth: 1, kind: FaultKind::Io });
        file.write_at(0, &[1; 512]).expect("written");
        assert!(matches!(file.sync_data().expect_err("fails").kind, DiskErrorKind::Io(_)));
        file.sync_data().expect("a second sync says that all is well");
        assert_eq!(disk.image(Path::new("file")).expect("there"), [1; 512]);
        disk.crash(seed, TornSize::Sector512);
        only_seen += u64::from(disk.image(Path::new("file")).expect("there").is_empty());
    }
    assert!(only_seen > 10 && only_seen < 100, "{only_seen}");
}

#[test]
fn a_full_disk_writes_what_fits_and_space_comes_back() {
    let disk = disk();
    disk.set_capacity(1000);
    let file = disk.create(Path::new(FILE)).expect("made");
    assert!(file.allocate(1001).expect_err("too much").is_no_space());
    assert!(disk.used_bytes() <= 1000);
    file.write_at(0, &[1; 1000]).expect("it fits");
    file.write_at(0, &[2; 1000]).expect("writing over takes no space");
    let other = disk.create(Path::new("folder/other")).expect("made");
    assert!(other.write_at(0, &[1]).expect_err("full").is_no_space());
    disk.remove(Path::new(FILE)).expect("removed");
    other.write_at(0, &[1; 1000]).expect("there is space again");
}

#[test]
fn a_power_cut_fails_all_calls_until_the_crash_and_a_lock_ends_with_it() {
    let disk = disk();
    let file = disk.create(Path::new(FILE)).expect("made");
    disk.sync_dir(Path::new(FOLDER)).expect("synced");
    file.try_lock().expect("free");
    let second = disk.open(Path::new(FILE)).expect("opens");
    assert!(matches!(second.try_lock().expect_err("taken").kind, DiskErrorKind::InUse));
    disk.plant(Fault { calls: Calls::Changing, nth: 2, kind: FaultKind::PowerCut });
    file.write_at(0, b"1").expect("written");
    assert!(file.write_at(0, b"2").is_err() && disk.is_powerless());
    assert!(disk.list(Path::new(FOLDER)).is_err());
    disk.crash(1, TornSize::Sector512);
    let third = disk.open(Path::new(FILE)).expect("opens");
    third.try_lock().expect("free again");
    drop(third);
    disk.open(Path::new(FILE)).expect("opens").try_lock().expect("free when dropped");
}
