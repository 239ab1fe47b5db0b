//! A receipt is good as it is and in no other way: every truncation and every change of a byte is
//! refused, and nothing panics.

use receipt::{Malformed, Receipt, ReceiptError, SignedHead, TrustedKeys, Verified};

use crate::specimen::{chain, trusted};

fn read(bytes: &[u8], trusted: &TrustedKeys) -> Result<Verified, ReceiptError> {
    Receipt::decode(bytes)?.verify(trusted)
}

fn receipts() -> Vec<Vec<u8>> {
    let all = chain();
    let each = all.iter().flat_map(|batch| {
        (0..batch.leaves().len()).map(|index| batch.receipt(index).unwrap().encode())
    });
    each.collect()
}

#[test]
fn every_truncation_is_refused() {
    let trusted = trusted();
    for receipt in receipts() {
        for length in 0..receipt.len() {
            assert!(read(&receipt[..length], &trusted).is_err(), "{length}");
        }
        assert!(read(&receipt, &trusted).is_ok());
    }
}

#[test]
fn every_change_of_a_byte_is_refused() {
    let trusted = trusted();
    let receipts = receipts();
    // All 255 other values of each byte in the shortest receipt, the single bits in all others.
    let shortest = receipts.iter().min_by_key(|receipt| receipt.len()).unwrap();
    for receipt in &receipts {
        let is_shortest = receipt == shortest;
        let masks = (1..=u8::MAX).filter(|mask| is_shortest || mask.is_power_of_two());
        for mask in masks {
            for place in 0..receipt.len() {
                let mut changed = receipt.clone();
                changed[place] ^= mask;
                assert!(read(&changed, &trusted).is_err(), "byte {place}, mask {mask:#x}");
            }
        }
    }
}

#[test]
fn every_byte_put_in_or_taken_out_is_refused() {
    let trusted = trusted();
    for receipt in receipts() {
        for place in 0..=receipt.len() {
            for value in [0x00, 0x01, 0x80, 0xff] {
                let mut changed = receipt.clone();
                changed.insert(place, value);
                assert!(read(&changed, &trusted).is_err(), "{value:#x} before byte {place}");
            }
            if place < receipt.len() {
                let mut changed = receipt.clone();
                changed.remove(place);
                // Of two equal bytes either can be taken out; the rest is shorter all the same.
                assert!(read(&changed, &trusted).is_err(), "without byte {place}");
            }
        }
    }
}

#[test]
fn parts_of_two_receipts_do_not_make_a_third() {
    let trusted = trusted();
    let receipts = receipts();
    for one in &receipts {
        for other in receipts.iter().filter(|other| *other != one) {
            for place in (1..one.len().min(other.len())).step_by(3) {
                let mixed = [&one[..place], &other[place..]].concat();
                if !receipts.contains(&mixed) {
                    assert!(read(&mixed, &trusted).is_err(), "{place}");
                }
            }
        }
    }
}

#[test]
fn a_receipt_needs_its_own_key() {
    let all = chain();
    let receipt = all[0].receipt(0).unwrap();
    let id = all[0].head().head().signing_key_id;
    let nobody = TrustedKeys::default();
    assert_eq!(receipt.verify(&nobody).unwrap_err(), ReceiptError::UnknownSigningKey(id));
    let other = all[2].head().head().signing_key_id;
    let mut only_other = TrustedKeys::default();
    only_other.trust(*trusted().get(other).unwrap()).unwrap();
    assert_eq!(receipt.verify(&only_other).unwrap_err(), ReceiptError::UnknownSigningKey(id));
    assert!(all[2].receipt(0).unwrap().verify(&only_other).is_ok());
}

#[test]
fn heads_alone_are_refused_in_pieces_too() {
    let trusted = trusted();
    for batch in chain() {
        let bytes = batch.head().encode();
        let head = SignedHead::decode(&bytes).unwrap();
        assert_eq!((head, head.hash()), (*batch.head(), batch.head().hash()));
        assert_eq!(head.verify(&trusted), Ok(()));
        for length in 0..bytes.len() {
            assert_eq!(SignedHead::decode(&bytes[..length]), Err(Malformed::CutShort));
        }
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 0x10;
            let refused = match SignedHead::decode(&changed) {
                Ok(head) => head.verify(&trusted).is_err(),
                Err(_) => true,
            };
            assert!(refused, "byte {place}");
        }
    }
}
