//! What the journaled engine keeps in memory: one load a key, never a stale account, a bound on
//! what waits for sled, and repeats that are found with nothing in memory.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};

use activation_service::domain::account::Account;
use activation_service::domain::event::Event;
use activation_service::domain::ids::RequestId;
use activation_service::ports::{Change, Committed, KeyRef, Ledger, LedgerError, Loaded};
use activation_service::storage::journaled::{Ground, JournaledLedger, JournaledOptions};
use activation_service::storage::sled::{OpenError, SledOptions};
use activation_service::storage::store::{Row, Shelf, Store, StoreError, Tree, Visit};
use futures_util::FutureExt as _;

use crate::filled::{counted, options};
use crate::keys::{activate, change, key_id, lookup, register, terms};

/// Length of the key of a head: the id of a key, and what the row is.
const HEAD_KEY_BYTES: usize = 17;

type Hook = Box<dyn FnOnce() + Send>;
type Load = Pin<Box<dyn Future<Output = Result<Option<Loaded>, LedgerError>> + Send>>;

/// Books that count how often an account is read from them, and do something in the midst of it.
#[derive(Clone, Default)]
struct Watch {
    accounts: Arc<AtomicUsize>,
    hook: Arc<Mutex<Option<Hook>>>,
}

struct WatchedShelf {
    inner: Arc<dyn Shelf>,
    watch: Watch,
}

struct WatchedStore {
    inner: Box<dyn Store>,
    watch: Watch,
}

impl Shelf for WatchedShelf {
    fn open(&self) -> Result<Box<dyn Store>, OpenError> {
        Ok(Box::new(WatchedStore { inner: self.inner.open()?, watch: self.watch.clone() }))
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

impl Store for WatchedStore {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
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
        // Every load of an account scans its rows once, from the head on.
        if tree == Tree::Accounts && from.len() == HEAD_KEY_BYTES {
            self.watch.accounts.fetch_add(1, Ordering::SeqCst);
            let hook = self.watch.hook.lock().expect("no panic").take();
            if let Some(hook) = hook {
                hook();
            }
        }
        self.inner.scan(tree, from, to, descending, visit)
    }

    fn write(&self, rows: &[Row]) -> Result<(), StoreError> {
        self.inner.write(rows)
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.inner.sync()
    }
}

impl Watch {
    /// Runs once, when the next account is being read.
    fn once(&self, hook: impl FnOnce() + Send + 'static) {
        *self.hook.lock().expect("no panic") = Some(Box::new(hook));
    }

    fn accounts(&self) -> usize {
        self.accounts.load(Ordering::SeqCst)
    }
}

fn open(
    folder: &Path,
    account_cache_bytes: usize,
    pinned_bytes: usize,
) -> (Arc<JournaledLedger>, Watch) {
    let watch = Watch::default();
    let ground = Ground::folder(folder, SledOptions::default());
    let shelf = WatchedShelf { inner: ground.shelf, watch: watch.clone() };
    let ground = Ground { shelf: Arc::new(shelf), ..ground };
    let mut options: JournaledOptions = options(3);
    options.memory.account_cache_bytes = account_cache_bytes;
    options.memory.pinned_bytes = pinned_bytes;
    let ledger = JournaledLedger::open_by_hand(&ground, options, Arc::new(counted()));
    (Arc::new(ledger.expect("opens")), watch)
}

fn close(ledger: Arc<JournaledLedger>, folder: &Path) {
    let ledger = Arc::into_inner(ledger).expect("nobody else has it");
    crate::filled::close(ledger, folder);
}

/// A future that has its answer at once, as everything by hand has.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for somebody"),
    }
}

pub(crate) fn commit(ledger: &JournaledLedger, change: Change) -> Committed {
    now(ledger.commit(vec![change])).expect("answers").remove(0)
}

fn load(ledger: &JournaledLedger, number: u8, request: Option<RequestId>) -> Loaded {
    now(ledger.load(KeyRef::Id(key_id(number)), request)).expect("answers").expect("known")
}

pub(crate) fn account(ledger: &JournaledLedger, number: u8) -> Arc<Account> {
    load(ledger, number, None).account
}

pub(crate) fn is_committed(committed: &Committed) -> bool {
    matches!(committed, Committed::Committed { .. })
}

fn request(number: u32) -> RequestId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    RequestId(id)
}

/// Registers key 1 and activates computers on it; all of it is applied.
pub(crate) fn fill(ledger: &JournaledLedger, computers: u32) {
    assert!(is_committed(&commit(ledger, change(None, &register(1, terms(1_000))))));
    for number in 1..=computers {
        let next = change(Some(&account(ledger, 1)), &activate(number, number));
        assert!(is_committed(&commit(ledger, next)));
    }
    while ledger.apply_one() {}
}

#[test]
fn an_account_that_changes_while_it_is_read_is_never_given_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    // Nothing is kept: each load of an account that is applied reads the books.
    let (ledger, watch) = open(folder.path(), 0, usize::MAX);
    fill(&ledger, 3);
    let before = account(&ledger, 1);
    let next = change(Some(&before), &activate(4, 4));
    let writing = Arc::downgrade(&ledger);
    watch.once(move || {
        let ledger = writing.upgrade().expect("open");
        assert!(is_committed(&commit(&ledger, next)));
    });
    // The read began before the change was durable and ends after it.
    let during = account(&ledger, 1);
    assert_eq!(during.head.version, before.head.version + 1);
    assert_eq!(account(&ledger, 1), during);
    while ledger.apply_one() {}
    assert_eq!(account(&ledger, 1), during, "the books have it too");
    assert_eq!(load(&ledger, 1, Some(request(4))).recorded.map(|e| e.version), Some(5));
}

#[test]
fn a_thousand_who_ask_for_a_key_at_once_cost_one_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, _) = open(folder.path(), 1 << 20, usize::MAX);
    fill(&ledger, 3);
    close(ledger, folder.path());

    let (ledger, watch) = open(folder.path(), 1 << 20, usize::MAX);
    let waiting: Arc<OnceLock<Mutex<Vec<Load>>>> = Arc::default();
    let (asking, others) = (Arc::clone(&ledger), Arc::clone(&waiting));
    watch.once(move || {
        let mut loads: Vec<Load> = Vec::new();
        for number in 0..1_000_u32 {
            let ledger = Arc::clone(&asking);
            let key = match number % 2 {
                0 => KeyRef::Id(key_id(1)),
                _ => KeyRef::Lookup(vec![lookup(1)]),
            };
            let mut load: Load =
                Box::pin(async move { ledger.load(key, Some(request(number))).await });
            let polled = load.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending(), "the account is on its way");
            loads.push(load);
        }
        assert!(others.set(Mutex::new(loads)).is_ok());
    });
    let first = load(&ledger, 1, Some(request(2)));
    assert_eq!(first.recorded.map(|event| event.version), Some(3));
    let loads = std::mem::take(&mut *waiting.get().expect("they came").lock().expect("no panic"));
    assert_eq!(loads.len(), 1_000);
    for (number, load) in (0..).zip(loads) {
        let loaded = now(load).expect("answers").expect("known");
        assert_eq!(loaded.account, first.account);
        assert_eq!(loaded.recorded.is_some(), (1..=3).contains(&number), "request {number}");
    }
    assert_eq!(watch.accounts(), 1);
    // Later ones find it in memory, whatever they ask.
    for number in 0..100 {
        load(&ledger, 1, Some(request(number)));
    }
    assert_eq!(watch.accounts(), 1);
}

#[test]
fn beyond_the_bound_changes_are_refused_and_everything_else_goes_on_until_sled_has_caught_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, _) = open(folder.path(), 1 << 20, 64 << 10);
    fill(&ledger, 1);
    let mut refused = None;
    for number in 2..1_000 {
        let next = change(Some(&account(&ledger, 1)), &activate(number, number));
        match commit(&ledger, next) {
            Committed::Committed { .. } => {}
            Committed::Overloaded => {
                refused = Some(number);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    let refused = refused.expect("the bound is reached");
    assert!(refused > 10, "{refused} events take 64 KiB");
    // Other keys are refused too, in the same batch or in another.
    let batch = vec![change(None, &register(2, terms(5))), change(None, &register(3, terms(5)))];
    let answers = now(ledger.commit(batch)).expect("answers");
    assert_eq!(answers, [Committed::Overloaded, Committed::Overloaded]);
    // Nothing of it is there, and what is durable is answered, repeats too.
    assert!(now(ledger.load(KeyRef::Id(key_id(2)), None)).expect("answers").is_none());
    let loaded = load(&ledger, 1, Some(request(refused)));
    assert!(loaded.recorded.is_none());
    assert_eq!(loaded.account.head.used, refused - 1);
    let repeat = load(&ledger, 1, Some(request(refused - 1))).recorded;
    assert_eq!(repeat.map(|event| event.version), Some(u64::from(refused)));
    assert_eq!(loaded.as_of_sequence, u64::from(refused));
    // What is applied makes room for one more.
    assert!(ledger.apply_one());
    let again = change(Some(&loaded.account), &activate(refused, refused));
    assert!(is_committed(&commit(&ledger, again)));
    while ledger.apply_one() {}
    assert!(is_committed(&commit(&ledger, change(None, &register(2, terms(5))))));
}

#[test]
fn a_change_larger_than_the_bound_is_taken_when_nothing_else_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, _) = open(folder.path(), 1 << 20, 1);
    let register_two = change(None, &register(2, terms(5)));
    assert!(is_committed(&commit(&ledger, change(None, &register(1, terms(5))))));
    assert_eq!(commit(&ledger, register_two.clone()), Committed::Overloaded);
    assert!(ledger.apply_one());
    assert!(is_committed(&commit(&ledger, register_two)));
}

#[test]
fn p4_a_repeat_is_found_after_a_restart_with_nothing_in_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, _) = open(folder.path(), 1 << 20, usize::MAX);
    fill(&ledger, 30);
    close(ledger, folder.path());
    for room in [0, 1 << 20] {
        let (ledger, watch) = open(folder.path(), room, usize::MAX);
        for number in [30, 1, 17] {
            let recorded = now(ledger.recorded(key_id(1), request(number), 0)).expect("answers");
            assert_eq!(recorded.map(|event| event.version), Some(u64::from(number) + 1));
        }
        assert_eq!(watch.accounts(), 0, "a request is looked up without the account");
        let loaded = load(&ledger, 1, Some(request(17)));
        assert_eq!(loaded.recorded.map(|event| event.version), Some(18));
        assert!(load(&ledger, 1, Some(request(31))).recorded.is_none());
        assert!(now(ledger.recorded(key_id(1), request(31), 0)).expect("answers").is_none());
        close(ledger, folder.path());
    }
}

#[test]
fn p4_what_came_since_a_version_is_told_at_once_if_all_of_it_is_in_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    // No account is kept, so only what waits to be applied is in memory.
    let (ledger, _) = open(folder.path(), 0, usize::MAX);
    // The registration is version 1, the activation of computer n version n + 1.
    fill(&ledger, 4);
    for number in 5..=6 {
        let next = change(Some(&account(&ledger, 1)), &activate(number, number));
        assert!(is_committed(&commit(&ledger, next)));
    }
    let version = |event: Option<Arc<Event>>| event.map(|event| event.version);
    let at_once = |number, after| {
        let told = ledger.recorded(key_id(1), request(number), after).now_or_never()?;
        Some(version(told.expect("answers")))
    };
    assert_eq!(at_once(6, 5), Some(Some(7)));
    assert_eq!(at_once(5, 5), Some(Some(6)));
    // Whether the account may have recorded it tells most requests apart; these bits are set.
    for number in 1..=4 {
        assert_eq!(at_once(number, 5), Some(None), "not since then");
        assert_ne!(at_once(number, 4), Some(None), "version 5 is in the books only");
        let waited = now(ledger.recorded(key_id(1), request(number), 0)).expect("answers");
        assert_eq!(version(waited), Some(u64::from(number) + 1));
    }
}

#[test]
fn an_unknown_key_is_not_there_until_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ledger, watch) = open(folder.path(), 0, usize::MAX);
    fill(&ledger, 1);
    let by_digest = |number| now(ledger.load(KeyRef::Lookup(vec![lookup(number)]), None));
    assert!(by_digest(2).expect("answers").is_none());
    assert!(now(ledger.load(KeyRef::Lookup(Vec::new()), None)).expect("answers").is_none());
    assert_eq!(watch.accounts(), 0, "nothing is read of a key that is unknown");
    assert!(is_committed(&commit(&ledger, change(None, &register(2, terms(5))))));
    let before = by_digest(2).expect("answers").expect("known").account;
    while ledger.apply_one() {}
    assert_eq!(by_digest(2).expect("answers").expect("known").account, before);
}
