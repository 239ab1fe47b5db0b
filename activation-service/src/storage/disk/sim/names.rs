//! The directory of a simulated disk: names are durable only once their folder is synced.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::crash::Survival;
use super::dice::Dice;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Folder,
    File(u64),
}

#[derive(Clone, Debug)]
enum Change {
    Link(PathBuf, Entry),
    Unlink(PathBuf),
    Rename { from: PathBuf, to: PathBuf, entry: Entry },
}

impl Change {
    fn folder(&self) -> &Path {
        let (Self::Link(path, _) | Self::Unlink(path) | Self::Rename { to: path, .. }) = self;
        parent(path)
    }

    fn apply(self, names: &mut BTreeMap<PathBuf, Entry>) {
        match self {
            Self::Link(path, entry) => drop(names.insert(path, entry)),
            Self::Unlink(path) => drop(names.remove(&path)),
            Self::Rename { from, to, entry } => {
                names.remove(&from);
                names.insert(to, entry);
            }
        }
    }
}

/// All names.
#[derive(Debug, Default)]
pub(super) struct Names {
    seen: BTreeMap<PathBuf, Entry>,
    durable: BTreeMap<PathBuf, Entry>,
    pending: Vec<Change>,
}

impl Names {
    pub(super) fn get(&self, path: &Path) -> Option<Entry> {
        self.seen.get(path).copied()
    }

    /// The root is always there.
    pub(super) fn is_folder(&self, path: &Path) -> bool {
        is_root(path) || self.get(path) == Some(Entry::Folder)
    }

    pub(super) fn files_in(&self, folder: &Path) -> Vec<(PathBuf, u64)> {
        let file = |(path, entry): (&PathBuf, &Entry)| match entry {
            Entry::File(node) if parent(path) == folder => Some((path.clone(), *node)),
            _ => None,
        };
        self.seen.iter().filter_map(file).collect()
    }

    /// Every file that a program sees or that a crash may bring back.
    pub(super) fn nodes(&self) -> Vec<u64> {
        let pending = self.pending.iter().filter_map(|change| match change {
            Change::Link(_, entry) | Change::Rename { entry, .. } => Some(entry),
            Change::Unlink(_) => None,
        });
        let entries = self.seen.values().chain(self.durable.values()).chain(pending);
        entries.filter_map(|e| if let Entry::File(node) = e { Some(*node) } else { None }).collect()
    }

    /// A copy in which all that is seen is durable.
    pub(super) fn settled(&self) -> Self {
        Self { seen: self.seen.clone(), durable: self.seen.clone(), pending: Vec::new() }
    }

    /// The files that take space: those that a program sees.
    pub(super) fn seen_nodes(&self) -> impl Iterator<Item = u64> {
        self.seen
            .values()
            .filter_map(|e| if let Entry::File(node) = e { Some(*node) } else { None })
    }

    pub(super) fn link(&mut self, path: &Path, entry: Entry) {
        self.change(Change::Link(path.to_owned(), entry));
    }

    pub(super) fn unlink(&mut self, path: &Path) {
        self.change(Change::Unlink(path.to_owned()));
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path, entry: Entry) {
        self.change(Change::Rename { from: from.to_owned(), to: to.to_owned(), entry });
    }

    pub(super) fn sync(&mut self, folder: &Path) {
        for change in self.take(folder) {
            change.apply(&mut self.durable);
        }
    }

    /// A sync that fails: some names become durable, the others are forgotten although they are
    /// seen. Folders only stay unsynced: no program could make them anew under their name.
    pub(super) fn fail_sync(&mut self, folder: &Path, dice: &mut Dice) {
        let survival = Survival::draw(dice);
        let is_folder = |change: &Change| matches!(change, Change::Link(_, Entry::Folder));
        let (folders, files) = self.take(folder).into_iter().partition(is_folder);
        self.pending.extend::<Vec<Change>>(folders);
        self.settle(files, dice, survival);
    }

    pub(super) fn crash(&mut self, dice: &mut Dice, survival: Survival) {
        let changes = std::mem::take(&mut self.pending);
        self.settle(changes, dice, survival);
        // What lies in a folder that is lost is lost.
        let mut kept: BTreeMap<PathBuf, Entry> = BTreeMap::new();
        for (path, entry) in &self.durable {
            let folder = parent(path);
            if is_root(folder) || kept.get(folder) == Some(&Entry::Folder) {
                kept.insert(path.clone(), *entry);
            }
        }
        self.durable = kept;
        self.seen = self.durable.clone();
    }

    fn settle(&mut self, changes: Vec<Change>, dice: &mut Dice, survival: Survival) {
        let count = changes.len();
        for (index, change) in changes.into_iter().enumerate() {
            if survival.kept(dice, index, count, 1) == 1 {
                change.apply(&mut self.durable);
            }
        }
    }

    fn change(&mut self, change: Change) {
        change.clone().apply(&mut self.seen);
        self.pending.push(change);
    }

    fn take(&mut self, folder: &Path) -> Vec<Change> {
        let (taken, left) = self.pending.drain(..).partition(|change| change.folder() == folder);
        self.pending = left;
        taken
    }
}

pub(super) fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn is_root(path: &Path) -> bool {
    path.as_os_str().is_empty() || path == Path::new("/") || path == Path::new(".")
}
