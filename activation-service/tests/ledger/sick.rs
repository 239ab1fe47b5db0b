//! Books that fail when they are told to: full, broken or damaged, until they are opened again.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use activation_service::storage::sled::OpenError;
use activation_service::storage::store::{Row, Shelf, Store, StoreError, Tree, Visit};

/// What is to go wrong.
#[derive(Clone, Default)]
pub(crate) struct Sickness(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// What the next writes say, in their order.
    writes: VecDeque<StoreError>,
    /// What the next reads say.
    reads: VecDeque<StoreError>,
    /// What opening says until it is cured.
    opening: Option<fn(PathBuf) -> OpenError>,
    openings: u32,
}

impl Sickness {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic")
    }

    pub(crate) fn write_fails(&self, error: StoreError) {
        self.lock().writes.push_back(error);
    }

    pub(crate) fn read_fails(&self, error: StoreError) {
        self.lock().reads.push_back(error);
    }

    pub(crate) fn opening_fails(&self, error: fn(PathBuf) -> OpenError) {
        self.lock().opening = Some(error);
    }

    pub(crate) fn is_cured(&self) {
        *self.lock() = State { openings: self.openings(), ..State::default() };
    }

    /// How often the books were asked to open.
    pub(crate) fn openings(&self) -> u32 {
        self.lock().openings
    }
}

pub(crate) struct SickShelf {
    pub(crate) inner: Arc<dyn Shelf>,
    pub(crate) sickness: Sickness,
}

struct SickStore {
    inner: Box<dyn Store>,
    sickness: Sickness,
    /// Like sled, it says so again and again once it failed.
    failed: Mutex<Option<StoreError>>,
}

impl Shelf for SickShelf {
    fn open(&self) -> Result<Box<dyn Store>, OpenError> {
        let mut state = self.sickness.lock();
        state.openings += 1;
        if let Some(error) = state.opening {
            return Err(error(PathBuf::from("books")));
        }
        drop(state);
        let (inner, sickness) = (self.inner.open()?, self.sickness.clone());
        Ok(Box::new(SickStore { inner, sickness, failed: Mutex::default() }))
    }

    fn set_aside(&self) -> io::Result<PathBuf> {
        self.inner.set_aside()
    }

    fn doubt(&self, why: &str) -> io::Result<()> {
        self.inner.doubt(why)
    }

    fn is_doubted(&self) -> io::Result<bool> {
        self.inner.is_doubted()
    }
}

impl SickStore {
    fn check(&self, next: Option<StoreError>) -> Result<(), StoreError> {
        let mut failed = self.failed.lock().expect("no panic");
        if failed.is_none() {
            *failed = next;
        }
        failed.clone().map_or(Ok(()), Err)
    }

    fn check_read(&self) -> Result<(), StoreError> {
        let next = self.sickness.lock().reads.pop_front();
        self.check(next)
    }
}

impl Store for SickStore {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.check_read()?;
        self.inner.get(tree, key)
    }

    fn scan(
        &self,
        tree: Tree,
        from: &[u8],
        to: Option<&[u8]>,
        descending: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), StoreError> {
        self.check_read()?;
        self.inner.scan(tree, from, to, descending, visit)
    }

    fn write(&self, rows: &[Row]) -> Result<(), StoreError> {
        let next = self.sickness.lock().writes.pop_front();
        self.check(next)?;
        self.inner.write(rows)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.check(None)?;
        self.inner.sync()
    }
}
