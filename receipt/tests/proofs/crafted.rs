//! Bytes written by hand, from the page and not from the crate, so that a trusted key can be made
//! to sign what the crate would never give it.

use ed25519_dalek::Signer as _;
use receipt::{Hash, Receipt, leaf_hash};

/// The parts of a receipt, each of which a test may spoil.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) format: u8,
    pub(crate) leaf: Vec<u8>,
    pub(crate) leaf_index: Vec<u8>,
    pub(crate) path: Vec<Hash>,
    pub(crate) head: HeadParts,
    /// Signs the head anew; none keeps the signature.
    pub(crate) seed: Option<[u8; 32]>,
    pub(crate) signature: [u8; 64],
    pub(crate) behind: Vec<u8>,
}

/// The parts of a head.
#[derive(Clone)]
pub(crate) struct HeadParts {
    pub(crate) domain: &'static [u8],
    pub(crate) format: u8,
    pub(crate) chain_id: [u8; 16],
    pub(crate) batch: u64,
    pub(crate) first_sequence: u64,
    pub(crate) last_sequence: u64,
    pub(crate) leaf_count: u64,
    pub(crate) root: Hash,
    pub(crate) previous: Hash,
    pub(crate) signing_key_id: [u8; 8],
}

impl HeadParts {
    pub(crate) fn content(&self) -> Vec<u8> {
        let mut bytes = vec![self.format];
        bytes.extend(self.chain_id);
        for value in [self.batch, self.first_sequence, self.last_sequence, self.leaf_count] {
            bytes.extend(number(value));
        }
        bytes.extend(self.root);
        bytes.extend(self.previous);
        bytes.extend(self.signing_key_id);
        bytes
    }
}

impl Parts {
    /// The parts of a good receipt over this leaf; path and head are of the receipt.
    pub(crate) fn of(receipt: &Receipt, leaf: &[u8]) -> Self {
        let bytes = receipt.encode();
        let head = receipt.head().head();
        Self {
            format: 1,
            leaf: leaf.to_vec(),
            leaf_index: number(receipt.leaf_index()),
            path: receipt.path().to_vec(),
            head: HeadParts {
                domain: b"benefits/head/v1\0",
                format: 1,
                chain_id: head.chain_id,
                batch: head.batch,
                first_sequence: head.first_sequence,
                last_sequence: head.last_sequence,
                leaf_count: head.leaf_count,
                root: head.root,
                previous: head.previous,
                signing_key_id: head.signing_key_id.0,
            },
            seed: None,
            signature: bytes[bytes.len() - 64..].try_into().unwrap(),
            behind: vec![],
        }
    }

    /// A batch of this leaf alone, at its place in the chain.
    pub(crate) fn alone(mut self, leaf: Vec<u8>) -> Self {
        self.head.last_sequence = self.head.first_sequence;
        self.head.leaf_count = 1;
        self.head.root = leaf_hash(&leaf);
        self.leaf = leaf;
        self.leaf_index = number(0);
        self.path = vec![];
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.format];
        bytes.extend(number(self.leaf.len() as u64));
        bytes.extend(&self.leaf);
        bytes.extend(&self.leaf_index);
        bytes.extend(number(self.path.len() as u64));
        bytes.extend(self.path.iter().flatten());
        let content = self.head.content();
        bytes.extend(&content);
        match self.seed {
            Some(seed) => bytes.extend(sign(&seed, &[self.head.domain, &content].concat())),
            None => bytes.extend(self.signature),
        }
        bytes.extend(&self.behind);
        bytes
    }
}

/// LEB128.
pub(crate) fn number(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

pub(crate) fn sign(seed: &[u8; 32], message: &[u8]) -> [u8; 64] {
    ed25519_dalek::SigningKey::from_bytes(seed).sign(message).to_bytes()
}

/// The same signature with the order of the group added to its scalar: it satisfies the equation,
/// and is refused because a signature must have one spelling.
pub(crate) fn with_order_added(mut signature: [u8; 64]) -> [u8; 64] {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    signature
}
