//! Receipts and heads from anywhere: what is accepted is exactly what was made.

use receipt::{
    Client, Event, Leaf, Reason, Receipt, Refused, SealedBatch, SignedHead, SigningKey, Tip,
    TrustedKeys,
};

const SEED: [u8; 32] = [7; 32];

pub(super) fn run(input: &[u8]) {
    let trusted: TrustedKeys =
        SigningKey::from_seed(&SEED).public_key().to_string().parse().unwrap_or_default();
    if let Ok(head) = SignedHead::decode(input) {
        assert_eq!(head.encode(), input, "two byte strings of one head");
        let _ = head.verify(&trusted);
    }
    let Ok(receipt) = Receipt::decode(input) else { return };
    assert_eq!(receipt.encode(), input, "two byte strings of one receipt");
    if let Ok(verified) = receipt.verify(&trusted) {
        let again = verified.leaf.encode();
        assert!(again.is_ok(), "a verified leaf cannot be written again");
        let made = seeds();
        assert!(made.iter().any(|made| made == input), "nobody made this receipt, and it verifies");
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let key = SigningKey::from_seed(&SEED);
    let leaf = |sequence| Leaf {
        key_id: [1; 16],
        account_version: sequence,
        sequence,
        shown_ms: 1_700_000_000_000,
        raw_ms: 1_700_000_000_000,
        actor: "product-key".to_owned(),
        reason: String::new(),
        client: Client::default(),
        request_id: None,
        event: Event::Refused(Refused { reason: Reason::LimitReached, platform: None }),
    };
    let leaves: Result<Vec<_>, _> = (1..=3).map(|sequence| leaf(sequence).encode()).collect();
    let Ok(leaves) = leaves else { return Vec::new() };
    let Ok(batch) = SealedBatch::seal(&key, &Tip::genesis([2; 16]), leaves) else {
        return Vec::new();
    };
    let receipts = (0..3).filter_map(|leaf| batch.receipt(leaf)).map(|receipt| receipt.encode());
    receipts.chain([batch.head().encode()]).collect()
}
