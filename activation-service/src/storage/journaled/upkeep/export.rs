//! Writing a snapshot of a ledger from its journal alone, and reading it back.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::batch::parts::{Part, parts};
use super::ranges::{Histogram, Range};
use super::snapshot::{self, Header, Record, SnapshotWriter, write_account};
use super::{Step, Tell, UpkeepError, view};
use crate::domain::account::Account;
use crate::domain::ids::KeyId;
use crate::storage::disk::{Disk, RealDisk};
use crate::storage::journal::{Reader, View};

/// What was exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The chain, hex.
    pub chain_id: String,
    /// Position of the last event.
    pub last_sequence: u64,
    /// Accounts.
    pub accounts: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Writes the snapshot and reads it back; a file that is there already is never replaced.
pub fn export(folder: &Path, file: &Path, tell: &mut Tell<'_>) -> Result<Exported, UpkeepError> {
    let disk = RealDisk;
    let view = view(folder)?;
    let end = view.reader().end();
    let last_sequence = end.sequence.saturating_sub(1);
    let header = Header { chain: view.chain, last_sequence, head: end.head };
    let mut writer = SnapshotWriter::create(&disk, file, &header)?;
    let accounts = match write(&view, &mut writer, tell) {
        Ok(accounts) => accounts,
        Err(error) => {
            writer.abandon(&disk);
            return Err(error);
        }
    };
    let bytes = writer.finish(&disk)?;
    let contents = snapshot::read(&disk, file, "reading back", tell, &mut |_, _| Ok(()));
    let contents = contents.inspect_err(|_| {
        // A backup that cannot be read back must not pass for one.
        let _ = disk.remove(file);
    })?;
    if (contents.header, contents.accounts) != (header, accounts) {
        return Err(UpkeepError::NotGood("the snapshot is not what was written".to_owned()));
    }
    Ok(Exported { chain_id: view.chain.to_string(), last_sequence, accounts, bytes })
}

/// Reads a snapshot to its end and trusts nothing in it; how many accounts it holds.
///
/// # Errors
/// It is no whole snapshot.
pub fn check_snapshot(
    disk: &dyn Disk,
    file: &Path,
    tell: &mut Tell<'_>,
) -> Result<u64, UpkeepError> {
    let contents = snapshot::read(disk, file, "reading", tell, &mut |_, _| Ok(()))?;
    Ok(contents.accounts)
}

fn write(
    view: &View,
    writer: &mut SnapshotWriter,
    tell: &mut Tell<'_>,
) -> Result<u64, UpkeepError> {
    let reader = view.reader();
    let (mut histogram, mut events) = (Histogram::new(), 0);
    each_event(reader, "measuring", tell, &mut |key, part| {
        histogram.add(key, &part);
        events += 1;
    })?;
    let mut accounts = 0;
    for range in histogram.ranges() {
        accounts += write_range(reader, range, writer, tell)?;
    }
    writer.put(&Record::End { accounts, events })?;
    Ok(accounts)
}

/// The accounts of a range; a journal is in the order of events, and a snapshot in that of keys.
fn write_range(
    reader: &Reader,
    range: Range,
    writer: &mut SnapshotWriter,
    tell: &mut Tell<'_>,
) -> Result<u64, UpkeepError> {
    let mut keys: BTreeMap<KeyId, Vec<Part>> = BTreeMap::new();
    each_event(reader, "writing", tell, &mut |key, part| {
        if range.holds(key) {
            keys.entry(key).or_default().push(part);
        }
    })?;
    let accounts = keys.len() as u64;
    for (_, events) in keys {
        let mut account: Option<Account> = None;
        for part in &events {
            let event = part.event().map_err(UpkeepError::Seal)?;
            match &mut account {
                Some(account) => account.apply(&event)?,
                None => account = Some(Account::open(&event)?),
            }
        }
        if let Some(account) = account {
            write_account(writer, &account, events)?;
        }
    }
    Ok(accounts)
}

/// Hands on what was recorded of each event, in the order of the journal.
pub(super) fn each_event(
    reader: &Reader,
    task: &'static str,
    tell: &mut Tell<'_>,
    each: &mut dyn FnMut(KeyId, Part),
) -> Result<(), UpkeepError> {
    let total = reader.end().sequence.saturating_sub(1);
    let mut walk = reader.walk(reader.start());
    while let Some(frame) = walk.advance()? {
        let location = frame.location;
        let unreadable = |cause| UpkeepError::Frame { location, cause };
        let (_, parts) = parts(&frame.body, &frame.erasable).map_err(unreadable)?;
        for part in parts {
            each(part.key_id().map_err(unreadable)?, part);
        }
        tell(Step { task, done: frame.next_sequence().saturating_sub(1), total });
    }
    Ok(())
}
