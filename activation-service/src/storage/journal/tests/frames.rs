//! What can be appended, read, walked and erased, and what is refused.

use super::super::{
    BODY_BYTES_MAX, Entry, Error, Expected, FrameParts, Location, Mark, NO_HEAD, Options, Recovered,
};
use super::{CHAIN, ChainId, Journal, append, folder, head_of, open, open_at, small};
use crate::storage::disk::{Disk as _, SimDisk};

fn fresh() -> (SimDisk, Journal) {
    let disk = SimDisk::new(1);
    let journal = open(&disk, &small()).expect("opens").journal;
    (disk, journal)
}

fn recovered(disk: &SimDisk) -> Recovered {
    open(disk, &small()).expect("opens").recovered
}

#[test]
fn a_frame_is_read_as_it_was_appended_once_it_is_synced() {
    let (_disk, mut journal) = fresh();
    let reader = journal.reader();
    let entries = vec![b"first".to_vec(), vec![9; 700]];
    let location = append(&mut journal, b"a body", &entries).expect("appended");
    assert!(matches!(reader.read(location), Err(Error::NoFrame(_))), "not durable yet");
    let end = journal.sync().expect("synced");
    let frame = reader.read(location).expect("durable");
    assert_eq!((frame.body.as_slice(), frame.first_sequence), (b"a body".as_slice(), 1));
    assert_eq!(frame.erasable, entries.into_iter().map(Entry::Present).collect::<Vec<_>>());
    assert_eq!((end.sequence, end.head), (2, head_of(b"a body").expect("a digest")));
    let shown = format!("{frame:?}");
    assert!(!shown.contains("97") && shown.contains("Present(700 bytes)"), "{shown}");
}

#[test]
fn an_erased_entry_is_gone_from_the_file_and_all_else_stays() {
    let (disk, mut journal) = fresh();
    let secret = b"digest of a disk".to_vec();
    let entries = [b"kept".to_vec(), secret.clone()];
    let location = append(&mut journal, b"body", &entries).expect("appended");
    journal.sync().expect("synced");
    for _ in 0..2 {
        journal.erase(location, 1).expect("erased");
        let frame = journal.reader().read(location).expect("whole");
        assert_eq!(frame.erasable, [Entry::Present(b"kept".to_vec()), Entry::Erased]);
        assert_eq!(frame.body, b"body");
    }
    let image = disk.image(&folder().join("00000001.seg")).expect("there");
    assert!(!image.windows(secret.len()).any(|bytes| bytes == secret), "still on the disk");
    assert!(matches!(journal.erase(location, 2), Err(Error::NoEntry { entry: 2, .. })));
    let nowhere = Location { segment: 9, offset: 0 };
    assert!(matches!(journal.erase(nowhere, 0), Err(Error::NoFrame(_))));
    append(&mut journal, b"next", &[]).expect("a wrong question stops nothing");
}

#[test]
fn what_does_not_follow_or_is_too_long_is_refused_and_stops_nothing() {
    let (_disk, mut journal) = fresh();
    let good = FrameParts {
        first_sequence: 1,
        event_count: 1,
        previous_head: NO_HEAD,
        body: b"body",
        erasable: &[],
    };
    let long = vec![0; BODY_BYTES_MAX + 1];
    let empty_entry = [Vec::new()];
    for parts in [
        FrameParts { first_sequence: 2, ..good },
        FrameParts { previous_head: [1; 32], ..good },
        FrameParts { event_count: 0, ..good },
        FrameParts { body: &long, ..good },
        FrameParts { body: &long[..9000], ..good },
        FrameParts { erasable: &empty_entry, ..good },
    ] {
        assert!(matches!(journal.append(&parts), Err(Error::Refused(_))));
    }
    journal.append(&good).expect("the good one is taken");
    assert_eq!(journal.close().expect("closed").sequence, 2);
}

#[test]
fn an_event_is_found_from_its_segment_on_and_scrubbing_goes_on_where_it_stopped() {
    let (_disk, mut journal) = fresh();
    for number in 0..40_u8 {
        append(&mut journal, &[number; 700], &[vec![1; 50]]).expect("appended");
        journal.sync().expect("synced");
    }
    let reader = journal.reader();
    assert!(reader.end().location.segment > 5, "several segments");
    for sequence in 1..=40 {
        let mut walk = reader.walk(reader.before(sequence));
        let found = walk.find(|frame| frame.as_ref().expect("whole").first_sequence == sequence);
        assert!(found.is_some(), "event {sequence}");
    }
    let mut scrubbed = reader.scrub(reader.start(), 0).expect("nothing to do");
    let mut steps = 0;
    let mut bytes = 0;
    while !scrubbed.is_done {
        scrubbed = reader.scrub(scrubbed.at, 2_000).expect("whole");
        bytes += scrubbed.bytes;
        steps += 1;
    }
    assert!(steps > 10 && bytes > 40 * 750 && scrubbed.at == reader.end());
}

#[test]
fn a_walk_goes_on_when_more_is_synced() {
    let (_disk, mut journal) = fresh();
    let reader = journal.reader();
    let mut walk = reader.walk(reader.start());
    for number in 0..30_u8 {
        assert!(walk.advance().expect("whole").is_none());
        append(&mut journal, &[number; 900], &[]).expect("appended");
        assert!(walk.advance().expect("whole").is_none(), "not durable yet");
        journal.sync().expect("synced");
        let frame = walk.advance().expect("whole").expect("durable");
        assert_eq!(frame.body, [number; 900]);
    }
}

#[test]
fn opening_begins_at_what_was_verified_before() {
    let (disk, mut journal) = fresh();
    for number in 0..20_u8 {
        append(&mut journal, &[number; 900], &[]).expect("appended");
        journal.sync().expect("synced");
    }
    let verified = journal.reader().before(15);
    let end = journal.close().expect("closed");
    let options = Options { verified: Some(verified), ..small() };
    let opened = open(&disk, &options).expect("opens");
    assert_eq!(opened.recovered.frames_checked, 21 - verified.sequence);
    assert_eq!((opened.recovered.mark, opened.journal.tail()), (Mark::Clean, end));
    drop(opened);
    let refused = |verified| {
        let options = Options { verified: Some(verified), ..small() };
        open(&disk, &options).err().expect("another journal")
    };
    let mut elsewhere = verified;
    elsewhere.head = [5; 32];
    assert!(matches!(refused(elsewhere), Error::Discontinuity { .. }));
    // An older copy of the journal, beside which someone remembers more.
    let mut later = end;
    (later.sequence, later.location.offset) = (end.sequence + 3, end.location.offset + 2_000);
    assert!(matches!(refused(later), Error::Shrunk { held: 23, holds: 20 }));
    later.location.segment += 1;
    assert!(matches!(refused(later), Error::Shrunk { .. }));
    let options = Options { verified: Some(end), ..small() };
    open(&disk, &options).expect("the end itself is a good place");
}

#[test]
fn an_erasure_that_was_cut_short_is_noticed_and_finished() {
    let (disk, mut journal) = fresh();
    let location = append(&mut journal, b"body", &[vec![5; 40]]).expect("appended");
    journal.sync().expect("synced");
    let path = folder().join("00000001.seg");
    // The frame is 96 + 4 + 4 bytes long, then its only entry begins.
    let mark = 4096 + 104;
    disk.tamper(&path, |bytes| bytes[mark..mark + 4].copy_from_slice(b"ERAS"));
    let reader = journal.reader();
    assert_eq!(reader.read(location).expect("whole").erasable, [Entry::Erased]);
    let scrubbed = reader.scrub(reader.start(), 1 << 20).expect("whole");
    assert_eq!(scrubbed.half_erased, [(location, 0)]);
    drop(journal);
    assert_eq!(recovered(&disk).erasures_finished, 1);
    let image = disk.image(&path).expect("there");
    assert!(image[mark + 4..mark + 44].iter().all(|byte| *byte == 0));
    assert_eq!(recovered(&disk).erasures_finished, 0);
}

#[test]
fn a_clean_close_is_told_from_an_unclean_stop() {
    let (disk, mut journal) = fresh();
    append(&mut journal, b"one", &[]).expect("appended");
    journal.close().expect("closed");
    let clean = recovered(&disk);
    assert_eq!((clean.mark, clean.copied_bytes, clean.is_new), (Mark::Clean, 0, false));
    // That one was dropped without closing.
    let unclean = recovered(&disk);
    assert_eq!((unclean.mark, unclean.is_cut), (Mark::Missing, false));
    assert!(unclean.copied_bytes > 0, "the tail was copied");
    assert_eq!(unclean.end, clean.end);
}

#[test]
fn strangers_and_second_writers_are_refused_by_name() {
    let (disk, journal) = fresh();
    let refused = |expected| {
        let shared = std::sync::Arc::new(disk.clone());
        open_at(shared, &folder(), expected, &small()).err().map(|error| error.to_string())
    };
    let in_use = refused(Expected::Any).expect("refused");
    assert!(in_use.contains("open in another process"), "{in_use}");
    journal.close().expect("closed");
    let foreign = refused(Expected::Chain(ChainId([8; 16]))).expect("refused");
    assert!(foreign.contains("belongs to chain 0707"), "{foreign}");
    assert_eq!(refused(Expected::Chain(CHAIN)), None);
    assert_eq!(refused(Expected::Any), None);
    let path = folder().join("00000001.seg");
    disk.tamper(&path, |bytes| {
        // A later version that keeps the place of its number, whatever else it changes.
        bytes[12..14].copy_from_slice(&9_u16.to_be_bytes());
        let checksum = crc32c::crc32c(&bytes[12..4096]).to_be_bytes();
        bytes[8..12].copy_from_slice(&checksum);
    });
    let later = refused(Expected::Any).expect("refused");
    assert!(later.contains("its format is 9"), "{later}");
    disk.tamper(&path, |bytes| bytes[..16].copy_from_slice(b"SQLite format 3\0"));
    let stranger = refused(Expected::Any).expect("refused");
    assert!(stranger.contains("no journal of this version"), "{stranger}");
    disk.remove(&path).expect("removed");
    let missing = refused(Expected::Any).expect("refused");
    assert!(missing.contains("holds no journal"), "{missing}");
    let nowhere = open_at(std::sync::Arc::new(SimDisk::new(1)), &folder(), Expected::Any, &small());
    assert!(matches!(nowhere.err(), Some(Error::Missing(_))));
}
