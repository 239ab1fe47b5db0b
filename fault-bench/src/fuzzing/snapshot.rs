//! Snapshots from anywhere: edits of a good one, with and without a digest that fits, and bytes
//! that never were one. Only a whole one is read.

use std::path::Path;

use activation_service::storage::disk::{Disk as _, SimDisk};
use activation_service::storage::journaled::upkeep::check_snapshot;
use sha2::{Digest as _, Sha256};

/// A snapshot of two keys with counts, a release and erased evidence, made by `ledger export`.
const GOOD: &[u8] = include_bytes!("good.snapshot");
const DIGEST_BYTES: usize = 32;
const EDIT_BYTES: usize = 6;

pub(super) fn run(input: &[u8]) {
    let Some((kind, rest)) = input.split_first() else { return };
    let mut bytes = GOOD.to_vec();
    match kind % 3 {
        0 => edit(&mut bytes, rest),
        1 => bytes = rest.to_vec(),
        _ => {
            edit(&mut bytes, rest);
            let end = bytes.len().saturating_sub(DIGEST_BYTES);
            let digest = Sha256::digest(bytes.get(..end).unwrap_or_default());
            bytes.truncate(end);
            bytes.extend_from_slice(&digest);
        }
    }
    let is_good = bytes == GOOD;
    let disk = SimDisk::new(1);
    let path = Path::new("snapshot");
    let written = disk.create(path).and_then(|file| file.write_at(0, &bytes));
    assert!(written.is_ok(), "a simulated disk takes it");
    let read = check_snapshot(&disk, path, &mut |_| {});
    if is_good {
        assert!(read.is_ok(), "the good one is read: {read:?}");
    } else if kind % 3 == 0 {
        assert!(read.is_err(), "a changed one is taken for whole");
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
    let edited = |kind: u8| [&[kind, 0, 0x60][..], &[1, 0, 0, 0]].concat();
    vec![vec![0], edited(0), edited(2), [&[1][..], GOOD].concat()]
}
