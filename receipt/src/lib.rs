//! Heads of batches, receipts and their proofs of inclusion: making, reading, verifying; pure.
//!
//! A ledger records events in batches. Each event has a [`Leaf`], the bytes that a third party
//! sees of it; the leaves of a batch are the leaves of a Merkle tree (RFC 6962), and its root
//! stands in a [`Head`] that is signed and chained to the head before it. A [`Receipt`] is a leaf
//! with its way up to a signed head: whoever pinned the public key checks it offline with
//! [`Receipt::verify`], and an auditor follows heads with [`verify_chain`].
//!
//! The page for authors in other languages is `docs/receipts.md`; test vectors and a verifier in
//! Python are in `vectors/`.
//!
//! ```
//! use receipt::{
//!     Client, Event, Leaf, Reason, Receipt, Refused, SealedBatch, SigningKey, Tip, TrustedKeys,
//! };
//!
//! let key = SigningKey::from_seed(&[7; 32]);
//! let leaf = Leaf {
//!     key_id: [1; 16],
//!     account_version: 1,
//!     sequence: 1,
//!     shown_ms: 1_700_000_000_000,
//!     raw_ms: 1_700_000_000_000,
//!     actor: "product-key".to_owned(),
//!     reason: String::new(),
//!     client: Client::default(),
//!     request_id: None,
//!     event: Event::Refused(Refused { reason: Reason::LimitReached, platform: None }),
//! };
//! let batch = SealedBatch::seal(&key, &Tip::genesis([2; 16]), vec![leaf.encode()?])?;
//! let bytes = batch.receipt(0).map(|receipt| receipt.encode()).unwrap_or_default();
//!
//! let pinned: TrustedKeys = key.public_key().to_string().parse()?;
//! let verified = Receipt::decode(&bytes)?.verify(&pinned)?;
//! assert_eq!(verified.leaf, leaf);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod commitment;
mod head;
mod key;
mod leaf;
mod proof;
mod tree;
mod wire;

pub use batch::{SealError, SealedBatch, receipt_of};
pub use commitment::{Commitment, SALT_BYTES, Salt, evidence_commitment, look_up_commitment};
pub use head::{
    ChainFault, GENESIS, HEAD_BYTES_MAX, Head, HeadFault, SignedHead, Tip, verify_chain,
};
pub use key::{
    KeyError, PublicKey, SEED_BYTES, SigningKey, SigningKeyId, TRUSTED_KEYS_MAX, TrustedKeys,
};
pub use leaf::{
    Activated, CHANGES_MAX, Change, Client, CountingMode, EncodedLeaf, Event, Id, KINDS_MAX,
    LEAF_BYTES_MAX, Leaf, LeafError, Outcome, Platform, Platforms, Reason, Refused, Registered,
    Released, Suspension, TEXT_BYTES_MAX, Verdict,
};
pub use proof::{RECEIPT_BYTES_MAX, Receipt, ReceiptError, Verified};
pub use tree::{Hash, LEAVES_MAX, PATH_HASHES_MAX, Tree, leaf_hash, node_hash, root_from_path};
pub use wire::Malformed;
