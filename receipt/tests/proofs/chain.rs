//! Batches continue a chain or are not made, and a recorded batch gives the same receipts again.

use receipt::{
    EncodedLeaf, GENESIS, LeafError, Malformed, SealError, SealedBatch, SignedHead, Tip,
    verify_chain,
};

use crate::specimen::{CHAIN, chain, encoded, keys, leaf, trusted};

fn leaves(sequences: std::ops::RangeInclusive<u64>) -> Vec<EncodedLeaf> {
    let event = || receipt::Event::Updated(vec![]);
    sequences.map(|sequence| encoded(sequence, event())).collect()
}

#[test]
fn a_chain_is_continued_without_a_gap() {
    let [key, _] = keys();
    let genesis = Tip::genesis(CHAIN);
    let seal = |tip: &Tip, leaves| SealedBatch::seal(&key, tip, leaves);
    let first = seal(&genesis, leaves(1..=300)).unwrap();
    let head = first.head().head();
    assert_eq!((head.batch, head.first_sequence, head.last_sequence), (1, 1, 300));
    assert_eq!(head.previous, GENESIS);
    let second = seal(&first.head().tip(), leaves(301..=301)).unwrap();
    assert_eq!(second.head().head().previous, first.head().hash());
    assert_eq!(verify_chain(first.head(), second.head()), Ok(()));
    for index in [0, 150, 299] {
        let verified = first.receipt(index).unwrap().verify(&trusted()).unwrap();
        assert_eq!(verified.leaf.sequence, index as u64 + 1);
    }
    assert_eq!(first.receipt(300), None);

    let refused = |tip: &Tip, leaves| seal(tip, leaves).unwrap_err();
    assert_eq!(refused(&genesis, vec![]), SealError::Empty);
    let (expected, found) = (1, 2);
    assert_eq!(refused(&genesis, leaves(2..=3)), SealError::Sequence { expected, found });
    let gap = [leaves(1..=1), leaves(3..=3)].concat();
    assert_eq!(refused(&genesis, gap), SealError::Sequence { expected: 2, found: 3 });
    let end = Tip { batch: u64::MAX, ..first.head().tip() };
    assert_eq!(refused(&end, leaves(301..=301)), SealError::Exhausted);
    let forged = Tip { head_hash: GENESIS, ..first.head().tip() };
    assert!(matches!(refused(&forged, leaves(301..=301)), SealError::Tip(_)));
}

#[test]
fn a_recorded_batch_gives_the_same_receipts_again() {
    for batch in chain() {
        let head = SignedHead::decode(&batch.head().encode()).unwrap();
        let recorded = batch.leaves().iter().map(|leaf| leaf.as_ref().to_vec());
        let leaves: Vec<EncodedLeaf> =
            recorded.map(|bytes| EncodedLeaf::from_bytes(bytes).unwrap()).collect();
        let again = SealedBatch::reopen(head, leaves.clone()).unwrap();
        for index in 0..leaves.len() {
            assert_eq!(again.receipt(index), batch.receipt(index));
        }
        let fewer = leaves[..leaves.len() - 1].to_vec();
        assert!(SealedBatch::reopen(head, fewer).is_err());
        let first = head.head().first_sequence;
        let others = self::leaves(first..=head.head().last_sequence);
        assert_eq!(SealedBatch::reopen(head, others).unwrap_err(), SealError::OtherLeaves);
    }
}

#[test]
fn what_no_reader_would_take_is_not_made() {
    let refused = |change: fn(&mut receipt::Leaf)| {
        let mut leaf = leaf(1, receipt::Event::Updated(vec![]));
        change(&mut leaf);
        leaf.encode().unwrap_err()
    };
    assert_eq!(
        refused(|leaf| leaf.actor = "x".repeat(receipt::TEXT_BYTES_MAX + 1)),
        LeafError::Unreadable(Malformed::TextTooLong)
    );
    let many = |leaf: &mut receipt::Leaf| {
        let change = receipt::Change::Blocked(true, false);
        leaf.event = receipt::Event::Updated(vec![change; receipt::CHANGES_MAX + 1]);
    };
    assert_eq!(refused(many), LeafError::Unreadable(Malformed::TooMany("changes")));
    let large = |leaf: &mut receipt::Leaf| {
        let text = || "x".repeat(receipt::TEXT_BYTES_MAX);
        let change = receipt::Change::HelpUri(text(), text());
        leaf.event = receipt::Event::Updated(vec![change; 2]);
    };
    assert_eq!(refused(large), LeafError::TooLarge);
    let zeros: [fn(&mut receipt::Leaf); 2] =
        [|leaf| leaf.sequence = 0, |leaf| leaf.account_version = 0];
    for zero in zeros {
        assert!(matches!(refused(zero), LeafError::Unreadable(Malformed::Inconsistent(_))));
    }
}
