//! Kept specimens of what lies on disk: these bytes stay readable, whatever else changes.

use super::super::{Entry, Journal, Location};
use super::{append, folder, open, small};
use crate::storage::disk::SimDisk;

fn written() -> (SimDisk, Journal, Location) {
    let disk = SimDisk::new(1);
    let mut journal = open(&disk, &small()).expect("opens").journal;
    let entries = [b"kept".to_vec(), b"erased".to_vec()];
    let location = append(&mut journal, b"body of format 1", &entries).expect("appended");
    journal.sync().expect("synced");
    journal.erase(location, 1).expect("erased");
    (disk, journal, location)
}

fn image(disk: &SimDisk, name: &str, from: usize, to: usize) -> String {
    let bytes = disk.image(&folder().join(name)).expect("there");
    hex::encode(&bytes[from..to])
}

/// The beginning of a segment; zeros follow.
const SEGMENT_1: &str = concat!(
    "424a5345474d4e54b049365c0001000000000001000000000707070707070707",
    "0707070707070707000000000000000100000000000000000000000000000000",
    "000000000000000000000000000000000000000000002000",
);
/// Its first frame, an entry of it erased.
const FRAME_1: &str = concat!(
    "424a4652dd3b7000000100000000000207070707070707070707070707070707",
    "0000000000000001000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000100000000001000000100000001400000000",
    "0000000400000006626f6479206f6620666f726d617420312812dc856b657074",
    "45524153000000000000000000000000",
);
/// The mark of a clean close behind that frame.
const MARK_1: &str = concat!(
    "424a434c4f534544a2d8db3a0001070707070707070707070707070707070000",
    "0001000000000000109000000000000000028443294b4db7aba254cae89e021e",
    "0f86add7f4fdfd79ea31468914418cf5f637",
);

#[test]
fn format_1_is_written_as_it_always_was() {
    let (disk, journal, location) = written();
    assert_eq!(location, Location { segment: 1, offset: 4096 });
    assert_eq!(image(&disk, "00000001.seg", 0, 88), SEGMENT_1);
    assert_eq!(image(&disk, "00000001.seg", 4096, 4096 + 144), FRAME_1);
    journal.close().expect("closed");
    assert_eq!(image(&disk, "clean", 0, 82), MARK_1);
}

#[test]
fn format_1_is_read() {
    let (disk, journal, location) = written();
    journal.close().expect("closed");
    disk.tamper(&folder().join("00000001.seg"), |bytes| {
        let segment = hex::decode(SEGMENT_1).expect("hexadecimal");
        let frame = hex::decode(FRAME_1).expect("hexadecimal");
        bytes.fill(0);
        bytes[..segment.len()].copy_from_slice(&segment);
        bytes[4096..4096 + frame.len()].copy_from_slice(&frame);
    });
    disk.tamper(&folder().join("clean"), |bytes| {
        *bytes = hex::decode(MARK_1).expect("hexadecimal");
    });
    let journal = open(&disk, &small()).expect("opens").journal;
    let frame = journal.reader().read(location).expect("whole");
    assert_eq!(frame.body, b"body of format 1");
    assert_eq!(frame.erasable, [Entry::Present(b"kept".to_vec()), Entry::Erased]);
}
