//! The snapshot format, version 1: accounts in the order of their keys with all their events.
//!
//! It stands in docs/ledger-format.md. A record is its kind, its length, its bytes and a CRC32C of
//! all that; the last one is followed by the SHA-256 of everything before it.

mod reader;
mod writer;

use std::path::Path;

use receipt::EncodedLeaf;
use thiserror::Error;

use super::super::batch::parts::{Part, PrivatePart};
use super::{Step, Tell, UpkeepError};
use crate::domain::account::Account;
use crate::domain::event::Event;
use crate::domain::ids::KeyId;
use crate::storage::codec::{
    Malformed, Reader as Fields, Writer as Bytes, encode_count, encode_head,
};
use crate::storage::disk::Disk;
use crate::storage::journal::{ChainId, Hash};
use reader::SnapshotReader;
pub(super) use writer::SnapshotWriter;

/// The version that is written and read.
pub const SNAPSHOT_FORMAT: u16 = 1;
/// Every snapshot begins with it.
const MAGIC: [u8; 8] = *b"BLSNAPSH";
/// Version of the fields in a record.
const RECORD_FORMAT: u8 = 1;
/// Most bytes of a record: a leaf and what lies beside it are shorter.
const RECORD_BYTES_MAX: usize = 256 << 10;

/// Kinds of records.
const ACCOUNT: u8 = 1;
const EVENT: u8 = 2;
const COUNT: u8 = 3;
const END: u8 = 4;

/// What is wrong with a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SnapshotFault {
    /// It is something else.
    #[error("it is no snapshot of a ledger")]
    NoSnapshot,
    /// A later version wrote it.
    #[error("its format {0} is not one of this version")]
    UnknownFormat(u16),
    /// It ends too early.
    #[error("it is cut short")]
    CutShort,
    /// Something stands behind its end.
    #[error("something stands behind its end")]
    LeftOver,
    /// A record's checksum is wrong.
    #[error("the record at byte {0} is damaged")]
    Checksum(u64),
    /// All of it together is not what was written.
    #[error("its SHA-256 is another")]
    Digest,
    /// A record is whole and out of place.
    #[error("the record at byte {at}: {what}")]
    Record {
        /// Where it begins.
        at: u64,
        /// What is wrong.
        what: String,
    },
}

/// Takes an event, and how many bytes it has in the journal.
pub(super) type Each<'a> = dyn FnMut(Event, usize) -> Result<(), UpkeepError> + 'a;

/// What a snapshot says of itself at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) chain: ChainId,
    pub(super) last_sequence: u64,
    pub(super) head: Hash,
}

/// What a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) header: Header,
    pub(super) accounts: u64,
    pub(super) events: u64,
}

/// A record.
pub(super) enum Record {
    /// A key, with the canonical bytes of its head; its events follow, then its counts.
    Account {
        head: Vec<u8>,
        events: u64,
        counts: u64,
    },
    Event(Part),
    /// The canonical bytes of a count.
    Count(Vec<u8>),
    End {
        accounts: u64,
        events: u64,
    },
}

impl Record {
    fn encode(&self) -> (u8, Vec<u8>) {
        let mut w = Bytes::new(RECORD_FORMAT);
        let kind = match self {
            Self::Account { head, events, counts } => {
                w.number(*events);
                w.number(*counts);
                w.fixed(head);
                ACCOUNT
            }
            Self::Event(part) => {
                w.number(part.leaf.as_ref().len() as u64);
                w.fixed(part.leaf.as_ref());
                match &part.private {
                    PrivatePart::Nothing => w.byte(0),
                    PrivatePart::Erased => w.byte(1),
                    PrivatePart::Present(bytes) => {
                        w.byte(2);
                        w.fixed(bytes);
                    }
                }
                EVENT
            }
            Self::Count(count) => {
                w.fixed(count);
                COUNT
            }
            Self::End { accounts, events } => {
                w.number(*accounts);
                w.number(*events);
                END
            }
        };
        (kind, w.finish())
    }

    fn decode(kind: u8, bytes: &[u8]) -> Result<Self, Malformed> {
        let mut r = Fields::new(bytes, RECORD_FORMAT)?;
        Ok(match kind {
            ACCOUNT => {
                let (events, counts) = (r.number()?, r.number()?);
                Self::Account { head: r.rest().to_vec(), events, counts }
            }
            EVENT => {
                let leaf = EncodedLeaf::from_bytes(r.bytes()?.to_vec());
                let leaf = leaf.map_err(|_| Malformed("a leaf cannot be read"))?;
                let private = match r.byte()? {
                    0 => PrivatePart::Nothing,
                    1 => PrivatePart::Erased,
                    2 => PrivatePart::Present(r.rest().to_vec()),
                    _ => return Err(Malformed("a private part of an unknown kind")),
                };
                Self::Event(Part { leaf, private })
            }
            COUNT => Self::Count(r.rest().to_vec()),
            END => {
                let end = Self::End { accounts: r.number()?, events: r.number()? };
                r.finish()?;
                end
            }
            _ => return Err(Malformed("a record of an unknown kind")),
        })
    }
}

/// The records of one account, whose events are given in their order.
pub(super) fn write_account(
    writer: &mut SnapshotWriter,
    account: &Account,
    events: Vec<Part>,
) -> Result<(), UpkeepError> {
    let (head, counts) = (encode_head(&account.head), account.counts.len() as u64);
    writer.put(&Record::Account { head, events: events.len() as u64, counts })?;
    for part in events {
        writer.put(&Record::Event(part))?;
    }
    for count in account.counts.iter() {
        writer.put(&Record::Count(encode_count(count)))?;
    }
    Ok(())
}

/// Reads a snapshot to its end, checks everything in it, and hands its events on: those of a key
/// in their order, keys in the order of their ids.
pub(super) fn read(
    disk: &dyn Disk,
    file: &Path,
    task: &'static str,
    tell: &mut Tell<'_>,
    each: &mut Each<'_>,
) -> Result<Contents, UpkeepError> {
    let mut reader = SnapshotReader::open(disk, file)?;
    let header = reader.header;
    let total = header.last_sequence;
    let (mut accounts, mut events) = (0, 0);
    let mut last: Option<KeyId> = None;
    loop {
        match reader.record()? {
            Record::Account { head, events: of_it, counts } => {
                let key = account(&mut reader, last, &head, of_it, counts, each)?;
                last = Some(key);
                accounts += 1;
                events += of_it;
                tell(Step { task, done: events.min(total), total });
            }
            Record::End { accounts: held, events: all } => {
                if (held, all) != (accounts, events) || all != total {
                    return Err(reader.out_of_place("it does not hold what it says"));
                }
                reader.finish()?;
                return Ok(Contents { header, accounts, events });
            }
            Record::Event(_) | Record::Count(_) => {
                return Err(reader.out_of_place("it belongs to no account"));
            }
        }
    }
}

/// Reads the events of one account, makes the account of them, and compares it with what is
/// recorded of it.
fn account(
    reader: &mut SnapshotReader,
    last: Option<KeyId>,
    head: &[u8],
    events: u64,
    counts: u64,
    each: &mut Each<'_>,
) -> Result<KeyId, UpkeepError> {
    let mut made: Option<Account> = None;
    for _ in 0..events {
        let Record::Event(part) = reader.record()? else {
            return Err(reader.out_of_place("an event is missing"));
        };
        let event = part.checked_event();
        let event = event.map_err(|error| reader.out_of_place(error.0))?;
        let applied = match &mut made {
            Some(account) => account.apply(&event),
            None => Account::open(&event).map(|account| made = Some(account)),
        };
        applied.map_err(|error| reader.out_of_place(&error.to_string()))?;
        each(event, part.bytes())?;
    }
    let Some(made) = made else { return Err(reader.out_of_place("it has no events")) };
    let key = made.head.key_id;
    if last.is_some_and(|last| last >= key) {
        return Err(reader.out_of_place("keys are not in their order"));
    }
    if made.counts.len() as u64 != counts || encode_head(&made.head) != head {
        return Err(reader.out_of_place("the account is not what its events make"));
    }
    for count in made.counts.iter() {
        match reader.record()? {
            Record::Count(bytes) if bytes == encode_count(count) => {}
            _ => return Err(reader.out_of_place("a count is not what its events make")),
        }
    }
    Ok(key)
}
