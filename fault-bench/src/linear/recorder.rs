//! Writes histories down while many clients are at work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::history::{Action, Answer, History, Operation, Start};

/// Takes down calls and returns of all clients; clones write into the same book.
///
/// Its clock is the order in which calls and returns are told to it: tell a call before it is sent
/// and an answer after it came.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    book: Arc<Mutex<Book>>,
}

/// A call that was told.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    key: u128,
    place: usize,
}

#[derive(Debug, Default)]
struct Book {
    clock: u64,
    histories: BTreeMap<u128, History>,
}

impl Recorder {
    /// Begins the history of a key, which stands so.
    pub fn begin(&self, key: u128, start: Start) {
        let history = History { start, operations: Vec::new() };
        self.open().histories.insert(key, history);
    }

    /// Notes a call that is about to be sent; none for a key whose history was not begun.
    #[must_use]
    pub fn call(&self, key: u128, action: Action) -> Option<Call> {
        let mut book = self.open();
        book.clock += 1;
        let called = book.clock;
        let operations = &mut book.histories.get_mut(&key)?.operations;
        operations.push(Operation { called, returned: None, action, answer: Answer::Unknown });
        Some(Call { key, place: operations.len() - 1 })
    }

    /// Notes what came back. A call without a known answer stays as it is.
    pub fn answer(&self, call: Call, answer: Answer) {
        let mut book = self.open();
        book.clock += 1;
        let returned = book.clock;
        let history = book.histories.get_mut(&call.key);
        let operation = history.and_then(|history| history.operations.get_mut(call.place));
        if let Some(operation) = operation.filter(|_| answer != Answer::Unknown) {
            (operation.returned, operation.answer) = (Some(returned), answer);
        }
    }

    /// The histories by key.
    #[must_use]
    pub fn histories(&self) -> BTreeMap<u128, History> {
        self.open().histories.clone()
    }

    fn open(&self) -> MutexGuard<'_, Book> {
        // A client that panicked left the book as it was between two lines.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
