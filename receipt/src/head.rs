//! Heads: signed statements over a batch and the head before it.

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::key::{SIGNATURE_BYTES, SigningKey, SigningKeyId, TrustedKeys};
use crate::leaf::Id;
use crate::tree::{Hash, LEAVES_MAX};
use crate::wire::{Malformed, Reader, Writer};

/// What the first head of a chain has in place of the hash of the head before it.
pub const GENESIS: Hash = [0; 32];
/// Most bytes of a signed head: the fixed fields, four numbers of ten bytes, and the signature.
pub const HEAD_BYTES_MAX: usize = 1 + 16 + 4 * 10 + 32 + 32 + 8 + SIGNATURE_BYTES;

/// Separates signatures of heads, and their hashes, from every other use of key and hash.
const DOMAIN: &[u8] = b"benefits/head/v1\0";
/// Version of the format.
const FORMAT: u8 = 1;

/// What a head states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The chain: the batches of one writer.
    pub chain_id: Id,
    /// Counts the batches of the chain: 1, 2, 3 …
    pub batch: u64,
    /// Sequence of the first event of the batch; the chain counts its events 1, 2, 3 …
    pub first_sequence: u64,
    /// Sequence of the last event of the batch.
    pub last_sequence: u64,
    /// How many events the batch has.
    pub leaf_count: u64,
    /// The root of the tree over their leaves.
    pub root: Hash,
    /// The hash of the head before it, or [`GENESIS`].
    pub previous: Hash,
    /// Who signs it.
    pub signing_key_id: SigningKeyId,
}

/// Where a chain stands, which is what the next batch continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The chain.
    pub chain_id: Id,
    /// Number of the last batch; 0 before the first.
    pub batch: u64,
    /// Sequence of the last event; 0 before the first.
    pub last_sequence: u64,
    /// Hash of the last head, or [`GENESIS`].
    pub head_hash: Hash,
}

impl Tip {
    /// A chain without batches.
    #[must_use]
    pub const fn genesis(chain_id: Id) -> Self {
        Self { chain_id, batch: 0, last_sequence: 0, head_hash: GENESIS }
    }
}

/// A head and its signature, which may still be anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedHead {
    head: Head,
    signature: [u8; SIGNATURE_BYTES],
}

/// Why a head is not one of a trusted key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HeadFault {
    /// The key that it names is not trusted.
    #[error("the key {0}, which signed the head, is not among the trusted ones")]
    UnknownSigningKey(SigningKeyId),
    /// The key that it names did not sign it.
    #[error("the signature of the head is wrong")]
    WrongSignature,
}

/// Why a head does not follow another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChainFault {
    /// They belong to two chains.
    #[error("the heads belong to two chains")]
    OtherChain,
    /// Two heads claim the same place: the writer told two stories.
    #[error("there are two heads of batch {batch}")]
    Fork {
        /// The place.
        batch: u64,
    },
    /// Batches between them are missing, or their order is wrong.
    #[error("batch {found} does not follow batch {last}")]
    Batch {
        /// Batch of the former head.
        last: u64,
        /// Batch of the latter head.
        found: u64,
    },
    /// The latter does not continue the events of the former.
    #[error("event {found} does not follow event {last}")]
    Sequence {
        /// Last sequence of the former head.
        last: u64,
        /// First sequence of the latter head.
        found: u64,
    },
    /// The latter was made on top of another head.
    #[error("batch {batch} was made on top of another head")]
    Previous {
        /// The latter.
        batch: u64,
    },
}

impl ChainFault {
    /// The stable name, which is that of the test vectors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OtherChain => "OTHER_CHAIN",
            Self::Fork { .. } => "FORK",
            Self::Batch { .. } => "BATCH",
            Self::Sequence { .. } => "SEQUENCE",
            Self::Previous { .. } => "PREVIOUS",
        }
    }
}

/// Checks that `next` is the head that directly follows `previous`: nothing was put in, taken out
/// or changed between them. Whose heads they are is for [`SignedHead::verify`].
///
/// # Errors
///
/// The first link that does not hold.
pub fn verify_chain(previous: &SignedHead, next: &SignedHead) -> Result<(), ChainFault> {
    let (last, head) = (previous.tip(), next.head);
    if last.chain_id != head.chain_id {
        return Err(ChainFault::OtherChain);
    }
    if last.batch == head.batch && previous != next {
        return Err(ChainFault::Fork { batch: head.batch });
    }
    if last.batch.checked_add(1) != Some(head.batch) {
        return Err(ChainFault::Batch { last: last.batch, found: head.batch });
    }
    if last.last_sequence.checked_add(1) != Some(head.first_sequence) {
        let found = head.first_sequence;
        return Err(ChainFault::Sequence { last: last.last_sequence, found });
    }
    if last.head_hash != head.previous {
        return Err(ChainFault::Previous { batch: head.batch });
    }
    Ok(())
}

impl Head {
    /// The bytes that are signed, without what separates them from other signatures.
    fn content(&self) -> Vec<u8> {
        let mut w = Writer::new(FORMAT);
        w.fixed(&self.chain_id);
        w.number(self.batch);
        w.number(self.first_sequence);
        w.number(self.last_sequence);
        w.number(self.leaf_count);
        w.fixed(&self.root);
        w.fixed(&self.previous);
        w.fixed(&self.signing_key_id.0);
        w.finish()
    }

    /// What holds in every head, whoever made it.
    fn check(&self) -> Result<(), Malformed> {
        if self.batch == 0 || self.first_sequence == 0 {
            return Err(Malformed::Inconsistent("batches and events are counted from 1"));
        }
        let events = self.last_sequence.checked_sub(self.first_sequence);
        if events.and_then(|events| events.checked_add(1)) != Some(self.leaf_count) {
            return Err(Malformed::Inconsistent(
                "the batch does not have as many leaves as events",
            ));
        }
        if self.leaf_count > LEAVES_MAX as u64 {
            return Err(Malformed::TooMany("leaves"));
        }
        let is_first = self.batch == 1;
        if is_first != (self.first_sequence == 1) || is_first != (self.previous == GENESIS) {
            return Err(Malformed::Inconsistent("only the first head begins a chain"));
        }
        Ok(())
    }
}

impl SignedHead {
    /// What it states.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// Its signature.
    #[must_use]
    pub const fn signature(&self) -> &[u8; SIGNATURE_BYTES] {
        &self.signature
    }

    /// Its hash, by which the next head holds on to it:
    /// SHA-256("benefits/head/v1" ‖ 0 ‖ content ‖ signature).
    #[must_use]
    pub fn hash(&self) -> Hash {
        let hash = Sha256::new_with_prefix(DOMAIN).chain_update(self.head.content());
        hash.chain_update(self.signature).finalize().into()
    }

    /// Where the chain stands with this head.
    #[must_use]
    pub fn tip(&self) -> Tip {
        let Head { chain_id, batch, last_sequence, .. } = self.head;
        Tip { chain_id, batch, last_sequence, head_hash: self.hash() }
    }

    /// Its bytes: content and signature.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.head.content();
        bytes.extend_from_slice(&self.signature);
        bytes
    }

    /// The head of these bytes.
    ///
    /// # Errors
    ///
    /// They are not the bytes of a head; only those that [`Self::encode`] gives are taken.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(bytes);
        let head = Self::read(&mut r)?;
        r.finish()?;
        Ok(head)
    }

    /// Checks that one of the trusted keys signed it.
    ///
    /// # Errors
    ///
    /// The key is not trusted, or it did not sign this.
    pub fn verify(&self, trusted: &TrustedKeys) -> Result<(), HeadFault> {
        let id = self.head.signing_key_id;
        let key = trusted.get(id).ok_or(HeadFault::UnknownSigningKey(id))?;
        let signed = signed_bytes(&self.head);
        key.verify(&signed, &self.signature).map_err(|_| HeadFault::WrongSignature)
    }

    pub(crate) fn sign(key: &SigningKey, head: Head) -> Result<Self, Malformed> {
        let head = Head { signing_key_id: key.id(), ..head };
        head.check()?;
        Ok(Self { head, signature: key.sign(&signed_bytes(&head)) })
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        r.format(FORMAT)?;
        let head = Head {
            chain_id: r.fixed()?,
            batch: r.number()?,
            first_sequence: r.number()?,
            last_sequence: r.number()?,
            leaf_count: r.number()?,
            root: r.fixed()?,
            previous: r.fixed()?,
            signing_key_id: SigningKeyId(r.fixed()?),
        };
        let signature = r.fixed()?;
        head.check()?;
        Ok(Self { head, signature })
    }
}

fn signed_bytes(head: &Head) -> Vec<u8> {
    [DOMAIN, &head.content()].concat()
}
