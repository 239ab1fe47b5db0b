//! Looks at the whole ledger again and again, a bounded piece at a time: the chain by itself, and
//! beside each of its events the rows that were made of it.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use receipt::{SignedHead, verify_chain};

use super::Shared;
use super::batch::parts::{Part, parts};
use super::overlay::Overlay;
use crate::domain::account::Account;
use crate::domain::event::Event;
use crate::domain::ids::KeyId;
use crate::ports::{LedgerError, Span};
use crate::storage::journal::{Frame, Location, Walk};
use crate::storage::rows::Entry;

/// How often a piece is looked at.
const PERIOD: Duration = Duration::from_millis(250);
/// Pieces a second.
const PIECES_A_SECOND: u64 = 4;
/// While events wait for the books, only one piece of so many is looked at: who asks for
/// activations comes first.
const PIECES_UNDER_LOAD: u32 = 8;
/// Periods between the end of a pass and the next one.
const PERIODS_BETWEEN_PASSES: u32 = 240;
/// Events of a history that are read together when an account is made again.
const HISTORY_PAGE: usize = 256;

/// Where a pass stands.
#[derive(Default)]
pub(super) struct Scrub {
    walk: Option<Walk>,
    previous: Option<SignedHead>,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Bytes of the journal that were looked at.
    pub bytes: u64,
    /// Events that were compared with the books.
    pub events: u64,
    /// The end was reached; the next step begins again.
    pub is_pass_done: bool,
}

/// Who looks, until this is dropped.
pub(super) struct ScrubWatch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ScrubWatch {
    pub(super) fn start(shared: Arc<Shared>, bytes_per_s: u64) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let piece = (bytes_per_s / PIECES_A_SECOND).max(1);
        let watch = move || {
            let (mut scrub, mut pause, mut yielded) = (Scrub::default(), 0, 0);
            loop {
                match stopped.recv_timeout(PERIOD) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
                if pause > 0 {
                    pause -= 1;
                    continue;
                }
                if shared.overlay(Overlay::lag) > 0 && yielded + 1 < PIECES_UNDER_LOAD {
                    yielded += 1;
                    continue;
                }
                yielded = 0;
                let done = scrub.step(&shared, piece);
                metrics::counter!("activation_scrub_bytes_total").increment(done.bytes);
                if done.is_pass_done {
                    metrics::counter!("activation_scrub_passes_total").increment(1);
                    pause = PERIODS_BETWEEN_PASSES;
                }
            }
        };
        let thread = std::thread::Builder::new().name("ledger-scrub".to_owned());
        Ok(Self { stop: Some(stop), thread: Some(thread.spawn(watch)?) })
    }
}

impl Drop for ScrubWatch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the scrub panicked");
        }
    }
}

/// Why a step ended early.
enum Halt {
    /// The journal is not what it was.
    Journal(String),
    /// The books cannot be read, and know it, or differ from the journal.
    Books,
}

impl Scrub {
    /// Looks at frames until so many bytes are looked at, or the end is reached. Damage to the
    /// books has them mended; damage to the journal stops the engine.
    pub(super) fn step(&mut self, shared: &Shared, bytes_max: u64) -> Scrubbed {
        let mut done = Scrubbed::default();
        while done.bytes < bytes_max && shared.alive().is_ok() {
            match self.frame(shared, &mut done) {
                Ok(true) => {}
                Ok(false) => {
                    *self = Self::default();
                    done.is_pass_done = true;
                    break;
                }
                Err(Halt::Books) => {
                    *self = Self::default();
                    break;
                }
                Err(Halt::Journal(why)) => {
                    shared.stop(format!("the scrub found damage in the journal: {why}"));
                    break;
                }
            }
        }
        done
    }

    /// Looks at the next frame; false at the end.
    fn frame(&mut self, shared: &Shared, done: &mut Scrubbed) -> Result<bool, Halt> {
        let walk = self.walk.get_or_insert_with(|| shared.reader.walk(shared.reader.start()));
        let frame = walk.advance().map_err(|error| Halt::Journal(error.to_string()))?;
        let Some(frame) = frame else { return Ok(false) };
        let location = frame.location;
        let broken = |why: String| Halt::Journal(format!("{location}: {why}"));
        let (head, parts) =
            parts(&frame.body, &frame.erasable).map_err(|error| broken(error.to_string()))?;
        if let Some(previous) = &self.previous {
            verify_chain(previous, &head).map_err(|error| broken(error.to_string()))?;
        }
        self.previous = Some(head);
        for part in &parts {
            let event = part.checked_event().map_err(|error| broken(error.to_string()))?;
            done.events += u64::from(rows(shared, &event, part, &frame)?);
        }
        done.bytes += frame.length;
        Ok(true)
    }
}

/// Compares the rows of an event with it; false if it is not in the books yet.
fn rows(shared: &Shared, event: &Event, part: &Part, frame: &Frame) -> Result<bool, Halt> {
    let (key, version) = (event.key_id, event.version);
    // What is durable and not told to anybody yet is not in the overlay either.
    let is_waiting = |overlay: &Overlay| {
        part.leaf.sequence() > overlay.durable() || overlay.entry(key, version).is_some()
    };
    if shared.overlay(is_waiting) {
        return Ok(false);
    }
    match differs(shared, event, part.leaf.sequence(), frame.location) {
        Ok(None) => Ok(true),
        Ok(Some(what)) => {
            shared.books.doubt(format!("{what} of event {version} of {key} is another"));
            Err(Halt::Books)
        }
        // Whatever is wrong with the books, they have noted it; so has the engine of the journal.
        Err(_) => Err(Halt::Books),
    }
}

/// What of the rows of an event is not as the journal has it.
fn differs(
    shared: &Shared,
    event: &Event,
    sequence: u64,
    location: Location,
) -> Result<Option<&'static str>, LedgerError> {
    let (books, key, version) = (&shared.books, event.key_id, event.version);
    let is_noted = |entry: Entry| {
        entry.is_of(event) && (entry.sequence, entry.location) == (sequence, location)
    };
    if !shared.row(books.entry(key, version))?.is_some_and(is_noted) {
        return Ok(Some("the row"));
    }
    // The last event of a key stands for the whole account; none is newer than the account is.
    let held = shared.row(books.head(key))?.map_or(0, |head| head.version);
    if held < version || (held == version && !is_account_of_its_events(shared, key)?) {
        return Ok(Some("the account"));
    }
    Ok(None)
}

/// True if the account of a key is what its events make, and is found by its look-up digests.
fn is_account_of_its_events(shared: &Shared, key: KeyId) -> Result<bool, LedgerError> {
    let books = &shared.books;
    let Some(held) = shared.row(books.account(key))? else { return Ok(false) };
    for lookup in &held.head.lookups {
        if shared.row(books.owner_of(lookup))? != Some(key) {
            return Ok(false);
        }
    }
    let (mut made, mut after): (Option<Account>, Option<u64>) = (None, None);
    // What is applied meanwhile is newer than the account that was read.
    while after.unwrap_or(0) < held.head.version {
        let left = held.head.version - after.unwrap_or(0);
        let most = usize::try_from(left).unwrap_or(HISTORY_PAGE).min(HISTORY_PAGE);
        let page = shared.row(books.entries(key, Span { descending: false, after, most }))?;
        let page = shared.in_journal(&page)?;
        let Some(last) = page.last() else { return Ok(false) };
        after = Some(last.event.version);
        for recorded in &page {
            let fits = match &mut made {
                Some(account) => account.apply(&recorded.event),
                None => Account::open(&recorded.event).map(|account| made = Some(account)),
            };
            if fits.is_err() {
                return Ok(false);
            }
        }
    }
    Ok(made.as_ref() == Some(&*held))
}
