//! The engine of the books in memory: it loses over a power cut what sled 0.34.7 was seen to lose.
//!
//! A write is whole and volatile, a sync makes durable. A cut keeps what was synced and, of the
//! rest, the first writes; where more lies between two syncs than is known to be safe, it may also
//! leave files that do not open, or trees that each lost another end. Nothing is lost when a
//! process is killed but what sled had not yet handed to the system.

mod faults;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use activation_service::storage::disk::sim::Dice;
use activation_service::storage::sled::OpenError;
use activation_service::storage::store::{Row, Shelf, Store, StoreError, Tree, Visit};
use faults::Faults;
pub(crate) use faults::{StoreCalls, StoreFault, StoreFaultKind};

/// Most writes between two syncs that were never seen torn by a power cut.
const SAFE_OPERATIONS: usize = 200;
/// Most bytes between two syncs that were never seen torn by a power cut.
const SAFE_BYTES: usize = 64 * 1024;
/// How many of a hundred cuts in a wider window do harm; more than the 4 of 20 that were measured,
/// so that few lives are needed to see it.
const WIDE_HARM_PERCENT: u64 = 50;

/// The rows of all trees.
pub(crate) type Rows = BTreeMap<Tree, BTreeMap<Vec<u8>, Vec<u8>>>;

/// Where the books are; clones are the same place.
#[derive(Clone)]
pub(crate) struct SimShelf {
    state: Arc<Mutex<State>>,
}

struct State {
    dice: Dice,
    /// What a program sees.
    seen: Rows,
    /// What a power cut leaves for certain.
    durable: Rows,
    /// Writes since the last sync.
    pending: Vec<Vec<Row>>,
    /// Only the open store with this number works.
    opening: u64,
    /// Why the files do not open.
    damaged: Option<String>,
    /// Once a call failed the store fails until it is opened again.
    broken: Option<StoreError>,
    faults: Faults,
    set_aside: u32,
    /// There are files.
    is_made: bool,
    /// The mark of books that are damaged.
    is_doubted: bool,
}

struct SimStore {
    state: Arc<Mutex<State>>,
    opening: u64,
}

impl SimShelf {
    /// An empty shelf.
    pub(crate) fn new(seed: u64) -> Self {
        let state = State {
            dice: Dice::new(seed),
            seen: Rows::new(),
            durable: Rows::new(),
            pending: Vec::new(),
            opening: 0,
            damaged: None,
            broken: None,
            faults: Faults::default(),
            set_aside: 0,
            is_made: false,
            is_doubted: false,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The process is killed; whoever has the store open has it no longer.
    pub(crate) fn kill(&self) {
        let state = &mut *self.lock();
        // What sled still held in its own buffers dies with the process; the order is kept.
        if state.dice.chance(30) {
            state.keep_front();
        }
        state.close();
    }

    /// The power goes out and comes back; planted faults are gone.
    pub(crate) fn crash(&self) {
        let state = &mut *self.lock();
        let operations: usize = state.pending.iter().map(Vec::len).sum();
        let bytes: usize = state.pending.iter().flatten().map(row_bytes).sum();
        let is_wide = operations > SAFE_OPERATIONS || bytes > SAFE_BYTES;
        if is_wide && state.dice.chance(WIDE_HARM_PERCENT) {
            state.tear();
        } else {
            state.keep_front();
        }
        state.faults.clear();
        state.close();
    }

    /// Plants a fault.
    pub(crate) fn plant(&self, fault: StoreFault) {
        self.lock().faults.plant(fault);
    }

    /// Takes all planted faults away.
    pub(crate) fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// How many calls it has seen that change or sync something.
    pub(crate) fn changing_calls(&self) -> u64 {
        self.lock().faults.changing_calls()
    }

    /// How many faults have struck.
    pub(crate) fn faults_struck(&self) -> u64 {
        self.lock().faults.struck()
    }

    /// All rows, as a program sees them.
    pub(crate) fn rows(&self) -> Rows {
        self.lock().seen.clone()
    }

    /// Changes rows behind everybody's back; durable at once.
    pub(crate) fn tamper(&self, change: impl FnOnce(&mut Rows)) {
        let state = &mut *self.lock();
        change(&mut state.seen);
        state.pending.clear();
        state.durable = state.seen.clone();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whoever has the store open has it no longer.
    fn close(&mut self) {
        self.opening += 1;
        self.broken = None;
    }

    /// The first writes since the last sync survive, whole.
    fn keep_front(&mut self) {
        let kept = index(self.dice.below(self.pending.len() as u64 + 1));
        self.settle(kept);
        self.pending.clear();
        self.seen = self.durable.clone();
    }

    /// Makes the first writes since the last sync durable.
    fn settle(&mut self, count: usize) {
        for rows in self.pending.drain(..count.min(self.pending.len())) {
            put_all(&mut self.durable, rows);
        }
    }

    /// More lay between two syncs than sled puts together again.
    fn tear(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        for tree in Tree::ALL {
            // The pages of each tree reached the platter by themselves.
            let kept = index(self.dice.below(pending.len() as u64 + 1));
            let rows = pending.iter().take(kept).flatten().filter(|row| row.tree == tree);
            put_all(&mut self.durable, rows.cloned().collect());
        }
        if self.dice.chance(50) {
            self.damaged = Some("a page is missing".to_owned());
        }
        self.seen = self.durable.clone();
    }

    /// Counts a call that changes or syncs; its fault stays until the store is opened again.
    fn begin(&mut self, calls: StoreCalls) -> Result<(), Strike> {
        if let Some(broken) = &self.broken {
            return Err(Strike { error: broken.clone(), is_new: false });
        }
        let Some(kind) = self.faults.count(calls) else { return Ok(()) };
        let error = match kind {
            StoreFaultKind::NoSpace => StoreError::NoSpace,
            StoreFaultKind::Io => StoreError::Failed("input/output error".to_owned()),
        };
        self.broken = Some(error.clone());
        Err(Strike { error, is_new: true })
    }
}

/// A call that failed.
struct Strike {
    error: StoreError,
    /// False if an earlier one broke the store.
    is_new: bool,
}

impl Shelf for SimShelf {
    fn open(&self) -> Result<Box<dyn Store>, OpenError> {
        let mut state = self.lock();
        let folder = PathBuf::from("books");
        if let Some(cause) = state.damaged.clone() {
            return Err(OpenError::Damaged { folder, cause });
        }
        state.is_made = true;
        if state.faults.count(StoreCalls::Open).is_some() {
            return Err(OpenError::Io { folder, cause: io::Error::other("input/output error") });
        }
        state.close();
        // Opening syncs the file, so all that it holds is durable afterwards.
        let all = state.pending.len();
        state.settle(all);
        Ok(Box::new(SimStore { state: Arc::clone(&self.state), opening: state.opening }))
    }

    fn set_aside(&self) -> io::Result<PathBuf> {
        let mut state = self.lock();
        if !state.is_made {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.is_made = false;
        state.close();
        state.set_aside += 1;
        (state.damaged, state.is_doubted) = (None, false);
        state.pending.clear();
        (state.seen, state.durable) = (Rows::new(), Rows::new());
        Ok(PathBuf::from(format!("books-set-aside-{}", state.set_aside)))
    }

    fn doubt(&self, _: &str) -> io::Result<()> {
        let mut state = self.lock();
        let fault = state.faults.count(StoreCalls::Mark);
        // A mark that cannot be made durable may be there all the same.
        state.is_doubted |= fault.is_none() || state.dice.chance(50);
        match fault {
            None => Ok(()),
            Some(StoreFaultKind::NoSpace) => Err(io::ErrorKind::StorageFull.into()),
            Some(StoreFaultKind::Io) => Err(io::Error::other("input/output error")),
        }
    }

    fn is_doubted(&self) -> io::Result<bool> {
        Ok(self.lock().is_doubted)
    }
}

impl SimStore {
    fn lock(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.opening == self.opening {
            return Ok(state);
        }
        Err(StoreError::Failed("the store is open elsewhere".to_owned()))
    }
}

impl Store for SimStore {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.lock()?.seen.get(&tree).and_then(|rows| rows.get(key)).cloned())
    }

    fn scan(
        &self,
        tree: Tree,
        from: &[u8],
        to: Option<&[u8]>,
        descending: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        let state = self.lock()?;
        let Some(rows) = state.seen.get(&tree) else { return Ok(()) };
        // The standard map panics where a range ends before it begins.
        if to.is_some_and(|to| to <= from) {
            return Ok(());
        }
        let range = (Bound::Included(from), to.map_or(Bound::Unbounded, Bound::Excluded));
        let rows = rows.range::<[u8], _>(range);
        let mut rows: Box<dyn Iterator<Item = _>> =
            if descending { Box::new(rows.rev()) } else { Box::new(rows) };
        // Whoever has seen enough says so, and that is no error.
        let _ = rows.try_for_each(|(key, value)| visit(key, value));
        Ok(())
    }

    fn write(&self, rows: &[Row]) -> Result<(), StoreError> {
        let state = &mut *self.lock()?;
        let begun = state.begin(StoreCalls::Write);
        // A write that fails happened or did not.
        let happens = match &begun {
            Ok(()) => true,
            Err(strike) => strike.is_new && state.dice.chance(50),
        };
        if happens {
            put_all(&mut state.seen, rows.to_vec());
            state.pending.push(rows.to_vec());
        }
        begun.map_err(|strike| strike.error)
    }

    fn sync(&self) -> Result<(), StoreError> {
        let state = &mut *self.lock()?;
        let begun = state.begin(StoreCalls::Sync);
        let all = state.pending.len();
        let kept = match &begun {
            Ok(()) => all,
            Err(strike) if strike.is_new => index(state.dice.below(all as u64 + 1)),
            Err(_) => 0,
        };
        state.settle(kept);
        begun.map_err(|strike| strike.error)
    }
}

fn put_all(into: &mut Rows, rows: Vec<Row>) {
    for row in rows {
        into.entry(row.tree).or_default().insert(row.key, row.value);
    }
}

fn row_bytes(row: &Row) -> usize {
    row.key.len() + row.value.len()
}

/// Numbers here are drawn below the length of something in memory.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
