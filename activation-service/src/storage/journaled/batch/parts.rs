//! A batch taken apart into what is recorded of each event: its leaf, and what lies beside it.

use receipt::{EncodedLeaf, Salt, SignedHead};

use super::{LEAF_UNREADABLE, PRIVATE_FORMAT, Unreadable, read, read_private};
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
    let (batch, beside) = read(body)?;
    let mut parts = Vec::with_capacity(beside.len());
    for (leaf, number) in batch.leaves().iter().zip(beside) {
        let private = match number.checked_sub(1) {
            None => PrivatePart::Nothing,
            Some(index) => {
                let entry = usize::try_from(index).ok().and_then(|index| erasable.get(index));
                match entry.ok_or(Unreadable("no private part"))? {
                    Entry::Present(bytes) => PrivatePart::Present(bytes.clone()),
                    Entry::Erased => PrivatePart::Erased,
                }
            }
        };
        parts.push(Part { leaf: leaf.clone(), private });
    }
    Ok((*batch.head(), parts))
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
        let event = self.event()?;
        if let PrivatePart::Present(bytes) = &self.private {
            let salt = Salt(Reader::new(bytes, PRIVATE_FORMAT)?.fixed()?);
            let again = leaf::leaf(&event, self.leaf.sequence(), &salt).encode();
            if again.ok().as_ref().map(AsRef::as_ref) != Some(self.leaf.as_ref()) {
                return Err(Unreadable("what lies beside a leaf is not what it commits to"));
            }
        }
        Ok(event)
    }
}
