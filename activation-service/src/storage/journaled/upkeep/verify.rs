//! The whole proof of a ledger: frames, leaves, roots, signatures and links of the chain; and all
//! events replayed into accounts, and the books compared with them.

mod accounts;
mod chain;

use std::path::Path;

use receipt::TrustedKeys;

use super::relay::relay;
use super::remake::{ACCOUNTS_BYTES, Remake};
use super::{Step, Tell, UpkeepError, scratch, view};
use crate::storage::journal::Known;
use crate::storage::sled::SledOptions;
use accounts::{Comparison, Replay};
use chain::{Chain, Checked};

/// Faults that are told in words; all are counted.
pub const FAULTS_TOLD_MAX: usize = 20;

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

    /// Takes in what was found of accounts apart.
    fn absorb(&mut self, other: Self) {
        let Self { events, accounts, faults, faults_count, .. } = other;
        self.events += events;
        self.accounts += accounts;
        self.faults_count += faults_count;
        self.faults.extend(faults);
        self.faults.truncate(FAULTS_TOLD_MAX);
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
    verify_within(folder, scratch, options, trust, ACCOUNTS_BYTES, tell)
}

/// The same with at most about so many bytes of accounts in memory at once; the less, the more
/// often the journal is read.
pub fn verify_within(
    folder: &Path,
    scratch: Option<&Path>,
    options: &SledOptions,
    trust: &Trust<'_>,
    accounts_bytes_max: u64,
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
    let (books, applied_to) = (opened.as_ref().map(|opened| &opened.books), found.applied_sequence);
    let remake = Remake::new(view.reader(), accounts_bytes_max);
    for (pass, range) in remake.passes() {
        let mut replay = Replay::new(Comparison { books, range, applied: applied_to });
        if pass == 0 {
            let chain = Chain::new(&view, *trust, applied);
            if !first(chain, &mut replay, &mut found, tell)? {
                // Behind a break in the chain nothing can be replayed.
                break;
            }
        } else {
            remake.again(range, |opened| {
                let reached = opened.reached;
                replay.take(opened);
                tell(remake.step("accounts", pass, reached));
            })?;
        }
        found.absorb(replay.end());
    }
    Ok(found)
}

/// The first pass: everything that needs no account, and the accounts of the first range. False if
/// not every event could be read.
fn first(
    mut chain: Chain<'_>,
    replay: &mut Replay<'_>,
    found: &mut Verified,
    tell: &mut Tell<'_>,
) -> Result<bool, UpkeepError> {
    let reader = chain.view.reader();
    let (total, range) = (reader.end().sequence.saturating_sub(1), replay.range());
    let (mut walk, keys) = (reader.walk(reader.start()), chain.trust.keys);
    let ended = relay(
        || walk.advance(),
        |frame| Checked::of(&frame, keys, range),
        |checked| {
            if let Some(opened) = chain.take(checked, found) {
                replay.take(opened);
            }
            tell(Step { task: "chain", done: chain.reached, total });
            Ok(())
        },
    )?;
    if let Err(error) = ended {
        found.fault(|| format!("journal: {error}"));
        chain.is_whole = false;
    }
    chain.end(total, found);
    Ok(chain.is_whole)
}
