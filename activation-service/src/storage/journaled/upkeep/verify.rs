//! The whole proof of a ledger: frames, leaves, roots, signatures and links of the chain; then all
//! events replayed into accounts, and the books compared with them.

use std::collections::HashMap;
use std::path::Path;

use receipt::{GENESIS, SignedHead, TrustedKeys, verify_chain};

use super::super::batch::parts::{Part, PrivatePart, parts};
use super::super::books::{Applied, Books};
use super::ranges::{Histogram, Range};
use super::{Step, Tell, UpkeepError, scratch, view};
use crate::domain::account::Account;
use crate::domain::event::Event;
use crate::domain::ids::KeyId;
use crate::storage::journal::{Frame, Known, NO_HEAD, View};
use crate::storage::rows::Entry;
use crate::storage::sled::SledOptions;

/// Faults that are told in words; all are counted.
pub const FAULTS_TOLD_MAX: usize = 20;
/// Of so many events one is looked up by its request id and its place.
const SPOT_EVERY: u64 = 16;

/// What was checked and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The chain, hex.
    pub chain_id: String,
    /// Frames read.
    pub frames: u64,
    /// Events replayed.
    pub events: u64,
    /// Accounts compared with the books.
    pub accounts: u64,
    /// Private parts that were erased, which is no fault.
    pub erased: u64,
    /// Position up to which the books are applied; the rest is applied at the next start.
    pub applied_sequence: u64,
    /// The first faults, in words.
    pub faults: Vec<String>,
    /// All faults.
    pub faults_count: u64,
}

impl Verified {
    /// True if nothing is wrong.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.faults_count == 0
    }

    fn fault(&mut self, what: impl FnOnce() -> String) {
        self.faults_count += 1;
        if self.faults.len() < FAULTS_TOLD_MAX {
            self.faults.push(what());
        }
    }
}

/// What a ledger is checked against.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    /// Keys that may have signed its heads.
    pub keys: &'a TrustedKeys,
    /// Heads that it must hold.
    pub known: [Option<Known>; 2],
}

/// Checks everything and changes nothing: the books are opened as a copy in `scratch`; without one
/// they are opened where they are.
pub fn verify(
    folder: &Path,
    scratch: Option<&Path>,
    options: &SledOptions,
    trust: &Trust<'_>,
    tell: &mut Tell<'_>,
) -> Result<Verified, UpkeepError> {
    let view = view(folder)?;
    let mut found = Verified { chain_id: view.chain.to_string(), ..Verified::default() };
    let opened = match scratch::open(folder, scratch, options) {
        Ok(Some(opened)) => Some(opened),
        Ok(None) => {
            found.fault(|| "there are no books: rebuild them".to_owned());
            None
        }
        Err(UpkeepError::Io { path, cause }) => return Err(UpkeepError::Io { path, cause }),
        Err(error) => {
            found.fault(|| format!("{error}: rebuild them"));
            None
        }
    };
    if scratch::is_doubted(folder)? {
        found.fault(|| "the books were found damaged before: rebuild them".to_owned());
    }
    let applied = opened.as_ref().map(|opened| opened.applied);
    found.applied_sequence = applied.map_or(0, |applied| applied.sequence);
    let histogram = Chain { view: &view, trust: *trust, applied }.check(&mut found, tell)?;
    // Behind a break in the chain nothing can be replayed.
    if let Some(histogram) = histogram {
        let books = opened.as_ref().map(|opened| &opened.books);
        for range in histogram.ranges() {
            let applied = found.applied_sequence;
            Replay { view: &view, range, books, applied }.check(&mut found, tell)?;
        }
    }
    Ok(found)
}

/// The first walk: everything that needs no account.
struct Chain<'a> {
    view: &'a View,
    trust: Trust<'a>,
    applied: Option<Applied>,
}

impl Chain<'_> {
    fn check(
        &self,
        found: &mut Verified,
        tell: &mut Tell<'_>,
    ) -> Result<Option<Histogram>, UpkeepError> {
        let reader = self.view.reader();
        let total = reader.end().sequence.saturating_sub(1);
        let mut walk = reader.walk(reader.start());
        let (mut histogram, mut previous, mut is_whole) = (Histogram::new(), None, true);
        loop {
            let frame = match walk.advance() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => {
                    found.fault(|| format!("journal: {error}"));
                    is_whole = false;
                    break;
                }
            };
            found.frames += 1;
            match parts(&frame.body, &frame.erasable) {
                Ok((head, parts)) => {
                    self.head(&frame, previous.as_ref(), &head, found);
                    is_whole &= events(&frame, &parts, &mut histogram, found);
                    previous = Some(head);
                }
                Err(error) => {
                    found.fault(|| format!("journal, {}: {error}", frame.location));
                    is_whole = false;
                }
            }
            tell(Step { task: "chain", done: frame.next_sequence().saturating_sub(1), total });
        }
        self.anchors_are_of_it(total, found);
        self.books_are_of_it(total, found);
        Ok(is_whole.then_some(histogram))
    }

    fn head(
        &self,
        frame: &Frame,
        previous: Option<&SignedHead>,
        head: &SignedHead,
        found: &mut Verified,
    ) {
        let mut fault = |what: String| {
            found.fault(|| format!("journal, {}: {what}", frame.location));
        };
        if let Err(error) = head.verify(self.trust.keys) {
            fault(error.to_string());
        }
        match previous {
            Some(previous) => {
                if let Err(error) = verify_chain(previous, head) {
                    fault(error.to_string());
                }
            }
            None if head.head().previous != GENESIS => fault("no head begins the chain".to_owned()),
            None => {}
        }
        let stated = head.head();
        if stated.chain_id != self.view.chain.0
            || stated.first_sequence != frame.first_sequence
            || stated.leaf_count != u64::from(frame.event_count)
        {
            fault("the head is not that of its frame".to_owned());
        }
        for known in self.trust.known.iter().flatten() {
            // A batch is recorded as a whole, so only its end can be remembered.
            let is_under = (stated.first_sequence..=stated.last_sequence).contains(&known.sequence);
            if is_under && head.hash() != known.head {
                fault("the anchor names another head here: the history was replaced".to_owned());
            }
        }
        // The books name the last head that they hold whole.
        let Some(applied) = self.applied else { return };
        let last = stated.last_sequence;
        let expected = match applied.sequence {
            sequence if sequence == last => head.hash(),
            sequence if sequence < last && sequence >= stated.first_sequence => stated.previous,
            _ => return,
        };
        if applied.head != expected {
            fault("the books were applied from another chain".to_owned());
        }
    }

    fn anchors_are_of_it(&self, total: u64, found: &mut Verified) {
        for known in self.trust.known.iter().flatten() {
            let (chain, sequence) = (known.chain, known.sequence);
            if chain != self.view.chain {
                found.fault(|| format!("the anchor is of chain {chain}"));
            } else if sequence > total {
                found.fault(|| {
                    format!("the anchor names event {sequence}, and the journal holds {total}")
                });
            }
        }
    }

    fn books_are_of_it(&self, total: u64, found: &mut Verified) {
        let Some(applied) = self.applied else { return };
        if applied.sequence > total {
            let held = applied.sequence;
            found.fault(|| format!("the books hold {held} events and the journal {total}"));
        }
        if applied.sequence == 0 && applied.head != NO_HEAD {
            found.fault(|| "the books name a head and hold no events".to_owned());
        }
    }
}

/// Checks the parts of a frame; false if an event cannot be read.
fn events(frame: &Frame, parts: &[Part], histogram: &mut Histogram, found: &mut Verified) -> bool {
    let mut all = true;
    for part in parts {
        found.erased += u64::from(part.private == PrivatePart::Erased);
        match part.checked_event() {
            Ok(event) => histogram.add(event.key_id, part),
            Err(error) => {
                let sequence = part.leaf.sequence();
                found.fault(|| format!("journal, {}, event {sequence}: {error}", frame.location));
                all = false;
            }
        }
    }
    all
}

/// A walk that makes the accounts of a range of keys and compares the books with them.
struct Replay<'a> {
    view: &'a View,
    range: Range,
    books: Option<&'a Books>,
    /// What the books hold.
    applied: u64,
}

impl Replay<'_> {
    fn check(&self, found: &mut Verified, tell: &mut Tell<'_>) -> Result<(), UpkeepError> {
        let reader = self.view.reader();
        let total = reader.end().sequence.saturating_sub(1);
        let mut accounts: HashMap<KeyId, Account> = HashMap::new();
        let mut is_compared = false;
        let mut walk = reader.walk(reader.start());
        while let Some(frame) = walk.advance()? {
            let location = frame.location;
            let (_, parts) = parts(&frame.body, &frame.erasable)
                .map_err(|cause| UpkeepError::Frame { location, cause })?;
            for part in parts {
                let unreadable = |cause| UpkeepError::Frame { location, cause };
                if !self.range.holds(part.key_id().map_err(unreadable)?) {
                    continue;
                }
                let event = part.event().map_err(unreadable)?;
                let sequence = part.leaf.sequence();
                if sequence > self.applied && !is_compared {
                    self.compare(&accounts, found);
                    is_compared = true;
                }
                found.events += 1;
                apply(&mut accounts, &event, sequence, found);
                if sequence <= self.applied && sequence % SPOT_EVERY == 1 {
                    self.spot((&event, sequence), &frame, found);
                }
            }
            tell(Step { task: "accounts", done: frame.next_sequence().saturating_sub(1), total });
        }
        if !is_compared {
            self.compare(&accounts, found);
        }
        for account in accounts.values() {
            if let Err(error) = account.verify() {
                found.fault(|| error.to_string());
            }
        }
        Ok(())
    }

    fn compare(&self, accounts: &HashMap<KeyId, Account>, found: &mut Verified) {
        let Some(books) = self.books else { return };
        for (key, account) in accounts {
            found.accounts += 1;
            match books.account(*key) {
                Ok(Some(held)) if *held == *account => {}
                Ok(Some(_)) => found.fault(|| format!("books: {key} is not what its events make")),
                Ok(None) => found.fault(|| format!("books: {key} is missing")),
                Err(error) => found.fault(|| format!("books: {key}: {error}")),
            }
            for lookup in &account.head.lookups {
                if !matches!(books.owner_of(lookup), Ok(Some(owner)) if owner == *key) {
                    found.fault(|| format!("books: {key} is not found by its look-up digest"));
                }
            }
        }
        match books.keys_within(self.range.first, self.range.last) {
            Ok(keys) => {
                for key in keys.iter().filter(|key| !accounts.contains_key(key)) {
                    found.fault(|| format!("books: {key} has no event in the journal"));
                }
            }
            Err(error) => found.fault(|| format!("books: {error}")),
        }
    }

    /// Looks one event up as callers do.
    fn spot(&self, (event, sequence): (&Event, u64), frame: &Frame, found: &mut Verified) {
        let Some(books) = self.books else { return };
        let (key, version) = (event.key_id, event.version);
        let is_noted = |entry: &Entry| {
            entry.is_of(event) && (entry.sequence, entry.location) == (sequence, frame.location)
        };
        if !matches!(books.entry(key, version), Ok(Some(entry)) if is_noted(&entry)) {
            found.fault(|| format!("books: what is noted of event {version} of {key} is another"));
        }
    }
}

fn apply(
    accounts: &mut HashMap<KeyId, Account>,
    event: &Event,
    sequence: u64,
    found: &mut Verified,
) {
    let applied = match accounts.get_mut(&event.key_id) {
        Some(account) => account.apply(event),
        None => Account::open(event).map(|account| {
            accounts.insert(event.key_id, account);
        }),
    };
    if let Err(error) = applied {
        found.fault(|| format!("journal, event {sequence}: {error}"));
    }
}
