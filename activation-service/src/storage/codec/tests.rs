//! What is written is read back, and damage never passes for data.

use super::*;
use crate::domain::account::Account;
use crate::domain::specimens::eventful;

#[test]
fn heads_counts_and_evidence_are_read_as_written() {
    let key = eventful();
    let Account { head, counts } = key.account;
    assert_eq!(decode_head(&encode_head(&head)), Ok(head));
    for count in counts.iter() {
        assert_eq!(decode_count(&encode_count(count)), Ok(count.clone()));
        let baseline = &*count.baseline;
        assert_eq!(decode_evidence(&encode_evidence(baseline)).as_ref(), Ok(baseline));
    }
}

#[test]
fn every_flipped_bit_cut_and_swap_is_noticed() {
    let key = eventful();
    let row = seal(b"key", encode_head(&key.account.head));
    assert!(unseal(b"key", &row).is_ok());
    assert!(unseal(b"other", &row).is_err(), "a row under another key");
    for cut in 0..row.len() {
        assert!(unseal(b"key", &row[..cut]).is_err(), "cut at {cut}");
    }
    for bit in 0..row.len() * 8 {
        let mut damaged = row.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(unseal(b"key", &damaged).is_err(), "bit {bit}");
    }
}

/// Tries bytes with each place changed, and all that they begin with, on a decoder.
fn damage<T>(bytes: &[u8], decode: impl Fn(&[u8]) -> Result<T, Malformed>) {
    for place in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut damaged = bytes.to_vec();
            damaged[place] = value;
            // Whatever comes of it, it is a value or an error.
            let _ = decode(&damaged);
        }
        assert!(decode(&bytes[..place]).is_err());
    }
}

#[test]
fn no_bytes_at_all_make_a_decoder_panic() {
    let Account { head, counts } = eventful().account;
    damage(&encode_head(&head), decode_head);
    for count in counts.iter() {
        damage(&encode_count(count), decode_count);
        damage(&encode_evidence(&count.baseline), decode_evidence);
    }
}

#[test]
fn a_later_format_is_refused() {
    let mut bytes = encode_head(&eventful().account.head);
    bytes[0] = FORMAT + 1;
    assert!(decode_head(&bytes).is_err());
}

/// A count as format 1 wrote it, without the format's number in front.
const COUNT: &str = "\
    0200000001000000000000000000000000010180a0abfef962060201010201eeeeeeeeeeeeeeeeeeeeeeeeeeee\
    0401010401eeeeeeeeeeeeeeeeeeeeeeeeeeee0501010501eeeeeeeeeeeeeeeeeeeeeeeeeeee0701010701eeee\
    eeeeeeeeeeeeeeeeeeeeeeee0801010801eeeeeeeeeeeeeeeeeeeeeeeeeeee0901010901eeeeeeeeeeeeeeeeee\
    eeeeeeeeee010001";
/// What format 2 wrote behind that: `own-2`, and two installations.
const COUNT_MORE: &str = "056f776e2d3202\
    0707070707070707070707070707070708080808080808080808080808080808";

#[test]
fn counts_of_every_format_are_read() {
    let key = eventful();
    let first = key.account.counts.get(0).expect("a count").clone();
    let second = crate::domain::account::Count {
        policy_version: "own-2".into(),
        installs: vec![hardware_evidence::Digest([7; 16]), hardware_evidence::Digest([8; 16])],
        ..first.clone()
    };
    let specimens = [format!("01{COUNT}"), format!("02{COUNT}{COUNT_MORE}")];
    for (specimen, count) in specimens.iter().zip([first, second]) {
        assert_eq!(hex::encode(encode_count(&count)), *specimen);
        let bytes = hex::decode(specimen).expect("hex");
        assert_eq!(decode_count(&bytes), Ok(count));
        for cut in 0..bytes.len() {
            assert!(decode_count(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
