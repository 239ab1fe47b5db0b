//! The body of a journal frame: one batch of events with its signed head, and the private parts
//! beside it.
//!
//! Body: format, head (length, bytes), then for each event its leaf (length, bytes) and the number
//! of its private part, from 1, or 0. A private part can be erased: what a leaf commits to, with
//! the salt, and the hash of the request, which is one of evidence without a salt.

pub(super) mod parts;

use std::sync::Arc;

use receipt::{EncodedLeaf, LEAVES_MAX, Salt, SealedBatch, SignedHead, SigningKey, Tip, Tree};
use thiserror::Error;

use super::leaf::{self, Private};
use crate::domain::event::Event;
use crate::domain::ids::KeyId;
use crate::storage::codec::{
    Malformed, Reader, Writer, decode_evidence, encode_evidence, get_lookup, put_lookup,
};
use crate::storage::journal::{Entry, Hash, UnreadableBody};

/// Version of a body.
const FORMAT: u8 = 1;
/// Version of a private part.
const PRIVATE_FORMAT: u8 = 1;
/// What a private part is of.
const EVIDENCE: u8 = 1;
const LOOKUPS: u8 = 2;
const NOTHING: u8 = 3;
/// What is wrong with a leaf that no reader takes.
const LEAF_UNREADABLE: &str = "a leaf cannot be read";

/// A body, or an event in it, that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Unreadable(pub &'static str);

impl From<Malformed> for Unreadable {
    fn from(error: Malformed) -> Self {
        Self(error.0)
    }
}

/// A batch that is ready for the journal.
pub(super) struct Sealed {
    pub(super) body: Vec<u8>,
    pub(super) erasable: Vec<Vec<u8>>,
    pub(super) batch: SealedBatch,
}

/// Events of a frame with their positions.
pub(super) struct Opened {
    pub(super) events: Vec<(u64, Event)>,
}

/// Seals events as the next batch of a chain; `salt` gives fresh random bytes.
pub(super) fn seal(
    key: &SigningKey,
    tip: &Tip,
    events: &[&Event],
    mut salt: impl FnMut() -> [u8; 16],
) -> Result<Sealed, Unreadable> {
    let (mut leaves, mut erasable, mut beside) = (Vec::new(), Vec::new(), Vec::new());
    for (event, sequence) in events.iter().zip(tip.last_sequence + 1..) {
        let private = Private::of(event);
        let salt = Salt(salt());
        let encoded = leaf::leaf(event, sequence, &salt).encode();
        leaves.push(encoded.map_err(|_| Unreadable("an event is out of a leaf's bounds"))?);
        let mut number = 0;
        if !private.is_empty() {
            erasable.push(private_part(&private, &salt));
            number = erasable.len() as u64;
        }
        beside.push(number);
    }
    let batch = SealedBatch::seal(key, tip, leaves)
        .map_err(|_| Unreadable("the events do not continue the chain"))?;
    let mut w = Writer::new(FORMAT);
    put_bytes(&mut w, &batch.head().encode());
    w.number(batch.leaves().len() as u64);
    for (leaf, number) in batch.leaves().iter().zip(beside) {
        put_bytes(&mut w, leaf.as_ref());
        w.number(number);
    }
    Ok(Sealed { body: w.finish(), erasable, batch })
}

/// The hash of the head in a body, which is what chains frames.
pub(super) fn head_of(body: &[u8]) -> Result<Hash, UnreadableBody> {
    head(body).map(|head| head.hash()).map_err(|error| UnreadableBody(error.to_string()))
}

/// The head in a body.
pub(super) fn head(body: &[u8]) -> Result<SignedHead, Unreadable> {
    let mut r = Reader::new(body, FORMAT)?;
    read_head(&mut r)
}

/// The events of a frame; the leaves must be those of the head.
pub(super) fn open(body: &[u8], erasable: &[Entry]) -> Result<Opened, Unreadable> {
    let (head, rows) = compared_rows(body)?;
    let mut events = Vec::with_capacity(rows.len());
    for ((bytes, number), sequence) in rows.into_iter().zip(head.head().first_sequence..) {
        let leaf = leaf_at(bytes, sequence)?;
        events.push((sequence, leaf::event(&leaf, private_of(number, erasable)?)?));
    }
    Ok(Opened { events })
}

/// The events of some keys in a frame with their positions, in their order. It is for a frame that
/// was opened before: what is asked for is read, and nothing is compared with the head.
pub(super) fn events_of(
    body: &[u8],
    erasable: &[Entry],
    is_asked_for: impl Fn(KeyId) -> bool,
) -> Result<Opened, Unreadable> {
    let mut events = Vec::new();
    for (bytes, number) in rows(body)?.1 {
        let key = receipt::Leaf::key_id_of(bytes).map_err(|_| Unreadable(LEAF_UNREADABLE))?;
        if is_asked_for(KeyId(key)) {
            let leaf = receipt::Leaf::decode(bytes).map_err(|_| Unreadable(LEAF_UNREADABLE))?;
            events.push((leaf.sequence, leaf::event(&leaf, private_of(number, erasable)?)?));
        }
    }
    Ok(Opened { events })
}

/// The leaf of an event, and the number of its private part.
type LeafRow<'a> = (&'a [u8], u64);

/// The head in a body, and its events.
fn rows(body: &[u8]) -> Result<(SignedHead, Vec<LeafRow<'_>>), Unreadable> {
    let mut r = Reader::new(body, FORMAT)?;
    let head = read_head(&mut r)?;
    let rows = r.list(|r| Ok((r.bytes()?, r.number()?)))?;
    r.finish()?;
    Ok((head, rows))
}

/// The same of a body whose leaves are those that the head was made over.
fn compared_rows(body: &[u8]) -> Result<(SignedHead, Vec<LeafRow<'_>>), Unreadable> {
    let (signed, rows) = rows(body)?;
    let head = signed.head();
    let is_whole = (1..=LEAVES_MAX).contains(&rows.len()) && head.leaf_count == rows.len() as u64;
    if !is_whole || Tree::of(rows.iter().map(|(leaf, _)| leaf)).root() != head.root {
        return Err(Unreadable("the leaves are not those of the head"));
    }
    Ok((signed, rows))
}

/// The leaf that has this position.
fn leaf_at(bytes: &[u8], sequence: u64) -> Result<receipt::Leaf, Unreadable> {
    let leaf = receipt::Leaf::decode(bytes).map_err(|_| Unreadable(LEAF_UNREADABLE))?;
    if leaf.sequence != sequence {
        return Err(Unreadable("a leaf has another position"));
    }
    Ok(leaf)
}

/// One event of a frame, by its position. The leaves are not compared with the head, which is
/// for the scrub: a frame that is read has been compared with its checksum.
pub(super) fn event(body: &[u8], erasable: &[Entry], sequence: u64) -> Result<Event, Unreadable> {
    let mut r = Reader::new(body, FORMAT)?;
    let place = place_of(&read_head(&mut r)?, sequence)?;
    let count = r.number()?;
    for _ in 0..place.min(count) {
        let (_leaf, _number) = (r.bytes()?, r.number()?);
    }
    let (leaf, number) = (r.bytes()?, r.number()?);
    leaf::event(&leaf_at(leaf, sequence)?, private_of(number, erasable)?)
}

/// Which leaf of a batch has this position.
fn place_of(head: &SignedHead, sequence: u64) -> Result<u64, Unreadable> {
    let head = head.head();
    let is_in = (head.first_sequence..=head.last_sequence).contains(&sequence);
    let place = is_in.then(|| sequence - head.first_sequence);
    place.ok_or(Unreadable("the event is not in this batch"))
}

/// What lies beside a leaf, by the number of its private part.
fn private_of(number: u64, erasable: &[Entry]) -> Result<Private, Unreadable> {
    match beside(number, erasable)? {
        Some(Entry::Present(bytes)) => read_private(bytes),
        Some(Entry::Erased) | None => Ok(Private::default()),
    }
}

/// The bytes of that, or that they are erased; none if there never was anything.
fn beside(number: u64, erasable: &[Entry]) -> Result<Option<&Entry>, Unreadable> {
    let Some(index) = number.checked_sub(1) else { return Ok(None) };
    let entry = usize::try_from(index).ok().and_then(|index| erasable.get(index));
    entry.map(Some).ok_or(Unreadable("no private part"))
}

/// The receipt of one event of a frame, by its position, the same bytes each time; none if the
/// event there is not that version of that key.
pub(super) fn receipt(
    body: &[u8],
    (key, version): (KeyId, u64),
    sequence: u64,
) -> Result<Arc<[u8]>, Unreadable> {
    let mut r = Reader::new(body, FORMAT)?;
    let head = read_head(&mut r)?;
    let leaves = r.list(|r| {
        let (leaf, _number) = (r.bytes()?, r.number()?);
        Ok(leaf)
    })?;
    r.finish()?;
    let place = place_of(&head, sequence)?;
    let place = usize::try_from(place).map_err(|_| Unreadable("no such leaf"))?;
    let leaf = leaves.get(place).ok_or(Unreadable("no such leaf"))?;
    let leaf = receipt::Leaf::decode(leaf).map_err(|_| Unreadable(LEAF_UNREADABLE))?;
    if (leaf.key_id, leaf.account_version) != (key.0, version) {
        return Err(Unreadable("the event is not in this batch"));
    }
    let receipt = receipt::receipt_of(head, &leaves, place)
        .map_err(|_| Unreadable("the leaves are not those of the head"))?;
    Ok(receipt.encode().into())
}

/// The batch in a body, and the number of each event's private part.
fn read(body: &[u8]) -> Result<(SealedBatch, Vec<u64>), Unreadable> {
    let (head, rows) = rows(body)?;
    let (mut leaves, mut beside) = (Vec::new(), Vec::new());
    for (leaf, row) in rows {
        let leaf = EncodedLeaf::from_bytes(leaf.to_vec());
        leaves.push(leaf.map_err(|_| Unreadable(LEAF_UNREADABLE))?);
        beside.push(row);
    }
    let batch = SealedBatch::reopen(head, leaves)
        .map_err(|_| Unreadable("the leaves are not those of the head"))?;
    Ok((batch, beside))
}

fn read_head(r: &mut Reader<'_>) -> Result<SignedHead, Unreadable> {
    SignedHead::decode(r.bytes()?).map_err(|_| Unreadable("a head cannot be read"))
}

fn put_bytes(w: &mut Writer, bytes: &[u8]) {
    w.number(bytes.len() as u64);
    w.fixed(bytes);
}

fn private_part(private: &Private, salt: &Salt) -> Vec<u8> {
    let mut w = Writer::new(PRIVATE_FORMAT);
    w.fixed(&salt.0);
    w.option(private.payload, |w, payload| w.fixed(&payload));
    match &private.evidence {
        Some(evidence) => {
            w.byte(EVIDENCE);
            w.fixed(&encode_evidence(evidence));
        }
        None if private.lookups.is_empty() => w.byte(NOTHING),
        None => {
            w.byte(LOOKUPS);
            w.list(private.lookups.iter(), put_lookup);
        }
    }
    w.finish()
}

fn read_private(bytes: &[u8]) -> Result<Private, Unreadable> {
    let mut r = Reader::new(bytes, PRIVATE_FORMAT)?;
    let _salt: [u8; 16] = r.fixed()?;
    let payload = r.option(Reader::fixed)?;
    let private = Private { payload, ..Private::default() };
    match r.byte()? {
        EVIDENCE => {
            let evidence = Some(Arc::new(decode_evidence(r.rest())?));
            Ok(Private { evidence, ..private })
        }
        LOOKUPS => {
            let lookups = r.list(get_lookup)?;
            r.finish()?;
            Ok(Private { lookups, ..private })
        }
        NOTHING => {
            r.finish()?;
            Ok(private)
        }
        _ => Err(Unreadable("a private part of an unknown kind")),
    }
}

#[cfg(test)]
mod tests;
