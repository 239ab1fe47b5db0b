//! Journals from anywhere: edits of a good one, and bytes that never were one. What opens holds a
//! beginning of what was written, or is refused by name.

use std::path::Path;
use std::sync::Arc;

use activation_service::storage::disk::SimDisk;
use activation_service::storage::journal::ChainId;
use activation_service::storage::journal::{
    Error, Expected, FrameParts, Hash, Journal, Opened, Options, UnreadableBody,
};

const FOLDER: &str = "journal";
const SEGMENT: &str = "journal/00000001.seg";
const CHAIN: ChainId = ChainId([7; 16]);
/// Bytes of an edit: where (2), and what.
const EDIT_BYTES: usize = 6;

/// In these journals a body begins with its head.
fn head_of(body: &[u8]) -> Result<Hash, UnreadableBody> {
    let head = body.first_chunk().copied();
    head.ok_or_else(|| UnreadableBody("it is too short for its head".to_owned()))
}

fn options() -> Options {
    Options { segment_bytes: 8 << 10, reserve_bytes: 0, ..Options::default() }
}

fn open(disk: &SimDisk, expected: Expected) -> Result<Opened, Error> {
    Journal::open(Arc::new(disk.clone()), Path::new(FOLDER), expected, head_of, &options())
}

/// A journal of four frames that was not closed in good order.
fn good() -> (SimDisk, Vec<Vec<u8>>) {
    let (disk, mut bodies) = (SimDisk::new(1), Vec::new());
    if let Ok(opened) = open(&disk, Expected::NewOr(CHAIN)) {
        let mut journal = opened.journal;
        for number in 1..=4_u8 {
            let body = vec![number; 40 + usize::from(number)];
            let tail = journal.tail();
            let appended = journal.append(&FrameParts {
                first_sequence: tail.sequence,
                event_count: 1,
                previous_head: tail.head,
                body: &body,
                erasable: &[vec![number; 9]],
            });
            if appended.and_then(|_| journal.sync()).is_ok() {
                bodies.push(body);
            }
        }
    }
    (disk, bodies)
}

pub(super) fn run(input: &[u8]) {
    let Some((kind, rest)) = input.split_first() else { return };
    let (disk, bodies) = good();
    assert_eq!(bodies.len(), 4, "the good journal is written");
    let path = Path::new(SEGMENT);
    disk.tamper(path, |bytes| match kind % 3 {
        0 => edit(bytes, rest),
        1 => *bytes = rest.to_vec(),
        // The header stays, so that the frames are looked into.
        _ => {
            let kept = bytes.len().min(4096);
            bytes.truncate(kept);
            bytes.extend_from_slice(rest);
            bytes.resize(8 << 10, 0);
        }
    });
    let Ok(opened) = open(&disk, Expected::Any) else { return };
    let reader = opened.journal.reader();
    let frames: Result<Vec<_>, _> = reader.walk(reader.start()).collect();
    let Ok(frames) = frames else { return };
    if kind % 3 == 0 {
        assert!(frames.len() <= bodies.len(), "more frames than were written");
        for (frame, body) in frames.iter().zip(&bodies) {
            assert_eq!(&frame.body, body, "another frame than the one that was written");
        }
    }
}

fn edit(bytes: &mut [u8], edits: &[u8]) {
    for edit in edits.chunks_exact(EDIT_BYTES) {
        let Some((place, what)) = edit.split_first_chunk::<2>() else { return };
        let place = usize::from(u16::from_be_bytes(*place)) % bytes.len().max(1);
        for (to, from) in bytes.iter_mut().skip(place).zip(what) {
            *to ^= from;
        }
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let (disk, _) = good();
    let image = disk.image(Path::new(SEGMENT)).unwrap_or_default();
    let frames = image.get(4096..).unwrap_or_default();
    let written = frames.len() - frames.iter().rev().take_while(|byte| **byte == 0).count();
    let frames = frames.get(..written).unwrap_or_default();
    vec![
        vec![0],
        [&[0, 0x10, 0x08][..], &[1, 0, 0, 0]].concat(),
        [&[1][..], image.get(..4200).unwrap_or_default()].concat(),
        [&[2][..], frames].concat(),
    ]
}
