//! Batches: leaves that get one tree, one head and one signature, and from which receipts are cut.

use thiserror::Error;

use crate::head::{Head, SignedHead, Tip};
use crate::key::SigningKey;
use crate::leaf::EncodedLeaf;
use crate::proof::Receipt;
use crate::tree::{LEAVES_MAX, Tree};
use crate::wire::Malformed;

/// A batch with its signed head.
#[derive(Clone, Debug)]
pub struct SealedBatch {
    head: SignedHead,
    leaves: Vec<EncodedLeaf>,
    tree: Tree,
}

/// Why leaves cannot be a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// A batch has at least one leaf.
    #[error("a batch has at least one leaf")]
    Empty,
    /// Too many leaves.
    #[error("a batch has at most {LEAVES_MAX} leaves")]
    TooMany,
    /// A leaf is not the next one of the chain.
    #[error("event {found} stands where event {expected} belongs")]
    Sequence {
        /// The sequence that belongs there.
        expected: u64,
        /// The one that was found.
        found: u64,
    },
    /// The chain has counted as far as it can.
    #[error("the chain has counted as far as it can")]
    Exhausted,
    /// The tip is not that of a chain.
    #[error("the tip is not that of a chain: {0}")]
    Tip(Malformed),
    /// The leaves are not those that the head was made over.
    #[error("the leaves are not those of the head")]
    OtherLeaves,
}

impl SealedBatch {
    /// Makes the next batch of a chain: tree, head and signature.
    ///
    /// # Errors
    ///
    /// The leaves do not continue the chain, or are none or too many.
    pub fn seal(key: &SigningKey, tip: &Tip, leaves: Vec<EncodedLeaf>) -> Result<Self, SealError> {
        let first_sequence = tip.last_sequence.checked_add(1).ok_or(SealError::Exhausted)?;
        let last_sequence = check_sequences(first_sequence, &leaves)?;
        let tree = Tree::of(&leaves);
        let head = Head {
            chain_id: tip.chain_id,
            batch: tip.batch.checked_add(1).ok_or(SealError::Exhausted)?,
            first_sequence,
            last_sequence,
            leaf_count: leaves.len() as u64,
            root: tree.root(),
            previous: tip.head_hash,
            signing_key_id: key.id(),
        };
        let head = SignedHead::sign(key, head).map_err(SealError::Tip)?;
        Ok(Self { head, leaves, tree })
    }

    /// The batch of a recorded head and its recorded leaves, to cut its receipts again; they are
    /// the same bytes as the first time. The signature is not checked again.
    ///
    /// # Errors
    ///
    /// The leaves are not those of the head.
    pub fn reopen(head: SignedHead, leaves: Vec<EncodedLeaf>) -> Result<Self, SealError> {
        check_sequences(head.head().first_sequence, &leaves)?;
        let tree = Tree::of(&leaves);
        let is_whole = head.head().leaf_count == leaves.len() as u64;
        if !is_whole || tree.root() != head.head().root {
            return Err(SealError::OtherLeaves);
        }
        Ok(Self { head, leaves, tree })
    }

    /// Its head.
    #[must_use]
    pub const fn head(&self) -> &SignedHead {
        &self.head
    }

    /// Its leaves, in the order of their sequences.
    #[must_use]
    pub fn leaves(&self) -> &[EncodedLeaf] {
        &self.leaves
    }

    /// The receipt of one of its leaves; none if there is no such leaf.
    #[must_use]
    pub fn receipt(&self, leaf_index: usize) -> Option<Receipt> {
        let leaf = self.leaves.get(leaf_index)?.as_ref().to_vec();
        let path = self.tree.path(leaf_index)?;
        Some(Receipt { leaf, leaf_index: leaf_index as u64, path, head: self.head })
    }
}

/// The receipt of one leaf of a recorded batch, the same bytes as the first time; of the other
/// leaves only the hashes are needed. The signature is not checked again.
///
/// # Errors
///
/// The leaves are not those of the head, or there is no such leaf.
pub fn receipt_of(
    head: SignedHead,
    leaves: &[&[u8]],
    leaf_index: usize,
) -> Result<Receipt, SealError> {
    let tree = Tree::of(leaves);
    let is_whole = head.head().leaf_count == leaves.len() as u64;
    if !is_whole || tree.root() != head.head().root {
        return Err(SealError::OtherLeaves);
    }
    let (leaf, path) = leaves.get(leaf_index).zip(tree.path(leaf_index)).ok_or(SealError::Empty)?;
    Ok(Receipt { leaf: leaf.to_vec(), leaf_index: leaf_index as u64, path, head })
}

/// The last sequence of leaves that follow each other from `first` on.
fn check_sequences(first: u64, leaves: &[EncodedLeaf]) -> Result<u64, SealError> {
    if leaves.is_empty() {
        return Err(SealError::Empty);
    }
    if leaves.len() > LEAVES_MAX {
        return Err(SealError::TooMany);
    }
    let mut expected = first;
    for (index, leaf) in leaves.iter().enumerate() {
        if index > 0 {
            expected = expected.checked_add(1).ok_or(SealError::Exhausted)?;
        }
        if leaf.sequence() != expected {
            return Err(SealError::Sequence { expected, found: leaf.sequence() });
        }
    }
    Ok(expected)
}
