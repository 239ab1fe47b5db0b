//! Every account made anew in memory from the journal: once as the proof that all of it can be read
//! and that its events fit each other, and once more to write new books in the order of keys.
//!
//! One thread reads and decodes while another applies. What does not fit into memory at once is
//! made range of keys by range of keys; frames are compared with their heads the first time only.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::super::batch;
use super::super::books::{Applied, Books};
use super::ranges::Range;
use super::{Step, Tell, UpkeepError};
use crate::domain::account::Account;
use crate::domain::event::Event;
use crate::domain::ids::KeyId;
use crate::storage::journal::{Location, Reader};
use crate::storage::rows::{Entry, RowError, WriteSet};

/// Bytes of accounts that are held at once, about.
pub(super) const ACCOUNTS_BYTES_MAX: u64 = 1 << 30;
/// What an event leaves in memory: a count with ten kinds of components, found by its anchors, and
/// what is noted of the event.
const EVENT_BYTES: u64 = 1_024;
/// Events that are handed over together, or a few more, for a frame is not cut.
const HANDED_EVENTS: usize = 1_024;
/// How often as many may wait to be applied.
const HANDED_AHEAD_MAX: usize = 8;

/// Makes accounts from a journal.
pub(super) struct Remake<'a> {
    reader: &'a Reader,
    /// Events of the journal.
    total: u64,
    ranges: Vec<Range>,
}

/// An account with what is noted of its events, in the order of their versions.
struct Made {
    account: Account,
    entries: Vec<Entry>,
}

/// Events of some frames that follow each other.
#[derive(Default)]
struct Handed {
    events: Vec<(Event, Place)>,
    /// Position of the last event of the last frame.
    reached: u64,
}

/// Where an event stands.
#[derive(Clone, Copy)]
struct Place {
    sequence: u64,
    location: Location,
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

    /// Compares every frame with its head and makes every account; says how many there are.
    pub(super) fn check(&self, tell: &mut Tell<'_>) -> Result<u64, UpkeepError> {
        let (total, passes, mut accounts) = (self.total, self.ranges.len() as u64, 0);
        for (pass, range) in (0..).zip(&self.ranges) {
            let made = self.make(*range, pass == 0, &mut |reached| {
                let done = (pass * total).saturating_add(reached) / passes;
                tell(Step { task: "checking", done, total });
            })?;
            accounts += made.len() as u64;
        }
        Ok(accounts)
    }

    /// Writes every account into new books, in the order of keys, and says in the end that they
    /// hold all. Only for a journal that was checked.
    pub(super) fn write(&self, books: &Books, tell: &mut Tell<'_>) -> Result<(), UpkeepError> {
        let failed = |error: RowError| UpkeepError::Rows(error.to_string());
        let (total, mut done) = (self.total, 0);
        for range in &self.ranges {
            let made = self.make(*range, false, &mut |_| {})?;
            let mut made: Vec<(KeyId, Made)> = made.into_iter().collect();
            made.sort_unstable_by_key(|(key, _)| *key);
            let told = made.iter().inspect(|(_, made)| {
                done += made.entries.len() as u64;
                tell(Step { task: "applying", done, total });
            });
            books.lay(told.flat_map(|(_, made)| made.rows())).map_err(failed)?;
        }
        let end = self.reader.end();
        books.complete(Applied { sequence: total, head: end.head }).map_err(failed)
    }

    /// Makes the accounts of a range.
    fn make(
        &self,
        range: Range,
        is_compared: bool,
        tell: &mut dyn FnMut(u64),
    ) -> Result<HashMap<KeyId, Made>, UpkeepError> {
        let (sender, receiver) = sync_channel(HANDED_AHEAD_MAX);
        std::thread::scope(|scope| {
            let reading = scope.spawn(move || self.read(range, is_compared, &sender));
            let applied = apply(receiver, tell);
            let read = reading.join();
            read.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            applied
        })
    }

    /// Reads and decodes until the end, or until nobody takes it any more.
    fn read(
        &self,
        range: Range,
        is_compared: bool,
        sender: &SyncSender<Handed>,
    ) -> Result<(), UpkeepError> {
        let mut walk = self.reader.walk(self.reader.start());
        let mut handed = Handed::default();
        while let Some(frame) = walk.advance()? {
            let (location, body, erasable) = (frame.location, &frame.body, &frame.erasable);
            let opened = if is_compared {
                batch::open(body, erasable)
            } else {
                batch::events_of(body, erasable, |key| range.holds(key))
            };
            let opened = opened.map_err(|cause| UpkeepError::Frame { location, cause })?;
            let events = opened.events.into_iter().filter(|(_, event)| range.holds(event.key_id));
            let placed = |(sequence, event)| (event, Place { sequence, location });
            handed.events.extend(events.map(placed));
            handed.reached = frame.next_sequence().saturating_sub(1);
            if handed.events.len() >= HANDED_EVENTS {
                // Whoever stopped taking says why.
                let Ok(()) = sender.send(std::mem::take(&mut handed)) else { return Ok(()) };
            }
        }
        // As above.
        let _ = sender.send(handed);
        Ok(())
    }
}

impl Made {
    fn open(event: &Event) -> Result<Self, UpkeepError> {
        Ok(Self { account: Account::open(event)?, entries: Vec::new() })
    }

    fn note(&mut self, event: &Event, Place { sequence, location }: Place) {
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

fn apply(
    handed: Receiver<Handed>,
    tell: &mut dyn FnMut(u64),
) -> Result<HashMap<KeyId, Made>, UpkeepError> {
    let mut accounts: HashMap<KeyId, Made> = HashMap::new();
    for Handed { events, reached } in handed {
        for (event, place) in events {
            let made = match accounts.entry(event.key_id) {
                std::collections::hash_map::Entry::Occupied(made) => {
                    let made = made.into_mut();
                    made.account.apply(&event)?;
                    made
                }
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(Made::open(&event)?)
                }
            };
            made.note(&event, place);
        }
        tell(reached);
    }
    for made in accounts.values() {
        made.account.verify()?;
    }
    Ok(accounts)
}
