//! The accounts that events make, and the books compared with them.

use std::thread;

use super::super::super::books::Books;
use super::super::ranges::Range;
use super::super::relay::threads;
use super::super::remake::{self, Accounts, Made, Opened};
use super::Verified;
use crate::domain::ids::KeyId;

/// Of so many events one is looked up by its version.
const SPOT_EVERY: u64 = 16;

/// What the accounts of a range are compared with.
#[derive(Clone, Copy)]
pub(super) struct Comparison<'a> {
    pub(super) books: Option<&'a Books>,
    pub(super) range: Range,
    /// Position of the last event that the books hold.
    pub(super) applied: u64,
}

/// The accounts of a range while the journal is gone through.
pub(super) struct Replay<'a> {
    comparison: Comparison<'a>,
    accounts: Accounts,
    is_compared: bool,
    found: Verified,
}

impl<'a> Replay<'a> {
    pub(super) fn new(comparison: Comparison<'a>) -> Self {
        let (accounts, found) = (Accounts::new(), Verified::default());
        Self { comparison, accounts, is_compared: false, found }
    }

    pub(super) const fn range(&self) -> Range {
        self.comparison.range
    }

    /// Takes in the events of the next frame.
    pub(super) fn take(&mut self, opened: Opened) {
        for (sequence, event) in opened.events {
            let is_held = sequence <= self.comparison.applied;
            if !is_held {
                self.compare();
            }
            self.found.events += 1;
            match remake::take(&mut self.accounts, &event) {
                Ok(made) if is_held && sequence % SPOT_EVERY == 1 => {
                    made.note(&event, sequence, opened.location);
                }
                Ok(_) => {}
                Err(error) => self.found.fault(|| format!("journal, event {sequence}: {error}")),
            }
        }
    }

    /// Everything that was found.
    pub(super) fn end(mut self) -> Verified {
        self.compare();
        for made in self.accounts.values() {
            if let Err(error) = made.account.verify() {
                self.found.fault(|| error.to_string());
            }
        }
        self.found
    }

    /// Compares the books with the accounts as they are, once.
    fn compare(&mut self) {
        if !std::mem::replace(&mut self.is_compared, true) {
            self.comparison.with(&self.accounts, &mut self.found);
        }
    }
}

impl Comparison<'_> {
    fn with(&self, accounts: &Accounts, found: &mut Verified) {
        let Some(books) = self.books else { return };
        // In the order in which the rows lie, so that each page is read once.
        let mut sorted: Vec<(&KeyId, &Made)> = accounts.iter().collect();
        sorted.sort_unstable_by_key(|(key, _)| **key);
        let part = sorted.len().div_ceil(threads()).max(1);
        let compared: Vec<Verified> = thread::scope(|scope| {
            let parts = sorted.chunks(part).map(|part| scope.spawn(|| compared(books, part)));
            let parts: Vec<_> = parts.collect();
            let ended = parts.into_iter().map(thread::ScopedJoinHandle::join);
            ended.map(|it| it.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        compared.into_iter().for_each(|part| found.absorb(part));
        match books.keys_within(self.range.first, self.range.last) {
            Ok(keys) => {
                for key in keys.iter().filter(|key| !accounts.contains_key(key)) {
                    found.fault(|| format!("books: {key} has no event in the journal"));
                }
            }
            Err(error) => found.fault(|| format!("books: {error}")),
        }
    }
}

fn compared(books: &Books, accounts: &[(&KeyId, &Made)]) -> Verified {
    let mut found = Verified::default();
    for (key, Made { account, entries }) in accounts {
        found.accounts += 1;
        match books.account(**key) {
            Ok(Some(held)) if *held == *account => {}
            Ok(Some(_)) => found.fault(|| format!("books: {key} is not what its events make")),
            Ok(None) => found.fault(|| format!("books: {key} is missing")),
            Err(error) => found.fault(|| format!("books: {key}: {error}")),
        }
        for lookup in &account.head.lookups {
            if !matches!(books.owner_of(lookup), Ok(Some(owner)) if owner == **key) {
                found.fault(|| format!("books: {key} is not found by its look-up digest"));
            }
        }
        // Looked up as callers do.
        for entry in entries {
            let version = entry.version;
            if !matches!(books.entry(**key, version), Ok(Some(held)) if held == *entry) {
                found.fault(|| {
                    format!("books: what is noted of event {version} of {key} is another")
                });
            }
        }
    }
    found
}
