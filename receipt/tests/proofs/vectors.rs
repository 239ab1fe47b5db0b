//! The published test vectors are what this crate makes and says, so that authors elsewhere can
//! trust them.

use std::collections::BTreeMap;
use std::path::Path;

use receipt::{
    Hash, Receipt, ReceiptError, SealedBatch, SignedHead, SigningKey, Tree, TrustedKeys,
    evidence_commitment, look_up_commitment, verify_chain,
};
use serde_json::{Value, json};

use crate::crafted::Parts;
use crate::specimen::{self, EVIDENCE, LOOK_UP, SALT, chain, keys, seed};
use crate::spoils::damaged;

const DAMAGED_MIN: usize = 12;
/// Behind this many bytes the receipt that is too large is zeros.
const ZEROS_FROM: usize = 1024;

#[test]
fn good_receipts_are_those_that_are_published() {
    let trusted = specimen::trusted();
    let receipts: Vec<Value> = chain()
        .iter()
        .flat_map(|batch| (0..batch.leaves().len()).map(move |index| (batch, index)))
        .map(|(batch, index)| {
            let bytes = batch.receipt(index).unwrap().encode();
            let verified = Receipt::decode(&bytes).unwrap().verify(&trusted).unwrap();
            let head = verified.head.head();
            json!({
                "name": format!("event {} of the chain", verified.leaf.sequence),
                "receipt": hex::encode(&bytes),
                "leaf": hex::encode(&batch.leaves()[index]),
                "fields": verified.leaf.fields().into_iter().collect::<BTreeMap<_, _>>(),
                "leaf_index": index,
                "batch": head.batch,
                "leaf_count": head.leaf_count,
                "root": hex::encode(head.root),
                "signing_key_id": head.signing_key_id.to_string(),
                "head_hash": hex::encode(verified.head.hash()),
            })
        })
        .collect();
    published(
        "receipts-v1.json",
        &json!({
            "about": "Receipts that verify, with what they prove. The page is docs/receipts.md.",
            "trusted_keys": trusted_texts(),
            "signing_keys": [signing_key(1), signing_key(2)],
            "receipts": receipts,
        }),
    );
}

#[test]
fn damaged_receipts_are_refused_under_the_published_names() {
    let trusted = specimen::trusted();
    let damaged: Vec<Value> = damaged()
        .into_iter()
        .map(|(name, bytes)| {
            let refused = refusal(&bytes, &trusted);
            // The one receipt that is too large ends in zeros, which would fill pages.
            let told = if refused == ReceiptError::TooLarge { ZEROS_FROM } else { bytes.len() };
            let (start, zeros) = bytes.split_at(told);
            assert!(zeros.iter().all(|byte| *byte == 0));
            json!({
                "name": name,
                "receipt": hex::encode(start),
                "zeros_behind": zeros.len(),
                "error": refused.name(),
            })
        })
        .collect();
    assert!(damaged.len() >= DAMAGED_MIN);
    for error in [
        "UNKNOWN_FORMAT",
        "MALFORMED_RECEIPT",
        "MALFORMED_HEAD",
        "UNKNOWN_SIGNING_KEY",
        "WRONG_SIGNATURE",
        "WRONG_PATH",
        "MALFORMED_LEAF",
        "WRONG_SEQUENCE",
        "TOO_LARGE",
    ] {
        assert!(damaged.iter().any(|vector| vector["error"] == error), "none has {error}");
    }
    published(
        "damaged-v1.json",
        &json!({
            "about": "Receipts that prove nothing, with the name of the first check that fails.",
            "trusted_keys": trusted_texts(),
            "receipts": damaged,
        }),
    );
}

#[test]
fn trees_are_those_of_certificate_transparency() {
    let leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    .map(|leaf| hex::decode(leaf).unwrap());
    let trees: Vec<Value> = (0..=leaves.len())
        .map(|count| {
            let tree = Tree::of(&leaves[..count]);
            let texts = |path: Vec<Hash>| path.iter().map(hex::encode).collect::<Vec<_>>();
            let paths: Vec<_> = (0..count).map(|index| texts(tree.path(index).unwrap())).collect();
            json!({ "leaf_count": count, "root": hex::encode(tree.root()), "paths": paths })
        })
        .collect();
    published(
        "tree-v1.json",
        &json!({
            "about": "Trees over the first leaves; roots as of Certificate Transparency.",
            "leaves": leaves.map(hex::encode),
            "trees": trees,
        }),
    );
}

#[test]
fn links_between_heads_are_judged_as_published() {
    let heads: Vec<SignedHead> = chain().iter().map(|batch| *batch.head()).collect();
    let other = |seed: u8, batch: &SealedBatch, change: fn(&mut Parts)| {
        let receipt = batch.receipt(0).unwrap();
        let mut parts = Parts::of(&receipt, batch.leaves()[0].as_ref());
        change(&mut parts);
        parts.seed = Some(specimen::seed(seed));
        let bytes = parts.bytes();
        *Receipt::decode(&bytes).unwrap().head()
    };
    let second = &chain()[1];
    let pairs = [
        ("the first and the second", heads[0], heads[1]),
        ("the second and the third, by another key", heads[1], heads[2]),
        ("one is left out", heads[0], heads[2]),
        ("backwards", heads[1], heads[0]),
        ("twice the same", heads[1], heads[1]),
        ("another second", heads[1], other(1, second, |parts| parts.head.root = [0; 32])),
        (
            "on top of another first",
            heads[0],
            other(1, second, |parts| {
                parts.head.previous = [1; 32];
            }),
        ),
        (
            "of another chain",
            heads[0],
            other(1, second, |parts| {
                parts.head.chain_id = [1; 16];
            }),
        ),
        (
            "an event is left out",
            heads[0],
            other(1, second, |parts| {
                parts.head.first_sequence += 1;
                parts.head.last_sequence += 1;
            }),
        ),
    ];
    let pairs: Vec<Value> = pairs
        .into_iter()
        .map(|(name, previous, next)| {
            let result =
                verify_chain(&previous, &next).map_or_else(|fault| fault.name(), |()| "OK");
            json!({
                "name": name,
                "previous": hex::encode(previous.encode()),
                "next": hex::encode(next.encode()),
                "result": result,
            })
        })
        .collect();
    published(
        "chain-v1.json",
        &json!({
            "about": "Pairs of signed heads, and whether the latter directly follows the former.",
            "pairs": pairs,
        }),
    );
}

#[test]
fn commitments_are_those_that_are_published() {
    published(
        "commitments-v1.json",
        &json!({
            "about": "Commitments that stand in leaves for evidence and for look-up digests.",
            "evidence": [{
                "salt": hex::encode(SALT.0),
                "evidence": hex::encode(EVIDENCE),
                "commitment": hex::encode(evidence_commitment(&SALT, &EVIDENCE)),
            }],
            "look_up": [{
                "salt": hex::encode(SALT.0),
                "pepper": 1,
                "digest": hex::encode(LOOK_UP),
                "commitment": hex::encode(look_up_commitment(&SALT, 1, &LOOK_UP)),
            }],
        }),
    );
}

fn refusal(bytes: &[u8], trusted: &TrustedKeys) -> ReceiptError {
    Receipt::decode(bytes).and_then(|receipt| receipt.verify(trusted)).unwrap_err()
}

fn trusted_texts() -> Vec<String> {
    keys().iter().map(|key| key.public_key().to_string()).collect()
}

fn signing_key(number: u8) -> Value {
    let key = SigningKey::from_seed(&seed(number));
    json!({
        "seed": hex::encode(seed(number)),
        "public_key": key.public_key().to_string(),
        "id": key.id().to_string(),
    })
}

/// Compares with the file in `vectors/`. If they differ, what it should be is written to a folder
/// of the build, from which it can be copied after someone has understood why.
fn published(name: &str, made: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    if serde_json::from_str::<Value>(&found).ok().as_ref() == Some(made) {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("receipt-vectors");
    std::fs::create_dir_all(&folder).unwrap();
    let made_path = folder.join(name);
    std::fs::write(&made_path, serde_json::to_string_pretty(made).unwrap() + "\n").unwrap();
    panic!("{} differs from {}", path.display(), made_path.display());
}
