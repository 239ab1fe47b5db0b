//! File systems that are filled and emptied behind the ledger's back.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use crate::mounted::{Mounted, as_root, text};

const PIECE: [u8; 4096] = [7; 4096];
/// Most pieces of the file that fills a file system.
const PIECES_MAX: u32 = 1 << 20;

/// The usual file system of Linux, in a file.
pub(crate) fn ext4(mebibytes: u32) -> Mounted {
    let home = tempfile::tempdir().expect("a folder");
    let image = home.path().join("image");
    let file = File::create(&image).expect("made");
    file.set_len(u64::from(mebibytes) << 20).expect("sized");
    as_root("mkfs.ext4", &["-q", "-F", "-m", "0", text(&image)]);
    Mounted::mount(home, &["-o", "loop", text(&image)])
}

/// Fills it and leaves about so many bytes.
pub(crate) fn fill_but(disk: &Mounted, left: u64) {
    let mut options = OpenOptions::new();
    let mut filler = options.create(true).append(true).open(file(disk)).expect("made");
    for _ in 0..PIECES_MAX {
        match filler.write(&PIECE) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => {
                let length = filler.metadata().expect("read").len();
                return filler.set_len(length.saturating_sub(left)).expect("cut");
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("it is never full");
}

/// Takes away what filled it.
pub(crate) fn make_room(disk: &Mounted) {
    std::fs::remove_file(file(disk)).expect("removed");
}

fn file(disk: &Mounted) -> PathBuf {
    disk.path().join("filler")
}
