//! Receipts: a leaf, its way up the tree, and the signed head at the top.

use thiserror::Error;

use crate::head::{HEAD_BYTES_MAX, HeadFault, SignedHead};
use crate::key::{SigningKeyId, TrustedKeys};
use crate::leaf::{LEAF_BYTES_MAX, Leaf};
use crate::tree::{Hash, PATH_HASHES_MAX, leaf_hash, root_from_path};
use crate::wire::{Malformed, Reader, Writer};

/// Most bytes of a receipt: format, length of the leaf, leaf, index, length of the path, path,
/// head.
pub const RECEIPT_BYTES_MAX: usize =
    1 + 3 + LEAF_BYTES_MAX + 10 + 1 + PATH_HASHES_MAX * 32 + HEAD_BYTES_MAX;

/// Version of the format.
const FORMAT: u8 = 1;

/// The proof that an event is in a batch. Until [`Receipt::verify`] has said so it proves nothing,
/// and so it shows nothing of its leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub(crate) leaf: Vec<u8>,
    pub(crate) leaf_index: u64,
    pub(crate) path: Vec<Hash>,
    pub(crate) head: SignedHead,
}

/// What a receipt proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The event as it was recorded.
    pub leaf: Leaf,
    /// The head that it is in.
    pub head: SignedHead,
}

/// Why a receipt proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReceiptError {
    /// More bytes than any receipt has.
    #[error("a receipt has at most {RECEIPT_BYTES_MAX} bytes")]
    TooLarge,
    /// A later version made the receipt, its head or its leaf.
    #[error("the format version {0} is not known here")]
    UnknownFormat(u8),
    /// The bytes are no receipt.
    #[error("no receipt: {0}")]
    MalformedReceipt(Malformed),
    /// The bytes of the head are no head.
    #[error("no head: {0}")]
    MalformedHead(Malformed),
    /// The head is signed with a key that is not trusted here.
    #[error("the key {0}, which signed the head, is not among the trusted ones")]
    UnknownSigningKey(SigningKeyId),
    /// The head is not signed with the key that it names.
    #[error("the signature of the head is wrong")]
    WrongSignature,
    /// The leaf does not lead to the root of the head.
    #[error("the leaf is not in the batch of the head")]
    WrongPath,
    /// The leaf is in the batch, and its bytes are no leaf.
    #[error("no leaf: {0}")]
    MalformedLeaf(Malformed),
    /// The leaf is in the batch, at another place than it says.
    #[error("the leaf says that it is event {found}, and stands where event {expected} belongs")]
    WrongSequence {
        /// The sequence that belongs to its place.
        expected: u64,
        /// The one in the leaf.
        found: u64,
    },
}

impl ReceiptError {
    /// The stable name, which is that of the test vectors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TooLarge => "TOO_LARGE",
            Self::UnknownFormat(_) => "UNKNOWN_FORMAT",
            Self::MalformedReceipt(_) => "MALFORMED_RECEIPT",
            Self::MalformedHead(_) => "MALFORMED_HEAD",
            Self::UnknownSigningKey(_) => "UNKNOWN_SIGNING_KEY",
            Self::WrongSignature => "WRONG_SIGNATURE",
            Self::WrongPath => "WRONG_PATH",
            Self::MalformedLeaf(_) => "MALFORMED_LEAF",
            Self::WrongSequence { .. } => "WRONG_SEQUENCE",
        }
    }
}

impl Receipt {
    /// The head it leads to, which may still be anybody's.
    #[must_use]
    pub const fn head(&self) -> &SignedHead {
        &self.head
    }

    /// The place of the leaf in its batch, from 0.
    #[must_use]
    pub const fn leaf_index(&self) -> u64 {
        self.leaf_index
    }

    /// The hashes that lead from the leaf to the root, lowest first.
    #[must_use]
    pub fn path(&self) -> &[Hash] {
        &self.path
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(FORMAT);
        w.block(&self.leaf);
        w.number(self.leaf_index);
        w.list(self.path.iter(), |w, hash| w.fixed(hash));
        w.fixed(&self.head.encode());
        w.finish()
    }

    /// The receipt of these bytes; it is not verified yet.
    ///
    /// # Errors
    ///
    /// They are not the bytes of a receipt; only those that [`Self::encode`] gives are taken.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(ReceiptError::TooLarge);
        }
        let mut r = Reader::new(bytes);
        let (leaf, leaf_index, path) = before_head(&mut r).map_err(of_receipt)?;
        let head = SignedHead::read(&mut r).map_err(of_head)?;
        r.finish().map_err(of_receipt)?;
        Ok(Self { leaf, leaf_index, path, head })
    }

    /// Checks signature, path and leaf, in this order, so that no byte is looked into that a
    /// trusted key does not stand for.
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub fn verify(&self, trusted: &TrustedKeys) -> Result<Verified, ReceiptError> {
        let head = self.head.head();
        self.head.verify(trusted).map_err(|fault| match fault {
            HeadFault::UnknownSigningKey(id) => ReceiptError::UnknownSigningKey(id),
            HeadFault::WrongSignature => ReceiptError::WrongSignature,
        })?;
        let root =
            root_from_path(&leaf_hash(&self.leaf), self.leaf_index, head.leaf_count, &self.path);
        if root != Some(head.root) {
            return Err(ReceiptError::WrongPath);
        }
        let leaf = Leaf::decode(&self.leaf).map_err(of_leaf)?;
        // The path held, so the index is smaller than the number of leaves and cannot overflow.
        let expected = head.first_sequence.saturating_add(self.leaf_index);
        if leaf.sequence != expected {
            return Err(ReceiptError::WrongSequence { expected, found: leaf.sequence });
        }
        Ok(Verified { leaf, head: self.head })
    }
}

type BeforeHead = (Vec<u8>, u64, Vec<Hash>);

fn before_head(r: &mut Reader<'_>) -> Result<BeforeHead, Malformed> {
    r.format(FORMAT)?;
    let leaf = r.block(LEAF_BYTES_MAX, Malformed::TooMany("bytes of the leaf"))?.to_vec();
    let leaf_index = r.number()?;
    let path = r.list(PATH_HASHES_MAX, "hashes of the path", Reader::fixed)?;
    Ok((leaf, leaf_index, path))
}

const fn of_receipt(fault: Malformed) -> ReceiptError {
    match fault {
        Malformed::UnknownFormat(format) => ReceiptError::UnknownFormat(format),
        fault => ReceiptError::MalformedReceipt(fault),
    }
}

const fn of_head(fault: Malformed) -> ReceiptError {
    match fault {
        Malformed::UnknownFormat(format) => ReceiptError::UnknownFormat(format),
        fault => ReceiptError::MalformedHead(fault),
    }
}

const fn of_leaf(fault: Malformed) -> ReceiptError {
    match fault {
        Malformed::UnknownFormat(format) => ReceiptError::UnknownFormat(format),
        fault => ReceiptError::MalformedLeaf(fault),
    }
}
