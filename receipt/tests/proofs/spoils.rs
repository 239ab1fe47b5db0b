//! A good receipt spoiled in one way after the other, for the vectors of damaged ones.

use receipt::{Hash, SealedBatch, SigningKey, node_hash};

use crate::crafted::{Parts, number, sign, with_order_added};
use crate::specimen::{chain, seed};

/// A good receipt of the second batch, spoiled in one way after the other; what a check must not
/// notice before its turn is signed by a trusted key.
pub(crate) fn damaged() -> Vec<(&'static str, Vec<u8>)> {
    let batches = chain();
    let receipt = batches[1].receipt(2).unwrap();
    let good = Parts::of(&receipt, batches[1].leaves()[2].as_ref());
    assert_eq!(good.bytes(), receipt.encode(), "the page and the crate agree");
    let spoiled = |change: &dyn Fn(&mut Parts)| {
        let mut parts = good.clone();
        change(&mut parts);
        parts.bytes()
    };
    let resigned = |change: &dyn Fn(&mut Parts)| {
        spoiled(&|parts| {
            change(parts);
            parts.seed = Some(seed(1));
        })
    };
    let mut all = vec![("empty", vec![])];
    all.extend(spoiled_envelopes(&good, &spoiled));
    all.extend(spoiled_heads(&spoiled, &resigned));
    all.extend(spoiled_paths(&batches, &good, &spoiled));
    all.extend(spoiled_leaves(&good));
    all
}

type Spoil<'a> = &'a dyn Fn(&dyn Fn(&mut Parts)) -> Vec<u8>;
type Named = (&'static str, Vec<u8>);

fn spoiled_envelopes(good: &Parts, spoiled: Spoil<'_>) -> Vec<Named> {
    let bytes = good.bytes();
    vec![
        ("receipt format 2", spoiled(&|parts| parts.format = 2)),
        ("cut in the leaf", bytes[..40].to_vec()),
        ("cut in the head", bytes[..bytes.len() - 100].to_vec()),
        ("the last byte is missing", bytes[..bytes.len() - 1].to_vec()),
        ("a byte too many", spoiled(&|parts| parts.behind = vec![0])),
        ("index not in its shortest form", spoiled(&|parts| parts.leaf_index = vec![0x82, 0])),
        (
            "index above 64 bits",
            spoiled(&|parts| {
                parts.leaf_index = [&[0xff; 9][..], &[2]].concat();
            }),
        ),
        ("path of 17 hashes", spoiled(&|parts| parts.path = vec![[0; 32]; 17])),
        ("leaf of 32769 bytes claimed", [vec![1], number(32_769), vec![0; 64]].concat()),
        ("larger than any receipt", [bytes, vec![0; receipt::RECEIPT_BYTES_MAX]].concat()),
    ]
}

fn spoiled_heads(spoiled: Spoil<'_>, resigned: Spoil<'_>) -> Vec<Named> {
    let stranger = SigningKey::from_seed(&seed(3));
    vec![
        ("head format 2, signed", resigned(&|parts| parts.head.format = 2)),
        ("fewer leaves than events, signed", resigned(&|parts| parts.head.leaf_count -= 1)),
        (
            "last event before the first, signed",
            resigned(&|parts| {
                parts.head.last_sequence = parts.head.first_sequence - 1;
                parts.head.leaf_count = 0;
            }),
        ),
        ("batch 0, signed", resigned(&|parts| parts.head.batch = 0)),
        (
            "a second batch without a first, signed",
            resigned(&|parts| {
                parts.head.previous = [0; 32];
            }),
        ),
        ("a first batch that does not begin, signed", resigned(&|parts| parts.head.batch = 1)),
        (
            "more leaves than a batch has, signed",
            resigned(&|parts| {
                parts.head.leaf_count = 65_537;
                parts.head.last_sequence = parts.head.first_sequence + 65_536;
            }),
        ),
        (
            "by a stranger under his own name",
            spoiled(&|parts| {
                parts.head.signing_key_id = stranger.id().0;
                parts.seed = Some(seed(3));
            }),
        ),
        ("by a stranger under a trusted name", spoiled(&|parts| parts.seed = Some(seed(3)))),
        (
            "by the other trusted key under this one's name",
            spoiled(&|parts| {
                parts.seed = Some(seed(2));
            }),
        ),
        ("a bit of the signature", spoiled(&|parts| parts.signature[5] ^= 1)),
        (
            "the signature in its other spelling",
            spoiled(&|parts| {
                parts.signature = with_order_added(parts.signature);
            }),
        ),
        (
            "signed for another purpose",
            resigned(&|parts| {
                parts.head.domain = b"benefits/other/v1\0";
            }),
        ),
        (
            "signed without the domain",
            spoiled(&|parts| {
                parts.signature = sign(&seed(1), &parts.head.content());
            }),
        ),
        ("another root", spoiled(&|parts| parts.head.root[31] ^= 0x80)),
        ("another chain", spoiled(&|parts| parts.head.chain_id[0] ^= 1)),
        (
            "another place in the chain",
            spoiled(&|parts| {
                parts.head.first_sequence += 1;
                parts.head.last_sequence += 1;
            }),
        ),
    ]
}

fn spoiled_paths(batches: &[SealedBatch], good: &Parts, spoiled: Spoil<'_>) -> Vec<Named> {
    let other = batches[2].receipt(1).unwrap();
    let other = Parts::of(&other, batches[2].leaves()[1].as_ref());
    let hashes: Vec<Hash> =
        batches[1].leaves().iter().map(|leaf| receipt::leaf_hash(leaf.as_ref())).collect();
    let inner = [&[0x01][..], &hashes[2], &hashes[3]].concat();
    assert_eq!(good.path[1], node_hash(&hashes[0], &hashes[1]));
    vec![
        ("a bit of the leaf", spoiled(&|parts| parts.leaf[30] ^= 4)),
        (
            "the leaf of another event",
            spoiled(&|parts| {
                parts.leaf = batches[1].leaves()[3].as_ref().to_vec();
            }),
        ),
        ("the index of another leaf", spoiled(&|parts| parts.leaf_index = number(3))),
        ("an index behind the last leaf", spoiled(&|parts| parts.leaf_index = number(5))),
        ("a bit of the path", spoiled(&|parts| parts.path[1][0] ^= 1)),
        ("the path one too short", spoiled(&|parts| parts.path.truncate(parts.path.len() - 1))),
        ("the path one too long", spoiled(&|parts| parts.path.push([0; 32]))),
        ("the path upside down", spoiled(&|parts| parts.path.reverse())),
        (
            "an inner node as a leaf",
            spoiled(&|parts| {
                parts.leaf = inner[1..].to_vec();
                parts.path = parts.path.split_off(1);
                parts.leaf_index = number(1);
            }),
        ),
        (
            "the head of another batch",
            spoiled(&|parts| {
                parts.head = other.head.clone();
                parts.signature = other.signature;
            }),
        ),
    ]
}

fn spoiled_leaves(good: &Parts) -> Vec<Named> {
    let signed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut leaf = good.leaf.clone();
        // Moved to the first place of its batch, where sequence 4 says that it is event 4.
        change(&mut leaf);
        let mut parts = good.clone().alone(leaf);
        parts.head.first_sequence = 4;
        parts.head.last_sequence = 4;
        parts.seed = Some(seed(1));
        parts.bytes()
    };
    assert_eq!(good.leaf[17..19], [4, 4], "account version and sequence");
    vec![
        ("leaf format 2, in the batch", signed(&|leaf| leaf[0] = 2)),
        ("empty leaf, in the batch", signed(&Vec::clear)),
        ("leaf cut short, in the batch", signed(&|leaf| leaf.truncate(leaf.len() - 1))),
        ("leaf with a byte too many, in the batch", signed(&|leaf| leaf.push(0))),
        (
            "leaf with a number not in its shortest form, in the batch",
            signed(&|leaf| {
                leaf.splice(18..19, [0x84, 0]);
            }),
        ),
        ("leaf of event 0, in the batch", signed(&|leaf| leaf[18] = 0)),
        ("leaf of another place, in the batch", signed(&|leaf| leaf[18] = 5)),
    ]
}
