//! File systems of a few mebibytes, mounted for one test, that are really full. Only root may
//! mount, so these tests fail for anybody else and say so.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const PIECE: [u8; 4096] = [7; 4096];
/// Most pieces of a file that fills a file system.
const PIECES_MAX: u32 = 1 << 20;

/// A mounted file system; it is gone with this.
pub(crate) struct Mounted {
    place: PathBuf,
    _home: TempDir,
}

impl Mounted {
    /// In memory.
    pub(crate) fn tmpfs(mebibytes: u32) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let place = place(home.path());
        let size = format!("size={mebibytes}m");
        run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", text(&place)]);
        Self { place, _home: home }
    }

    /// The usual one of Linux, in a file.
    pub(crate) fn ext4(mebibytes: u32) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let (place, image) = (place(home.path()), home.path().join("image"));
        let file = File::create(&image).expect("made");
        file.set_len(u64::from(mebibytes) << 20).expect("sized");
        run("mkfs.ext4", &["-q", "-F", "-m", "0", text(&image)]);
        run("mount", &["-o", "loop", text(&image), text(&place)]);
        Self { place, _home: home }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.place
    }

    /// Fills it and leaves about so many bytes.
    pub(crate) fn fill_but(&self, left: u64) {
        let mut options = OpenOptions::new();
        let mut filler = options.create(true).append(true).open(self.filler()).expect("made");
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
    pub(crate) fn make_room(&self) {
        std::fs::remove_file(self.filler()).expect("removed");
    }

    fn filler(&self) -> PathBuf {
        self.place.join("filler")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // It goes once nothing has it open any more.
        let _ = Command::new("umount").arg("--lazy").arg(&self.place).status();
    }
}

fn place(home: &Path) -> PathBuf {
    let place = home.join("mounted");
    std::fs::create_dir(&place).expect("made");
    place
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "this test mounts file systems of its own: run it as root, as CI does ({program}: {})",
        String::from_utf8_lossy(&output.stderr)
    );
}
