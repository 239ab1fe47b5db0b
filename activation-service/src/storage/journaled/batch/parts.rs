//! A batch taken apart into what is recorded of each event: its leaf, and what lies beside it.

use receipt::{EncodedLeaf, Salt, SignedHead};

use super::{
    LEAF_UNREADABLE, PRIVATE_FORMAT, Unreadable, beside, compared_rows, leaf_at, read, read_private,
};
use crate::domain::event::Event;
use crate::domain::ids::KeyId;
use crate::storage::codec::Reader;
use crate::storage::journal::Entry;
use crate::storage::journaled::leaf::{self, Private};

/// What is recorded of one event.
#[derive(Clone)]
pub(in crate::storage::journaled) struct Part {
    pub(in crate::storage::journaled) leaf: EncodedLeaf,
    pub(in crate::storage::journaled) private: PrivatePart,
}

/// What lies beside a leaf.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::storage::journaled) enum PrivatePart {
    /// There never was anything.
    Nothing,
    /// It was erased.
    Erased,
    /// Its bytes.
    Present(Vec<u8>),
}

/// The head and the parts of a frame; the leaves must be those of the head.
pub(in crate::storage::journaled) fn parts(
    body: &[u8],
    erasable: &[Entry],
) -> Result<(SignedHead, Vec<Part>), Unreadable> {
    let (batch, numbers) = read(body)?;
    let mut parts = Vec::with_capacity(numbers.len());
    for (leaf, number) in batch.leaves().iter().zip(numbers) {
        let private = match beside(number, erasable)? {
            None => PrivatePart::Nothing,
            Some(Entry::Present(bytes)) => PrivatePart::Present(bytes.clone()),
            Some(Entry::Erased) => PrivatePart::Erased,
        };
        parts.push(Part { leaf: leaf.clone(), private });
    }
    Ok((*batch.head(), parts))
}

/// An event of a frame, for whoever keeps no bytes of it.
pub(in crate::storage::journaled) struct CheckedEvent {
    /// The event, if what lies beside its leaf is what the leaf commits to.
    pub(in crate::storage::journaled) event: Result<Event, Unreadable>,
    /// What lay beside the leaf was erased.
    pub(in crate::storage::journaled) is_erased: bool,
}

/// The head of a frame and its events, in their order; the leaves must be those of the head.
pub(in crate::storage::journaled) fn checked(
    body: &[u8],
    erasable: &[Entry],
) -> Result<(SignedHead, Vec<CheckedEvent>), Unreadable> {
    let (head, rows) = compared_rows(body)?;
    let mut events = Vec::with_capacity(rows.len());
    for ((bytes, number), sequence) in rows.into_iter().zip(head.head().first_sequence..) {
        let private = match beside(number, erasable)? {
            Some(Entry::Present(bytes)) => Some(bytes.as_slice()),
            Some(Entry::Erased) | None => None,
        };
        let is_erased = number > 0 && private.is_none();
        let leaf = leaf_at(bytes, sequence)?;
        events.push(CheckedEvent { event: committed(&leaf, bytes, private), is_erased });
    }
    Ok((head, events))
}

/// The event of a leaf, if what lies beside it is what the leaf commits to.
fn committed(
    leaf: &receipt::Leaf,
    bytes: &[u8],
    private: Option<&[u8]>,
) -> Result<Event, Unreadable> {
    let Some(private) = private else { return leaf::event(leaf, Private::default()) };
    let event = leaf::event(leaf, read_private(private)?)?;
    let salt = Salt(Reader::new(private, PRIVATE_FORMAT)?.fixed()?);
    let again = leaf::leaf(&event, leaf.sequence, &salt).encode();
    if again.ok().as_ref().map(AsRef::as_ref) != Some(bytes) {
        return Err(Unreadable("what lies beside a leaf is not what it commits to"));
    }
    Ok(event)
}

impl Part {
    /// Bytes that it takes.
    pub(in crate::storage::journaled) fn bytes(&self) -> usize {
        let private = match &self.private {
            PrivatePart::Nothing | PrivatePart::Erased => 0,
            PrivatePart::Present(bytes) => bytes.len(),
        };
        self.leaf.as_ref().len() + private
    }

    /// The key of the event, without reading the rest.
    pub(in crate::storage::journaled) fn key_id(&self) -> Result<KeyId, Unreadable> {
        let key = receipt::Leaf::key_id_of(self.leaf.as_ref());
        Ok(KeyId(key.map_err(|_| Unreadable(LEAF_UNREADABLE))?))
    }

    /// The event.
    pub(in crate::storage::journaled) fn event(&self) -> Result<Event, Unreadable> {
        let leaf =
            receipt::Leaf::decode(self.leaf.as_ref()).map_err(|_| Unreadable(LEAF_UNREADABLE))?;
        let private = match &self.private {
            PrivatePart::Nothing | PrivatePart::Erased => Private::default(),
            PrivatePart::Present(bytes) => read_private(bytes)?,
        };
        leaf::event(&leaf, private)
    }

    /// The event, if what lies beside the leaf is what the leaf commits to.
    pub(in crate::storage::journaled) fn checked_event(&self) -> Result<Event, Unreadable> {
        let bytes = self.leaf.as_ref();
        let leaf = receipt::Leaf::decode(bytes).map_err(|_| Unreadable(LEAF_UNREADABLE))?;
        let private = match &self.private {
            PrivatePart::Nothing | PrivatePart::Erased => None,
            PrivatePart::Present(bytes) => Some(bytes.as_slice()),
        };
        committed(&leaf, bytes, private)
    }
}
