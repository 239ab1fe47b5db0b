//! Encodes events as leaves, seals them as a signed batch and encodes their receipts.

use std::hint::black_box;

use receipt::{Leaf, Receipt, SealedBatch, SigningKey, Tip, TrustedKeys};

use crate::Work;
use crate::committing::{BATCH, SEED, batches, commit, ledger};

/// So many batches.
pub(crate) fn work(rounds: u32) -> Work {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = ledger(folder.path());
    let mut proofs = Vec::new();
    for batch in batches(1) {
        proofs = commit(&ledger, batch);
    }
    let key = SigningKey::from_seed(&SEED);
    let mut trusted = TrustedKeys::default();
    trusted.trust(key.public_key()).expect("a key");
    let verified = |proof: &[u8]| Receipt::decode(proof).expect("bytes").verify(&trusted);
    let recorded: Vec<_> =
        proofs.iter().map(|proof| verified(proof).expect("it is proved")).collect();
    let leaves: Vec<Leaf> = recorded.iter().map(|verified| verified.leaf.clone()).collect();
    let head = &recorded.first().expect("one").head;
    // The batch follows on the registrations, each time anew.
    let first = leaves.first().expect("one").sequence;
    let tip = Tip { batch: head.tip().batch - 1, last_sequence: first - 1, ..head.tip() };
    let run = move || {
        for _ in 0..rounds {
            let leaves = leaves.iter().map(|leaf| leaf.encode().expect("in bounds")).collect();
            let batch = SealedBatch::seal(&key, &tip, leaves).expect("it follows");
            for leaf in 0..BATCH as usize {
                black_box(batch.receipt(leaf).expect("a leaf").encode());
            }
        }
    };
    Work { operations: u64::from(rounds * BATCH), run: Box::new(run) }
}
