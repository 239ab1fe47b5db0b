//! Specimens of traces, written here byte by byte, and one made by the shim itself.

use std::process::Command;

use super::*;
use crate::real::shim::Shim;
use crate::real::world;
use system_tests::Service;

#[derive(Default)]
struct Trace(Vec<u8>);

impl Trace {
    fn with(mut self, kind: u16, inode: u64, offset: u64, length: u64) -> Self {
        self.put(kind, [inode, offset, length], ["", ""], &[]);
        self
    }

    fn named(mut self, kind: u16, inode: u64, path: &str, other: &str) -> Self {
        self.put(kind, [inode, 0, 0], [path, other], &[]);
        self
    }

    fn written(mut self, inode: u64, offset: u64, data: &[u8]) -> Self {
        self.put(kind::WRITE, [inode, offset, data.len() as u64], ["", ""], data);
        self
    }

    /// A sync of everything so far.
    fn synced(self, inode: u64) -> Self {
        let upto = self.0.len() as u64;
        self.with(kind::SYNC, inode, upto, 0)
    }

    fn put(&mut self, kind: u16, numbers: [u64; 3], names: [&str; 2], data: &[u8]) {
        let bytes = &mut self.0;
        bytes.extend(MAGIC.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        names.iter().for_each(|name| {
            bytes.extend(u16::try_from(name.len()).expect("short").to_le_bytes());
        });
        bytes.extend([0; 2]);
        bytes.extend(u32::try_from(data.len()).expect("short").to_le_bytes());
        numbers.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        names.iter().for_each(|name| bytes.extend(name.bytes()));
        bytes.extend(data);
    }

    fn cut(&self, before: &Image, loss: Loss, seed: u64) -> Image {
        cut(before, &self.0, usize::MAX, loss, &Dice::new(seed)).expect("a trace")
    }
}

fn file(bytes: &[u8]) -> Kept {
    Kept::File(bytes.to_vec())
}

fn folder<const N: usize>(nodes: [(&str, Kept); N]) -> Image {
    Image(nodes.into_iter().map(|(name, node)| (name.to_owned(), node)).collect())
}

#[test]
fn what_was_synced_stays_and_nothing_else() {
    let before = folder([("old", file(b"abcdef"))]);
    let trace = Trace::default()
        .named(kind::OPEN, 1, "old", "")
        .written(1, 1, b"XY")
        .synced(1)
        .written(1, 0, b"Z")
        .named(kind::CREATE, 2, "new", "")
        .written(2, 0, b"never synced");
    assert_eq!(trace.cut(&before, Loss::Unsynced, 1), folder([("old", file(b"aXYdef"))]));
}

#[test]
fn a_sync_covers_only_what_was_done_before_it_began() {
    let trace = Trace::default().named(kind::CREATE, 1, "f", "").written(1, 0, b"a");
    let began = trace.0.len() as u64;
    let trace = trace.written(1, 1, b"b").with(kind::SYNC, 1, began, 0);
    assert_eq!(trace.cut(&Image::default(), Loss::Unsynced, 1), folder([("f", file(b"a"))]));
    let lied = cut(&Image::default(), &trace.0, 0, Loss::Unsynced, &Dice::new(1)).expect("a trace");
    assert_eq!(lied, Image::default(), "a disk that lies about syncs keeps nothing");
}

#[test]
fn a_new_file_is_durable_with_its_folders_and_a_rename_with_a_sync_of_the_folder() {
    let made = || {
        Trace::default()
            .named(kind::FOLDER, 0, "a", "")
            .named(kind::FOLDER, 0, "a/b", "")
            .named(kind::CREATE, 1, "a/b/f", "")
            .written(1, 0, b"1")
            .synced(1)
            .named(kind::RENAME, 0, "a/b/f", "a/b/g")
    };
    let nested = |name| {
        let inner = Kept::Folder(folder([(name, file(b"1"))]));
        folder([("a", Kept::Folder(folder([("b", inner)])))])
    };
    assert_eq!(made().cut(&Image::default(), Loss::Unsynced, 1), nested("f"));
    assert_eq!(made().synced(1).cut(&Image::default(), Loss::Unsynced, 1), nested("f"));
    let synced = made().named(kind::OPEN, 2, "a/b", "").synced(2);
    assert_eq!(synced.cut(&Image::default(), Loss::Unsynced, 1), nested("g"));
    let removed = synced.named(kind::REMOVE, 0, "a/b/g", "");
    assert_eq!(removed.cut(&Image::default(), Loss::Unsynced, 1), nested("g"));
}

#[test]
fn a_later_sync_does_not_heal_a_failed_one() {
    let trace = Trace::default()
        .named(kind::CREATE, 1, "f", "")
        .written(1, 0, b"aaaa")
        .synced(1)
        .written(1, 0, b"bb");
    let upto = trace.0.len() as u64;
    let trace = trace.with(kind::SYNC_FAILED, 1, upto, 0).written(1, 3, b"c").synced(1);
    assert_eq!(trace.cut(&Image::default(), Loss::Unsynced, 1), folder([("f", file(b"aaac"))]));
}

#[test]
fn torn_blocks_stand_as_they_did_at_some_moment_and_cuts_are_whole() {
    let old = vec![b'o'; 2048];
    let before = folder([("f", file(&old))]);
    let trace = Trace::default()
        .named(kind::OPEN, 1, "f", "")
        .written(1, 0, &[b'1'; 1536])
        .with(kind::LENGTH, 1, 512, 0)
        .written(1, 512, &[b'2'; 1024]);
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..500 {
        let image = trace.cut(&before, Loss::Torn(512), seed);
        let Some(Kept::File(bytes)) = image.0.get("f") else { panic!("{image:?}") };
        let blocks = bytes.chunks(512).map(|block| {
            assert!(block.iter().all(|byte| byte == &block[0]), "a block is whole");
            char::from(block[0])
        });
        seen.insert(blocks.collect::<String>().replace('\0', "0"));
    }
    for torn in &seen {
        let behind = torn.get(1..).expect("a block");
        assert!(!behind.contains('2') || !behind.contains(['1', 'o']), "{torn}: old and new");
    }
    for torn in ["oooo", "1ooo", "o11o", "o", "1", "o22", "102", "120"] {
        assert!(seen.contains(torn), "{torn} can be, and is not among {seen:?}");
    }
    assert_eq!(trace.cut(&before, Loss::Unsynced, 1), before);
}

#[test]
fn a_record_that_a_kill_cut_short_was_never_made() {
    let mut trace = Trace::default().named(kind::CREATE, 1, "f", "").written(1, 0, b"a").synced(1);
    trace.0.pop();
    assert_eq!(trace.cut(&Image::default(), Loss::Unsynced, 1), Image::default());
}

#[test]
fn what_the_shim_cannot_see_is_an_error() {
    let trace = Trace::default().named(kind::BLIND, 0, "f", "");
    assert!(cut(&Image::default(), &trace.0, 0, Loss::Unsynced, &Dice::new(1)).is_err());
}

#[test]
fn the_shim_sees_what_a_program_does() -> Result<()> {
    let (desk, root) = (world::folder()?, world::folder()?);
    let (shim, trace) = (Shim::new(desk.path())?, desk.path().join("trace"));
    let process = shim.process(Service::Catalog, root.path(), Some(&trace));
    let script = "cd \"$1\" && mkdir in && printf one > in/kept && sync in/kept && \
                  printf two >> in/kept && printf three > in/lost && mv in/kept in/moved && \
                  printf four > in/other && sync -d in/other && rm in/lost";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(root.path()).envs(process.environment);
    xtask::process::read(&mut shell)?;
    let left = Trace(std::fs::read(trace)?).cut(&Image::default(), Loss::Unsynced, 1);
    let inner = folder([("kept", file(b"one")), ("lost", file(b"")), ("other", file(b"four"))]);
    // The sync of `other` made its name durable, and with it all names before it.
    let moved = folder([("lost", file(b"")), ("moved", file(b"one")), ("other", file(b"four"))]);
    assert_ne!(left, folder([("in", Kept::Folder(inner))]));
    assert_eq!(left, folder([("in", Kept::Folder(moved))]));
    Ok(())
}
