//! The journal walked by itself: every signature, every link, every leaf.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use activation_service::storage::disk::SimDisk;
use activation_service::storage::journal::{Hash, UnreadableBody, View};
use anyhow::{Context as _, Result, bail, ensure};
use receipt::{EncodedLeaf, GENESIS, Leaf, SealedBatch, SignedHead, verify_chain};

use crate::simulated::world::{CHAIN, JOURNAL, trusted};

/// Version of the bodies that are read here.
const BODY_FORMAT: u8 = 1;

/// The whole chain.
pub(crate) struct Chain {
    /// By their hash.
    pub(super) heads: BTreeMap<Hash, SignedHead>,
    /// The newest.
    pub(crate) newest: Option<SignedHead>,
    /// All events in their order.
    pub(crate) leaves: Vec<Leaf>,
}

impl Chain {
    /// Reads it; whatever is wrong with it is an error.
    pub(crate) fn read(disk: &SimDisk) -> Result<Self> {
        let view = View::open(Arc::new(disk.clone()), Path::new(JOURNAL), head_of)?;
        let trusted = trusted()?;
        let mut chain = Self { heads: BTreeMap::new(), newest: None, leaves: Vec::new() };
        for frame in view.reader().walk(view.reader().start()) {
            let frame = frame?;
            let (head, leaves) = body(&frame.body)?;
            let batch = head.head().batch;
            let at = || format!("batch {batch}");
            head.verify(&trusted).with_context(at)?;
            match &chain.newest {
                Some(last) => verify_chain(last, &head).with_context(at)?,
                None => ensure!(head.head().previous == GENESIS, "no head begins the chain"),
            }
            ensure!(head.head().chain_id == CHAIN.0, "batch {batch} is of another chain");
            SealedBatch::reopen(head, leaves.clone()).with_context(at)?;
            for leaf in &leaves {
                chain.leaves.push(Leaf::decode(leaf.as_ref()).with_context(at)?);
            }
            chain.heads.insert(head.hash(), head);
            chain.newest = Some(head);
        }
        for (leaf, sequence) in chain.leaves.iter().zip(1..) {
            ensure!(leaf.sequence == sequence, "event {} stands at {sequence}", leaf.sequence);
        }
        Ok(chain)
    }
}

fn head_of(bytes: &[u8]) -> Result<Hash, UnreadableBody> {
    let head = Bytes(bytes).head();
    head.map(|head| head.hash()).map_err(|error| UnreadableBody(error.to_string()))
}

/// The head and the leaves in the body of a frame.
fn body(bytes: &[u8]) -> Result<(SignedHead, Vec<EncodedLeaf>)> {
    let mut bytes = Bytes(bytes);
    let head = bytes.head()?;
    let count = bytes.number()?;
    let mut leaves = Vec::new();
    for _ in 0..count {
        leaves.push(EncodedLeaf::from_bytes(bytes.block()?.to_vec())?);
        bytes.number()?;
    }
    ensure!(bytes.0.is_empty(), "a body is longer than its leaves");
    Ok((head, leaves))
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn head(&mut self) -> Result<SignedHead> {
        ensure!(self.take(1)? == [BODY_FORMAT], "a body of an unknown format");
        Ok(SignedHead::decode(self.block()?)?)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(count).context("a body is cut short")?;
        self.0 = left;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?.first().copied().unwrap_or(0);
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        bail!("a number is too long")
    }

    fn block(&mut self) -> Result<&'a [u8]> {
        let count = usize::try_from(self.number()?)?;
        self.take(count)
    }
}
