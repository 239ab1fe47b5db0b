//! How large the rows of the service are.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::figure::Figure;

/// Rows that are looked at, from the first on; keys are random, so it is a sample.
const SAMPLE_ROWS: usize = 200_000;
/// Bytes of the key of a head: a key id and a kind.
const HEAD_KEY_BYTES: usize = 17;
/// The version of the event that registers a key, as the key of its row ends.
const FIRST: [u8; 8] = 1_u64.to_be_bytes();
/// The kinds of rows of an account, behind the key id.
pub(super) const HEAD: u8 = 0;
pub(super) const EVENT: u8 = 2;

/// Bytes of the values of rows, on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub struct RowBytes {
    /// Of the head of an account.
    #[arg(long)]
    pub head_bytes: u64,
    /// Of the event that registers a key.
    #[arg(long)]
    pub registered_bytes: u64,
    /// Of a later event, with the count that it made.
    #[arg(long)]
    pub event_bytes: u64,
    /// Of the owner of a look-up digest.
    #[arg(long)]
    pub lookup_bytes: u64,
}

/// Sum and number.
#[derive(Clone, Copy, Default)]
struct Mean {
    sum: u64,
    count: u64,
}

impl RowBytes {
    /// As they are in books that nobody has open, and that are no longer needed as they are: sled
    /// writes when it opens.
    ///
    /// # Errors
    /// They cannot be read, or rows of a kind are missing.
    pub fn of_books(folder: &Path) -> Result<Self> {
        let db = sled::Config::new().path(folder).flush_every_ms(None).open()?;
        let [mut head, mut registered, mut event, mut lookup] = [Mean::default(); 4];
        for row in db.open_tree("accounts")?.iter().take(SAMPLE_ROWS) {
            let (key, value) = row?;
            match key.get(HEAD_KEY_BYTES - 1).copied() {
                Some(HEAD) => head.add(&value),
                Some(EVENT) if key.ends_with(&FIRST) => registered.add(&value),
                Some(EVENT) => event.add(&value),
                other => anyhow::bail!("a row of the unknown kind {other:?}"),
            }
        }
        for row in db.open_tree("lookups")?.iter().take(SAMPLE_ROWS) {
            lookup.add(&row?.1);
        }
        Ok(Self {
            head_bytes: head.mean().context("heads")?,
            registered_bytes: registered.mean().context("registrations")?,
            event_bytes: event.mean().context("events")?,
            lookup_bytes: lookup.mean().context("look-ups")?,
        })
    }

    /// Each with its name.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, u64); 4] {
        [
            ("head-bytes", self.head_bytes),
            ("registered-bytes", self.registered_bytes),
            ("event-bytes", self.event_bytes),
            ("lookup-bytes", self.lookup_bytes),
        ]
    }

    /// Adds them to a figure.
    pub fn add_to(&self, figure: &mut Figure) {
        figure.add("head_row_bytes", self.head_bytes as f64);
        figure.add("registered_row_bytes", self.registered_bytes as f64);
        figure.add("event_row_bytes", self.event_bytes as f64);
    }
}

impl Mean {
    fn add(&mut self, value: &[u8]) {
        self.sum += value.len() as u64;
        self.count += 1;
    }

    fn mean(self) -> Result<u64> {
        ensure!(self.count > 0, "there are none");
        // To the nearest byte.
        Ok((self.sum + self.count / 2) / self.count)
    }
}
