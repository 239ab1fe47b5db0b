//! A disk in memory that loses what real disks may lose: seeded, so every loss can be had again.
//!
//! Bytes and names are durable after their sync and not before. A crash keeps all that was synced
//! and any subset of the rest, torn at the sector. A sync that fails forgets what it should have
//! written while programs go on seeing it. Calls can be made to fail, and files to rot.

mod crash;
mod dice;
mod faults;
mod file;
mod names;
mod node;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Call, Disk, DiskError, DiskErrorKind, DiskFile};
use crash::Survival;
pub use crash::TornSize;
pub use dice::Dice;
use faults::Faults;
pub use faults::{Calls, Fault, FaultKind};
use names::{Entry, Names};
use node::Node;

/// The error number of an input/output error.
const EIO: i32 = 5;

/// The disk; clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    dice: Dice,
    torn: TornSize,
    names: Names,
    nodes: BTreeMap<u64, Node>,
    next_id: u64,
    capacity_bytes: u64,
    faults: Faults,
    /// Files opened before the last crash are dead.
    boot: u64,
    powerless: bool,
}

struct SimFile {
    state: Arc<Mutex<State>>,
    path: PathBuf,
    node: u64,
    id: u64,
    boot: u64,
}

impl SimDisk {
    /// An empty disk without bound.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let state = State {
            dice: Dice::new(seed),
            torn: TornSize::Sector512,
            names: Names::default(),
            nodes: BTreeMap::new(),
            next_id: 0,
            capacity_bytes: u64::MAX,
            faults: Faults::default(),
            boot: 0,
            powerless: false,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The power goes out and comes back: open files are dead, planted faults are gone.
    pub fn crash(&self, seed: u64, torn: TornSize) {
        let mut state = self.lock();
        let state = &mut *state;
        let mut dice = Dice::new(seed);
        let survival = Survival::draw(&mut dice);
        state.names.crash(&mut dice, survival);
        for node in state.nodes.values_mut() {
            let survival = Survival::draw(&mut dice);
            node.crash(&mut dice, torn.bytes(), survival);
        }
        state.collect();
        state.torn = torn;
        state.boot += 1;
        state.powerless = false;
        state.faults.clear();
    }

    /// Plants a fault.
    pub fn plant(&self, fault: Fault) {
        self.lock().faults.plant(fault);
    }

    /// Takes all planted faults away.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// How many calls it has seen.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().faults.calls()
    }

    /// How many of them were [`Calls::Changing`].
    #[must_use]
    pub fn changing_calls(&self) -> u64 {
        self.lock().faults.changing_calls()
    }

    /// How many faults have struck.
    #[must_use]
    pub fn faults_struck(&self) -> u64 {
        self.lock().faults.struck()
    }

    /// True from a [`FaultKind::PowerCut`] until the crash.
    #[must_use]
    pub fn is_powerless(&self) -> bool {
        self.lock().powerless
    }

    /// Sets how many bytes all files together may have; those that are there stay.
    pub fn set_capacity(&self, bytes: u64) {
        self.lock().capacity_bytes = bytes;
    }

    /// How many bytes all files together have.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.lock().used_bytes()
    }

    /// A file's bytes as a program sees them.
    #[must_use]
    pub fn image(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.lock();
        let Some(Entry::File(node)) = state.names.get(path) else { return None };
        Some(state.nodes.get(&node)?.seen().to_vec())
    }

    /// Changes a file behind everybody's back; durable at once. False if there is none.
    pub fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut state = self.lock();
        let Some(Entry::File(node)) = state.names.get(path) else { return false };
        let Some(node) = state.nodes.get_mut(&node) else { return false };
        node.tamper(change);
        true
    }

    /// Another disk with all that a program sees on this one, durable.
    #[must_use]
    pub fn fork(&self, seed: u64) -> Self {
        let fork = Self::new(seed);
        let state = self.lock();
        {
            let mut copy = fork.lock();
            copy.names = state.names.settled();
            copy.next_id = state.next_id;
            for (id, node) in &state.nodes {
                let mut settled = Node::default();
                settled.tamper(|bytes| bytes.extend_from_slice(node.seen()));
                copy.nodes.insert(*id, settled);
            }
        }
        fork
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, state: &mut State, path: &Path, node: u64) -> Arc<dyn DiskFile> {
        Arc::new(SimFile {
            state: Arc::clone(&self.state),
            path: path.to_owned(),
            node,
            id: state.new_id(),
            boot: state.boot,
        })
    }
}

impl State {
    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn used_bytes(&self) -> u64 {
        let bytes = |node| self.nodes.get(&node).map_or(0, |node| node.seen().len() as u64);
        self.names.seen_nodes().map(bytes).sum()
    }

    /// Forgets files that no name leads to any more.
    fn collect(&mut self) {
        let named = self.names.nodes();
        self.nodes.retain(|id, _| named.contains(id));
    }

    /// Counts a call and finds out whether it fails at once or half-way.
    fn begin(&mut self, call: Call, path: &Path) -> Result<Option<FaultKind>, DiskError> {
        if self.powerless {
            return Err(DiskError::new(call, path, powerless()));
        }
        let fault = self.faults.count(call);
        self.powerless = fault == Some(FaultKind::PowerCut);
        Ok(fault)
    }

    /// For calls that a fault prevents or, sometimes, only appears to prevent.
    fn begin_whole(&mut self, call: Call, path: &Path) -> Result<Whole, DiskError> {
        let fault = self.begin(call, path)?;
        let error = fault.map(|kind| DiskError::new(call, path, failure(kind)));
        let happens = match fault {
            None => true,
            Some(FaultKind::NoSpace) => false,
            Some(FaultKind::Io | FaultKind::PowerCut) => self.dice.chance(50),
        };
        Ok(Whole { happens, error })
    }
}

/// A call that happens or does not, and what its caller is told.
struct Whole {
    happens: bool,
    error: Option<DiskError>,
}

impl Whole {
    fn told(self) -> Result<(), DiskError> {
        self.error.map_or(Ok(()), Err)
    }
}

fn failure(kind: FaultKind) -> DiskErrorKind {
    match kind {
        FaultKind::Io => DiskErrorKind::Io(io::Error::from_raw_os_error(EIO)),
        FaultKind::NoSpace => DiskErrorKind::NoSpace,
        FaultKind::PowerCut => powerless(),
    }
}

fn powerless() -> DiskErrorKind {
    DiskErrorKind::Io(io::Error::other("the power is out"))
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, DiskError> {
        let mut state = self.lock();
        let call = state.begin_whole(Call::Create, path)?;
        if !state.names.is_folder(names::parent(path)) {
            return Err(DiskError::new(Call::Create, path, DiskErrorKind::NotFound));
        }
        let node = state.new_id();
        if call.happens {
            state.nodes.insert(node, Node::default());
            state.names.link(path, Entry::File(node));
        }
        call.told()?;
        Ok(self.file(&mut state, path, node))
    }

    fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, DiskError> {
        let mut state = self.lock();
        state.begin_whole(Call::Open, path)?.told()?;
        match state.names.get(path) {
            Some(Entry::File(node)) => Ok(self.file(&mut state, path, node)),
            _ => Err(DiskError::new(Call::Open, path, DiskErrorKind::NotFound)),
        }
    }

    fn create_folder(&self, folder: &Path) -> Result<(), DiskError> {
        let mut state = self.lock();
        let call = state.begin_whole(Call::CreateFolder, folder)?;
        if !state.names.is_folder(names::parent(folder)) {
            return Err(DiskError::new(Call::CreateFolder, folder, DiskErrorKind::NotFound));
        }
        if call.happens && !state.names.is_folder(folder) {
            state.names.link(folder, Entry::Folder);
        }
        call.told()
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, DiskError> {
        let mut state = self.lock();
        state.begin_whole(Call::List, folder)?.told()?;
        if !state.names.is_folder(folder) {
            return Err(DiskError::new(Call::List, folder, DiskErrorKind::NotFound));
        }
        let name = |(path, _): (PathBuf, u64)| Some(path.file_name()?.to_str()?.to_owned());
        Ok(state.names.files_in(folder).into_iter().filter_map(name).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        let mut state = self.lock();
        let call = state.begin_whole(Call::Rename, from)?;
        let entry = state.names.get(from);
        let entry = entry.filter(|_| names::parent(from) == names::parent(to));
        let Some(entry) = entry else {
            return Err(DiskError::new(Call::Rename, from, DiskErrorKind::NotFound));
        };
        if call.happens {
            state.names.rename(from, to, entry);
        }
        call.told()
    }

    fn remove(&self, path: &Path) -> Result<(), DiskError> {
        let mut state = self.lock();
        let call = state.begin_whole(Call::Remove, path)?;
        let Some(Entry::File(_)) = state.names.get(path) else {
            return Err(DiskError::new(Call::Remove, path, DiskErrorKind::NotFound));
        };
        if call.happens {
            state.names.unlink(path);
        }
        call.told()
    }

    fn sync_dir(&self, folder: &Path) -> Result<(), DiskError> {
        let mut state = self.lock();
        let state = &mut *state;
        match state.begin(Call::SyncDir, folder)? {
            None => {
                state.names.sync(folder);
                Ok(())
            }
            Some(kind) => {
                state.names.fail_sync(folder, &mut state.dice);
                Err(DiskError::new(Call::SyncDir, folder, failure(kind)))
            }
        }
    }

    fn free_bytes(&self, folder: &Path) -> Result<u64, DiskError> {
        let mut state = self.lock();
        state.begin_whole(Call::FreeBytes, folder)?.told()?;
        Ok(state.capacity_bytes.saturating_sub(state.used_bytes()))
    }
}
