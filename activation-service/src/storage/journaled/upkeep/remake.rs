//! Every account made anew in memory from the journal: the proof that all of it can be read, and
//! that its events fit each other, before anything is replaced.
//!
//! One thread reads and decodes while another applies. What does not fit into memory at once is
//! made range of keys by range of keys; frames are compared with their heads the first time only.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::super::batch;
use super::ranges::Range;
use super::{Step, Tell, UpkeepError};
use crate::domain::account::Account;
use crate::domain::event::Event;
use crate::domain::ids::KeyId;
use crate::storage::journal::{Frame, Reader};

/// Bytes of accounts that are held at once, about.
const ACCOUNTS_BYTES_MAX: u64 = 1 << 30;
/// What an event leaves in memory: a count with ten kinds of components, found by its anchors.
const EVENT_BYTES: u64 = 1_024;
/// Events that are handed over together, or a few more, for a frame is not cut.
const HANDED_EVENTS: usize = 1_024;
/// How often as many may wait to be applied.
const HANDED_AHEAD_MAX: usize = 8;

/// Events of some frames that follow each other.
struct Handed {
    events: Vec<Event>,
    /// Position of the last event of the last frame.
    reached: u64,
}

/// Makes every account, and lets go of it again; says how many there are.
pub(super) fn remake(reader: &Reader, tell: &mut Tell<'_>) -> Result<u64, UpkeepError> {
    let total = reader.end().sequence.saturating_sub(1);
    let ranges = Range::even(total.saturating_mul(EVENT_BYTES).div_ceil(ACCOUNTS_BYTES_MAX));
    let passes = ranges.len() as u64;
    let mut accounts = 0;
    for (pass, range) in (0..).zip(ranges) {
        accounts += make(reader, range, pass == 0, &mut |reached| {
            let done = (pass * total).saturating_add(reached) / passes;
            tell(Step { task: "checking", done, total });
        })?;
    }
    Ok(accounts)
}

/// Makes the accounts of a range.
fn make(
    reader: &Reader,
    range: Range,
    is_first: bool,
    tell: &mut dyn FnMut(u64),
) -> Result<u64, UpkeepError> {
    let (sender, receiver) = sync_channel(HANDED_AHEAD_MAX);
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || read(reader, range, is_first, &sender));
        let applied = apply(receiver, range, tell);
        let read = reading.join();
        read.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        applied
    })
}

/// Reads and decodes until the end, or until nobody takes it any more.
fn read(
    reader: &Reader,
    range: Range,
    is_first: bool,
    sender: &SyncSender<Handed>,
) -> Result<(), UpkeepError> {
    let mut walk = reader.walk(reader.start());
    let mut handed = Handed { events: Vec::new(), reached: 0 };
    while let Some(frame) = walk.advance()? {
        let location = frame.location;
        events(&frame, range, is_first, &mut handed.events)
            .map_err(|cause| UpkeepError::Frame { location, cause })?;
        handed.reached = frame.next_sequence().saturating_sub(1);
        if handed.events.len() >= HANDED_EVENTS {
            let next = Handed { events: Vec::with_capacity(HANDED_EVENTS), reached: 0 };
            // Whoever stopped taking says why.
            let Ok(()) = sender.send(std::mem::replace(&mut handed, next)) else { return Ok(()) };
        }
    }
    // As above.
    let _ = sender.send(handed);
    Ok(())
}

fn events(
    frame: &Frame,
    range: Range,
    is_first: bool,
    into: &mut Vec<Event>,
) -> Result<(), batch::Unreadable> {
    let (body, erasable) = (&frame.body, &frame.erasable);
    if is_first {
        into.extend(batch::open(body, erasable)?.events.into_iter().map(|(_, event)| event));
    } else {
        into.extend(batch::events_of(body, erasable, |key| range.holds(key))?);
    }
    Ok(())
}

fn apply(
    handed: Receiver<Handed>,
    range: Range,
    tell: &mut dyn FnMut(u64),
) -> Result<u64, UpkeepError> {
    let mut accounts: HashMap<KeyId, Account> = HashMap::new();
    for Handed { events, reached } in handed {
        for event in events.iter().filter(|event| range.holds(event.key_id)) {
            match accounts.get_mut(&event.key_id) {
                Some(account) => account.apply(event)?,
                None => {
                    accounts.insert(event.key_id, Account::open(event)?);
                }
            }
        }
        tell(reached);
    }
    for account in accounts.values() {
        account.verify()?;
    }
    Ok(accounts.len() as u64)
}
