//! A new ledger from a snapshot: a chain of its own, whose accounts are those of the snapshot.
//!
//! It is made beside its place, checked as a whole, and given its name last, so a refused or
//! interrupted import leaves nothing that could be served.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use receipt::{Tip, TrustedKeys};

use super::super::batch;
use super::super::books::{Batch, Books};
use super::super::open::{self, JournaledOptions};
use super::snapshot::{self, Contents};
use super::{Tell, Trust, UpkeepError, books_of, io_at, released, sync_folder, verify};
use crate::domain::account::Account;
use crate::domain::event::Event;
use crate::ports::{Change, Randomness};
use crate::storage::disk::RealDisk;
use crate::storage::journal::{FrameParts, Journal};
use crate::storage::rows::Posting;

/// Most events of a change: its rows are then one safe transaction of the books.
const CHANGE_EVENTS_MAX: usize = 16;
/// Bytes of events from which on a change is closed, for the same reason.
const CHANGE_BYTES: usize = 32 << 10;
/// Most events of a frame.
const FRAME_EVENTS_MAX: usize = 128;
/// Bytes of events from which on a frame is sealed; the smallest segment holds it.
const FRAME_BYTES: usize = 128 << 10;

/// What was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The chain of the snapshot, hex.
    pub from_chain_id: String,
    /// The new chain, hex.
    pub chain_id: String,
    /// Accounts.
    pub accounts: u64,
    /// Events.
    pub events: u64,
}

/// Makes a ledger in a folder that is empty or not there.
pub fn import(
    file: &Path,
    folder: &Path,
    options: &JournaledOptions,
    randomness: &dyn Randomness,
    tell: &mut Tell<'_>,
) -> Result<Imported, UpkeepError> {
    let is_there = folder.symlink_metadata().is_ok();
    if is_there && fs::read_dir(folder).map_err(io_at(folder))?.next().is_some() {
        return Err(UpkeepError::NotEmpty(folder.to_owned()));
    }
    let contents = snapshot::read(&RealDisk, file, "checking", tell, &mut |_, _| Ok(()))?;
    let work = beside(folder)?;
    if work.symlink_metadata().is_ok() {
        return Err(UpkeepError::Leftover(work));
    }
    let made = fill(file, &work, contents, options, randomness, tell);
    let imported = made.inspect_err(|_| {
        // The failure is what is told; what is left has a name that no service opens.
        let _ = fs::remove_dir_all(&work);
    })?;
    fs::rename(&work, folder).map_err(io_at(folder))?;
    sync_folder(folder.parent().unwrap_or(Path::new("")))?;
    Ok(imported)
}

fn beside(folder: &Path) -> Result<PathBuf, UpkeepError> {
    let Some(name) = folder.file_name() else {
        return Err(io_at(folder)(std::io::Error::other("it names no folder")));
    };
    let mut name = name.to_owned();
    name.push(".importing");
    Ok(folder.with_file_name(name))
}

fn fill(
    file: &Path,
    work: &Path,
    contents: Contents,
    options: &JournaledOptions,
    randomness: &dyn Randomness,
    tell: &mut Tell<'_>,
) -> Result<Imported, UpkeepError> {
    let opened = open::open_folder(work, options)?;
    let chain = opened.journal.chain();
    let mut importer = Importer {
        journal: opened.journal,
        books: opened.books,
        tip: opened.tip,
        options,
        randomness,
        account: None,
        events: Vec::new(),
        changes: Vec::new(),
        bytes: 0,
        waiting: 0,
        waiting_bytes: 0,
    };
    let again = snapshot::read(&RealDisk, file, "importing", tell, &mut |event, bytes| {
        importer.take(event, bytes)
    })?;
    importer.finish()?;
    released(&books_of(work))?;
    if again != contents {
        return Err(UpkeepError::NotGood("the snapshot changed while it was read".to_owned()));
    }
    let mut trusted = TrustedKeys::default();
    let trust = trusted.trust(options.signing_key.public_key());
    trust.map_err(|error| UpkeepError::NotGood(error.to_string()))?;
    let trust = Trust { keys: &trusted, known: [None; 2] };
    let verified = verify(work, None, &options.sled, &trust, tell)?;
    let is_all = (verified.accounts, verified.events) == (contents.accounts, contents.events);
    if !verified.is_good() || !is_all {
        return Err(UpkeepError::NotGood(verified.faults.join("; ")));
    }
    Ok(Imported {
        from_chain_id: contents.header.chain.to_string(),
        chain_id: chain.to_string(),
        accounts: contents.accounts,
        events: contents.events,
    })
}

/// Seals the events of a snapshot as batches of the new chain.
struct Importer<'a> {
    journal: Journal,
    books: Books,
    tip: Tip,
    options: &'a JournaledOptions,
    randomness: &'a dyn Randomness,
    /// The account as far as its events were taken.
    account: Option<Arc<Account>>,
    /// Its last events, which are not in a change yet.
    events: Vec<Event>,
    /// Bytes of those.
    bytes: usize,
    /// Changes that wait to be sealed.
    changes: Vec<Change>,
    /// Events of those.
    waiting: usize,
    /// Bytes of those.
    waiting_bytes: usize,
}

impl Importer<'_> {
    fn take(&mut self, event: Event, bytes: usize) -> Result<(), UpkeepError> {
        if event.version == 1 {
            self.change();
            self.account = None;
        }
        match &mut self.account {
            Some(account) => Arc::make_mut(account).apply(&event)?,
            None => self.account = Some(Arc::new(Account::open(&event)?)),
        }
        self.events.push(event);
        self.bytes += bytes;
        if self.events.len() == CHANGE_EVENTS_MAX || self.bytes >= CHANGE_BYTES {
            // Sealed at once, so that the account is shared with no change and is not copied when
            // its next events come.
            self.change();
            return self.seal();
        }
        let segment = usize::try_from(self.options.journal.segment_bytes).unwrap_or(usize::MAX);
        let is_full = self.waiting + self.events.len() >= FRAME_EVENTS_MAX
            || self.waiting_bytes + self.bytes >= FRAME_BYTES.min(segment / 4);
        if is_full {
            return self.seal();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), UpkeepError> {
        self.change();
        self.seal()?;
        self.journal.close()?;
        Ok(())
    }

    fn change(&mut self) {
        let events = std::mem::take(&mut self.events);
        let (Some(account), Some(first)) = (&self.account, events.first()) else { return };
        self.waiting += events.len();
        self.waiting_bytes += std::mem::take(&mut self.bytes);
        let expected_version = first.version.saturating_sub(1);
        self.changes.push(Change { expected_version, events, account: Arc::clone(account) });
    }

    fn seal(&mut self) -> Result<(), UpkeepError> {
        let changes = std::mem::take(&mut self.changes);
        (self.waiting, self.waiting_bytes) = (0, 0);
        if changes.is_empty() {
            return Ok(());
        }
        let events: Vec<&Event> = changes.iter().flat_map(|change| &change.events).collect();
        let key = &self.options.signing_key;
        let sealed = batch::seal(key, &self.tip, &events, || self.randomness.id_bytes());
        let sealed = sealed.map_err(UpkeepError::Seal)?;
        let (first_sequence, previous) = (self.tip.last_sequence + 1, self.tip.head_hash);
        let location = self.journal.append(&FrameParts {
            first_sequence,
            event_count: u32::try_from(events.len()).unwrap_or(u32::MAX),
            previous_head: previous,
            body: &sealed.body,
            erasable: &sealed.erasable,
        })?;
        self.journal.sync()?;
        self.tip = sealed.batch.head().tip();
        let head = self.tip.head_hash;
        let postings = changes.into_iter().map(Posting::from).collect();
        let batch = Batch { postings, first_sequence, location, previous, head };
        self.books.apply([&batch]).map_err(|error| UpkeepError::Rows(error.to_string()))
    }
}
