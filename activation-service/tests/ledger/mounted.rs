//! File systems of a few mebibytes that are mounted for one test. Only root may mount, so these
//! tests fail for anybody else and say so.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A mounted file system; it is gone with this.
pub(crate) struct Mounted {
    place: PathBuf,
    _home: TempDir,
}

impl Mounted {
    /// In memory.
    pub(crate) fn tmpfs(mebibytes: u32) -> Self {
        let size = format!("size={mebibytes}m");
        let home = tempfile::tempdir().expect("a folder");
        Self::mount(home, &["-t", "tmpfs", "-o", &size, "tmpfs"])
    }

    /// What `mount` makes of these arguments, in a folder that may hold more of it.
    pub(crate) fn mount(home: TempDir, args: &[&str]) -> Self {
        let place = home.path().join("mounted");
        std::fs::create_dir(&place).expect("made");
        as_root("mount", &[args, &[text(&place)]].concat());
        Self { place, _home: home }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.place
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // It goes once nothing has it open any more.
        let _ = Command::new("umount").arg("--lazy").arg(&self.place).status();
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Runs a program that needs root.
pub(crate) fn as_root(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "this test mounts file systems of its own: run it as root, as CI does ({program}: {})",
        String::from_utf8_lossy(&output.stderr)
    );
}
