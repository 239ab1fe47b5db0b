//! The database, and the groups in which it is written.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sled::transaction::{ConflictableTransactionError, TransactionError, Transactional as _};

use super::rows::{EVENT, HEAD, RowBytes};
use crate::keys::{Purpose, words};
use crate::sizes::bytes_in_all;

/// Most operations of a group, those that close it included.
const GROUP_OPERATIONS_MAX: usize = 200;
/// Most bytes of a group.
const GROUP_BYTES_MAX: usize = 64 * 1024;
/// Operations that close a group.
const CLOSING: usize = 2;
/// Bytes of pages that sled keeps in memory, as the service is delivered.
const CACHE_BYTES: u64 = 128 * 1024 * 1024;
/// What the bytes of a look-up digest are made from; a pepper stands before them.
const LOOKUP_KEY_WORDS: [Purpose; 2] = [Purpose::Request, Purpose::Component(1)];
/// What stands for the checksum at the end of a value.
const CHECKSUM: [u8; 4] = [7; 4];

/// In the order of the service's trees.
const TREES: [&str; 4] = ["accounts", "lookups", "seen", "meta"];
const ACCOUNTS: usize = 0;
const LOOKUPS: usize = 1;
const META: usize = 3;

struct Row {
    tree: usize,
    key: Vec<u8>,
    value: Vec<u8>,
}

/// Sled, and the group that is not written yet.
pub(super) struct Books {
    db: sled::Db,
    trees: Vec<sled::Tree>,
    file: File,
    folder: PathBuf,
    seed: u64,
    sizes: RowBytes,
    group: Vec<Row>,
    group_bytes: usize,
    /// Events so far.
    events: u64,
}

impl Books {
    pub(super) fn open(folder: &Path, seed: u64, sizes: RowBytes) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut file = OpenOptions::new();
        let file = file.create(true).truncate(false).read(true).write(true);
        let file = file.open(folder.join("db"))?;
        let config = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES);
        let db = config.flush_every_ms(None).open()?;
        let trees = TREES.iter().map(|name| db.open_tree(name)).collect::<Result<_, _>>()?;
        Ok(Self {
            db,
            trees,
            file,
            folder: folder.to_owned(),
            seed,
            sizes,
            group: Vec::new(),
            group_bytes: 0,
            events: 0,
        })
    }

    /// What the service writes when it registers a key.
    pub(super) fn register(&mut self, key: u64) -> Result<()> {
        let event = self.numbered(key, EVENT, 1, self.sizes.registered_bytes);
        let value = self.value(self.sizes.head_bytes);
        let head = Row { tree: ACCOUNTS, key: [&self.id(key)[..], &[HEAD]].concat(), value };
        let digest = LOOKUP_KEY_WORDS.map(|purpose| words(self.seed, key, purpose)).concat();
        let lookup = [&1_u32.to_be_bytes()[..], &digest].concat();
        let value = self.value(self.sizes.lookup_bytes);
        self.add(vec![event, Row { tree: LOOKUPS, key: lookup, value }, head])
    }

    /// What it writes when a new computer is the next of this number on a key.
    pub(super) fn activate(&mut self, key: u64, earlier: u64) -> Result<()> {
        self.add(vec![self.numbered(key, EVENT, earlier + 2, self.sizes.event_bytes)])
    }

    /// Writes what waits.
    pub(super) fn finish(&mut self) -> Result<()> {
        if self.group.is_empty() { Ok(()) } else { self.write() }
    }

    /// How many rows of accounts there are; reads them all.
    pub(super) fn rows_of_accounts(&self) -> u64 {
        self.trees.get(ACCOUNTS).map_or(0, |tree| tree.len() as u64)
    }

    pub(super) fn file_bytes(&self) -> Result<u64> {
        bytes_in_all(&self.folder)
    }

    /// Adds an event: its rows.
    fn add(&mut self, rows: Vec<Row>) -> Result<()> {
        let bytes: usize = rows.iter().map(Row::bytes).sum();
        let operations = self.group.len() + rows.len() + CLOSING;
        let is_full =
            operations > GROUP_OPERATIONS_MAX || self.group_bytes + bytes > GROUP_BYTES_MAX;
        if is_full && !self.group.is_empty() {
            self.write()?;
        }
        self.group_bytes += bytes;
        self.group.extend(rows);
        self.events += 1;
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        let closing = [("applied_sequence", 12), ("applied_head", 36)];
        for (name, bytes) in closing {
            let value = self.value(bytes);
            self.group.push(Row { tree: META, key: name.as_bytes().to_vec(), value });
        }
        let group = &self.group;
        let done = self.trees.as_slice().transaction(|trees| {
            for row in group {
                if let Some(tree) = trees.get(row.tree) {
                    tree.insert(row.key.as_slice(), row.value.as_slice())?;
                }
            }
            Ok::<(), ConflictableTransactionError<sled::Error>>(())
        });
        done.map_err(|error| match error {
            TransactionError::Abort(error) | TransactionError::Storage(error) => error,
        })?;
        self.db.flush()?;
        self.file.sync_data().context("the file of sled")?;
        self.group.clear();
        self.group_bytes = 0;
        Ok(())
    }

    fn id(&self, key: u64) -> [u8; 16] {
        words(self.seed, key, Purpose::KeyId)
    }

    fn numbered(&self, key: u64, kind: u8, number: u64, bytes: u64) -> Row {
        let key = [&self.id(key)[..], &[kind], &number.to_be_bytes()].concat();
        Row { tree: ACCOUNTS, key, value: self.value(bytes) }
    }

    /// So many bytes, others for each event.
    fn value(&self, bytes: u64) -> Vec<u8> {
        let bytes = usize::try_from(bytes).unwrap_or(0);
        let mut value = Vec::with_capacity(bytes + 16);
        let mut piece = self.events << 16;
        while value.len() + CHECKSUM.len() < bytes {
            value.extend_from_slice(&words(self.seed, piece, Purpose::Component(0)));
            piece += 1;
        }
        value.truncate(bytes.saturating_sub(CHECKSUM.len()));
        value.extend_from_slice(&CHECKSUM);
        value
    }
}

impl Row {
    fn bytes(&self) -> usize {
        self.key.len() + self.value.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: RowBytes =
        RowBytes { head_bytes: 150, registered_bytes: 31, event_bytes: 331, lookup_bytes: 20 };

    #[test]
    fn rows_are_as_long_as_they_were_found_and_groups_no_larger_than_they_may_be() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let place = folder.path().join("sled");
        let mut books = Books::open(&place, 1, SIZES)?;
        for key in 0..10 {
            books.register(key)?;
        }
        for number in 0..500 {
            books.activate(number % 10, number / 10)?;
            assert!(books.group.len() + CLOSING <= GROUP_OPERATIONS_MAX);
            assert!(books.group_bytes <= GROUP_BYTES_MAX);
        }
        books.finish()?;
        assert_eq!(books.rows_of_accounts(), 2 * 10 + 500);
        assert!(books.file_bytes()? > 0);
        drop(books);
        assert_eq!(RowBytes::of_books(&place)?, SIZES);
        Ok(())
    }
}
