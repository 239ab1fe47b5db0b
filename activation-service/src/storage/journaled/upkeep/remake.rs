//! Every account made anew in memory from the journal, to write new books in the order of keys or
//! to compare old ones with.
//!
//! What does not fit into memory at once is made range of keys by range of keys, one pass through
//! the journal for each. What is the same in each pass is looked at in the first one only; the
//! later ones read what they need of frames that were understood before.

use std::collections::HashMap;

use super::super::batch;
use super::super::books::{Applied, Books};
use super::ranges::Range;
use super::relay::relay;
use super::{Step, Tell, UpkeepError};
use crate::domain::account::Account;
use crate::domain::event::Event;
use crate::domain::ids::KeyId;
use crate::storage::journal::{Frame, Location, Reader};
use crate::storage::rows::{Entry, RowError, WriteSet};

/// Bytes of accounts that are held at once, about, unless something else is asked for.
pub const ACCOUNTS_BYTES: u64 = 1 << 30;
/// What an event leaves in memory: a count with ten kinds of components, found by its anchors, and
/// what is noted of it, some 1,250 bytes as measured with ten counts a key; rather too much.
const EVENT_BYTES: u64 = 1_344;

/// Makes accounts from a journal.
pub(super) struct Remake<'a> {
    reader: &'a Reader,
    /// Events of the journal.
    total: u64,
    ranges: Vec<Range>,
}

/// An account with what is noted of its events, in the order of their versions.
pub(super) struct Made {
    pub(super) account: Account,
    pub(super) entries: Vec<Entry>,
}

/// The accounts of a range.
pub(super) type Accounts = HashMap<KeyId, Made>;

/// What a pass needs of a frame.
pub(super) struct Opened {
    pub(super) location: Location,
    /// Events of the range with their positions.
    pub(super) events: Vec<(u64, Event)>,
    /// Position of the last event of the frame.
    pub(super) reached: u64,
}

impl<'a> Remake<'a> {
    /// Of all that is durable, holding at most about so many bytes of accounts at once.
    pub(super) fn new(reader: &'a Reader, bytes_max: u64) -> Self {
        let total = reader.end().sequence.saturating_sub(1);
        let ranges = Range::even(total.saturating_mul(EVENT_BYTES).div_ceil(bytes_max.max(1)));
        Self { reader, total, ranges }
    }

    /// Events of the journal.
    pub(super) const fn events(&self) -> u64 {
        self.total
    }

    /// The ranges of keys with the number of the pass that makes each, from 0.
    pub(super) fn passes(&self) -> impl Iterator<Item = (u64, Range)> {
        (0..).zip(self.ranges.iter().copied())
    }

    /// How far the whole task is when a pass has come to an event.
    pub(super) fn step(&self, task: &'static str, pass: u64, reached: u64) -> Step {
        let (total, passes) = (self.total, self.ranges.len() as u64);
        let done = pass.saturating_mul(total).saturating_add(reached) / passes.max(1);
        Step { task, done, total }
    }

    /// Makes the accounts of a range. The first pass compares every frame with its head and reads
    /// every event in it, whoever's it is.
    pub(super) fn make(
        &self,
        (pass, range): (u64, Range),
        tell: &mut Tell<'_>,
    ) -> Result<Accounts, UpkeepError> {
        let mut accounts = Accounts::new();
        let open = |frame| if pass == 0 { whole(frame, range) } else { known(&frame, range) };
        let mut walk = self.reader.walk(self.reader.start());
        let ended = relay(
            || walk.advance(),
            open,
            |opened| {
                let Opened { location, events, reached } = opened?;
                for (sequence, event) in events {
                    take(&mut accounts, &event)?.note(&event, sequence, location);
                }
                tell(self.step("checking", pass, reached));
                Ok(())
            },
        );
        ended??;
        for made in accounts.values() {
            made.account.verify()?;
        }
        Ok(accounts)
    }

    /// Goes through the journal once more for the events of a range. It was understood before.
    pub(super) fn again(
        &self,
        range: Range,
        mut take: impl FnMut(Opened),
    ) -> Result<(), UpkeepError> {
        let mut walk = self.reader.walk(self.reader.start());
        let open = |frame| known(&frame, range);
        let ended = relay(
            || walk.advance(),
            open,
            |opened| {
                take(opened?);
                Ok(())
            },
        );
        Ok(ended??)
    }

    /// Says that new books hold all accounts, once they were written.
    pub(super) fn complete(&self, books: &Books) -> Result<(), UpkeepError> {
        let applied = Applied { sequence: self.total, head: self.reader.end().head };
        books.complete(applied).map_err(failed)
    }
}

/// Writes accounts into new books, in the order of keys; `tell` is told how many events each has.
pub(super) fn write(
    books: &Books,
    accounts: Accounts,
    mut tell: impl FnMut(u64),
) -> Result<(), UpkeepError> {
    let mut accounts: Vec<(KeyId, Made)> = accounts.into_iter().collect();
    accounts.sort_unstable_by_key(|(key, _)| *key);
    let told = accounts.iter().inspect(|(_, made)| tell(made.entries.len() as u64));
    books.lay(told.flat_map(|(_, made)| made.rows())).map_err(failed)
}

/// Takes in the next event of a key.
pub(super) fn take<'a>(
    accounts: &'a mut Accounts,
    event: &Event,
) -> Result<&'a mut Made, UpkeepError> {
    match accounts.entry(event.key_id) {
        std::collections::hash_map::Entry::Occupied(made) => {
            let made = made.into_mut();
            made.account.apply(event)?;
            Ok(made)
        }
        std::collections::hash_map::Entry::Vacant(place) => {
            let made = Made { account: Account::open(event)?, entries: Vec::new() };
            Ok(place.insert(made))
        }
    }
}

impl Made {
    pub(super) fn note(&mut self, event: &Event, sequence: u64, location: Location) {
        let (key_id, version) = (event.key_id, event.version);
        let request = event.request.map(|request| request.id);
        self.entries.push(Entry { key_id, version, sequence, location, request });
    }

    /// All its rows, in the order in which they lie.
    fn rows(&self) -> impl Iterator<Item = WriteSet> {
        let Self { account, entries } = self;
        let count = |entry: &Entry| account.counts.numbered(entry.version);
        let events = entries.iter().map(move |entry| WriteSet::of_event(entry, count(entry)));
        std::iter::once_with(|| WriteSet::of_head(&account.head)).chain(events)
    }
}

/// The events of a range in a frame that is compared with its head, and all of which is read.
fn whole(frame: Frame, range: Range) -> Result<Opened, UpkeepError> {
    let opened = batch::open(&frame.body, &frame.erasable);
    let mut events = opened.map_err(unreadable(&frame))?.events;
    events.retain(|(_, event)| range.holds(event.key_id));
    Ok(Opened::of(&frame, events))
}

/// The events of a range in a frame that was understood before.
fn known(frame: &Frame, range: Range) -> Result<Opened, UpkeepError> {
    let opened = batch::events_of(&frame.body, &frame.erasable, |key| range.holds(key));
    Ok(Opened::of(frame, opened.map_err(unreadable(frame))?.events))
}

fn unreadable(frame: &Frame) -> impl FnOnce(batch::Unreadable) -> UpkeepError {
    let location = frame.location;
    move |cause| UpkeepError::Frame { location, cause }
}

impl Opened {
    pub(super) fn of(frame: &Frame, events: Vec<(u64, Event)>) -> Self {
        let reached = frame.next_sequence().saturating_sub(1);
        Self { location: frame.location, events, reached }
    }
}

fn failed(error: RowError) -> UpkeepError {
    UpkeepError::Rows(error.to_string())
}
