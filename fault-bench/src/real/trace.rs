//! The trace of the shim, and the folder that a power cut at its end leaves behind.
//!
//! Durable is what a sync that ended well covered: data of a file by fsync or fdatasync of the
//! file, names by fsync of their folder. As on ext4, a sync of a file or folder that is new also
//! makes its own name durable. In the torn kinds of loss each block of a file besides holds any
//! state that it went through since, and each folder any of its own.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result, bail, ensure};
use system_tests::Dice;

use super::image::{Image, Node as Kept};
use super::unsynced::{Change, Unsynced};

/// What a power cut takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// Everything that was not synced.
    Unsynced,
    /// Some of what was not synced, in blocks of so many bytes.
    Torn(usize),
}

const MAGIC: u32 = 0x3154_4c46;
const HEADER_BYTES: usize = 40;

/// Kinds of records, as shim.h numbers them.
mod kind {
    pub(super) const OPEN: u16 = 1;
    pub(super) const CREATE: u16 = 2;
    pub(super) const WRITE: u16 = 3;
    pub(super) const ZEROS: u16 = 4;
    pub(super) const LENGTH: u16 = 5;
    pub(super) const SYNC: u16 = 6;
    pub(super) const SYNC_FAILED: u16 = 7;
    pub(super) const RENAME: u16 = 8;
    pub(super) const REMOVE: u16 = 9;
    pub(super) const LINK: u16 = 10;
    pub(super) const FOLDER: u16 = 11;
    pub(super) const BLIND: u16 = 12;
}

struct Record<'a> {
    /// Where it begins in the trace.
    place: u64,
    kind: u16,
    inode: u64,
    offset: u64,
    length: u64,
    path: &'a str,
    other: &'a str,
    data: &'a [u8],
}

/// The folder that a cut leaves behind: `before` as it was durable when the trace began. Syncs
/// behind `honest` bytes of the trace were lies of the disk.
pub(super) fn cut(
    before: &Image,
    trace: &[u8],
    honest: usize,
    loss: Loss,
    dice: &Dice,
) -> Result<Image> {
    let mut disk = Disk::new(before, loss, dice);
    let mut rest = trace;
    while let Some(record) = record(trace.len() - rest.len(), &mut rest)? {
        let Record { place, kind, path, other, .. } = record;
        if kind == kind::SYNC && place >= honest as u64 {
            continue;
        }
        disk.take(record).with_context(|| format!("{place}: record {kind} {path:?} {other:?}"))?;
    }
    disk.image(ROOT)
}

/// The next record; none if the trace ends, be it amidst a record that a kill cut short.
fn record<'a>(place: usize, rest: &mut &'a [u8]) -> Result<Option<Record<'a>>> {
    let Some((header, tail)) = rest.split_at_checked(HEADER_BYTES) else { return Ok(None) };
    let number = |at: usize, bytes: usize| {
        let mut all = [0; 8];
        for (to, from) in all.iter_mut().zip(header.iter().skip(at).take(bytes)) {
            *to = *from;
        }
        u64::from_le_bytes(all)
    };
    ensure!(number(0, 4) == u64::from(MAGIC), "no record at {place} of the trace");
    let bytes = |at, width| usize::try_from(number(at, width)).unwrap_or(usize::MAX);
    let (path_bytes, other_bytes, data_bytes) = (bytes(6, 2), bytes(8, 2), bytes(12, 4));
    let Some((path, tail)) = tail.split_at_checked(path_bytes) else { return Ok(None) };
    let Some((other, tail)) = tail.split_at_checked(other_bytes) else { return Ok(None) };
    let Some((data, tail)) = tail.split_at_checked(data_bytes) else { return Ok(None) };
    *rest = tail;
    Ok(Some(Record {
        place: place as u64,
        kind: u16::try_from(number(4, 2))?,
        inode: number(16, 8),
        offset: number(24, 8),
        length: number(32, 8),
        path: std::str::from_utf8(path)?,
        other: std::str::from_utf8(other)?,
        data,
    }))
}

/// A change of the names in one folder.
enum Naming {
    Set(String, usize),
    Unset(String),
    Move(String, String, usize),
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Set(name, node) => drop(names.insert(name.clone(), *node)),
            Self::Unset(name) => drop(names.remove(name)),
            Self::Move(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

/// A file or a folder, whatever it is called.
#[derive(Default)]
struct Node {
    is_folder: bool,
    /// Of a file.
    content: Unsynced,
    /// Of a folder: as the processes see it.
    seen: BTreeMap<String, usize>,
    /// Of a folder: as it is durable.
    durable: BTreeMap<String, usize>,
    /// Of a folder: what lies between, each with its place in the trace.
    namings: Vec<(u64, Naming)>,
    /// The folder in which it was made, and where in the trace; none if that was before.
    made: Option<(usize, u64)>,
}

struct Disk<'a> {
    loss: Loss,
    dice: &'a Dice,
    nodes: Vec<Node>,
    inodes: HashMap<u64, usize>,
}

/// The root is the first node.
const ROOT: usize = 0;

impl<'a> Disk<'a> {
    fn new(before: &Image, loss: Loss, dice: &'a Dice) -> Self {
        let root = Node { is_folder: true, ..Node::default() };
        let mut disk = Self { loss, dice, nodes: vec![root], inodes: HashMap::new() };
        disk.fill(ROOT, before);
        disk
    }

    fn fill(&mut self, folder: usize, image: &Image) {
        for (name, kept) in &image.0 {
            let node = match kept {
                Kept::File(bytes) => {
                    self.add(Node { content: Unsynced::of(bytes.clone()), ..Node::default() })
                }
                Kept::Folder(inner) => {
                    let node = self.add(Node { is_folder: true, ..Node::default() });
                    self.fill(node, inner);
                    node
                }
            };
            if let Some(folder) = self.nodes.get_mut(folder) {
                folder.seen.insert(name.clone(), node);
                folder.durable.insert(name.clone(), node);
            }
        }
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn node(&mut self, node: usize) -> Result<&mut Node> {
        self.nodes.get_mut(node).context("a node")
    }

    fn file(&mut self, inode: u64) -> Result<&mut Unsynced> {
        let node = *self.inodes.get(&inode).context("a file that was never opened")?;
        Ok(&mut self.node(node)?.content)
    }

    /// The folder of a path and the last name in it.
    fn parent<'p>(&mut self, path: &'p str) -> Result<(usize, &'p str)> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok((self.find(folder)?, name))
    }

    fn find(&mut self, path: &str) -> Result<usize> {
        let mut node = ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let found = self.node(node)?.seen.get(name).copied();
            node = found.with_context(|| format!("{name:?} of {path:?} is not there"))?;
        }
        Ok(node)
    }

    fn rename(&mut self, place: u64, folder: usize, naming: Naming) -> Result<()> {
        let folder = self.node(folder)?;
        naming.apply(&mut folder.seen);
        folder.namings.push((place, naming));
        Ok(())
    }

    fn make(&mut self, place: u64, path: &str, is_folder: bool) -> Result<usize> {
        let (folder, name) = self.parent(path)?;
        let made = Some((folder, place));
        let node = self.add(Node { is_folder, made, ..Node::default() });
        self.rename(place, folder, Naming::Set(name.to_owned(), node))?;
        Ok(node)
    }

    fn take(&mut self, record: Record<'_>) -> Result<()> {
        let Record { place, inode, offset, length, path, other, data, .. } = record;
        match record.kind {
            kind::OPEN => {
                let node = self.find(path)?;
                self.inodes.insert(inode, node);
            }
            kind::CREATE => {
                let node = self.make(place, path, false)?;
                self.inodes.insert(inode, node);
            }
            kind::WRITE => self.file(inode)?.push(place, Change::Write(offset, data.to_vec())),
            kind::ZEROS => self.file(inode)?.push(place, Change::Zeros(offset, length)),
            kind::LENGTH => self.file(inode)?.push(place, Change::Length(offset)),
            kind::SYNC => {
                let node = *self.inodes.get(&inode).context("a sync of what was never opened")?;
                self.sync(node, offset)?;
            }
            kind::SYNC_FAILED => {
                let loss = self.loss;
                let node = *self.inodes.get(&inode).context("a sync of what was never opened")?;
                let mut dice = self.dice.apart(place);
                self.node(node)?.content.abandon(offset, loss, &mut dice);
            }
            kind::RENAME => {
                let ((from, old), (to, new)) = (self.parent(path)?, self.parent(other)?);
                ensure!(from == to, "a move between folders");
                let node = self.find(path)?;
                self.rename(place, from, Naming::Move(old.to_owned(), new.to_owned(), node))?;
            }
            kind::REMOVE => {
                let (folder, name) = self.parent(path)?;
                self.rename(place, folder, Naming::Unset(name.to_owned()))?;
            }
            kind::LINK => {
                let node = self.find(path)?;
                let (folder, name) = self.parent(other)?;
                self.rename(place, folder, Naming::Set(name.to_owned(), node))?;
            }
            kind::FOLDER => drop(self.make(place, path, true)?),
            kind::BLIND => bail!("the shim cannot see what is done there"),
            other => bail!("an unknown kind {other}"),
        }
        Ok(())
    }

    /// A sync that covers everything before a place in the trace.
    fn sync(&mut self, node: usize, upto: u64) -> Result<()> {
        let mut synced = self.node(node)?;
        synced.content.sync(upto);
        settle(synced, upto);
        // New folders above it become durable with it, up to one that was there.
        while let Some((folder, made)) = synced.made.take_if(|(_, made)| *made < upto) {
            synced = self.nodes.get_mut(folder).context("a folder")?;
            settle(synced, made + 1);
        }
        Ok(())
    }

    fn image(&mut self, node: usize) -> Result<Image> {
        let (loss, mut dice) = (self.loss, self.dice.apart(node as u64));
        let folder = self.node(node)?;
        if loss != Loss::Unsynced {
            let kept = dice.below(folder.namings.len() + 1);
            folder.namings.drain(..kept).for_each(|(_, naming)| naming.apply(&mut folder.durable));
        }
        let durable = self.node(node)?.durable.clone();
        let mut image = Image::default();
        for (name, node) in durable {
            let found = self.node(node)?;
            let kept = if found.is_folder {
                Kept::Folder(self.image(node)?)
            } else {
                Kept::File(found.content.torn(loss, &mut dice))
            };
            image.0.insert(name, kept);
        }
        Ok(image)
    }
}

/// Makes all namings of a folder before a place durable.
fn settle(folder: &mut Node, upto: u64) {
    let count = folder.namings.partition_point(|(place, _)| *place < upto);
    folder.namings.drain(..count).for_each(|(_, naming)| naming.apply(&mut folder.durable));
}

#[cfg(test)]
mod tests;
