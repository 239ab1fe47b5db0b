//! What is written is read back, and damage never passes for data.

use hardware_evidence::ComponentKind as K;

use super::*;
use crate::domain::account::Account;
use crate::domain::command::{Command, Release, Requester, Settings, Update};
use crate::domain::event::{Event, RequestStamp};
use crate::domain::ids::RequestId;
use crate::domain::specimens::{FULL, JUNK_BOARD, Key, computer, origin, terms};
use crate::domain::terms::{Platform, Platforms, Suspension};

/// A key with an event of every kind.
fn eventful() -> Key {
    let mut key = Key::new(terms(2));
    key.activate(&computer(&JUNK_BOARD, &[]));
    key.activate(&computer(&JUNK_BOARD, &[K::OsDisk]));
    key.activate(&computer(&FULL, &FULL));
    key.activate(&computer(&[K::Cpu], &[]));
    let activation = key.account.counts[0].activation;
    let request = RequestStamp::release(RequestId([7; 16]), activation);
    let requester = Requester::Operator;
    let release = Release { activation, requester, request, origin: origin() };
    key.run(&Command::Release(release));
    let settings = Settings {
        limit: Some(9),
        blocked: Some(true),
        platforms: Some(Platforms::ALL.with(Platform::MacOs)),
        releases_max: Some(4),
        activate_by_ms: Some(Some(-5)),
        help_uri: Some("https://example.org".to_owned()),
        handle_allowed: Some(true),
        suspension: Some(Suspension { suspended: true, generation: u64::MAX }),
    };
    key.run(&Command::Update(Box::new(Update { settings, origin: origin() })));
    key
}

#[test]
fn events_heads_and_counts_are_read_as_written() {
    let key = eventful();
    assert_eq!(key.history.len(), 7);
    for event in &key.history {
        assert_eq!(decode_event(&encode_event(event)), Ok(event.clone()));
    }
    let Account { head, counts } = key.account;
    assert_eq!(decode_head(&encode_head(&head)), Ok(head));
    for count in counts {
        assert_eq!(decode_count(&encode_count(&count)), Ok(count));
    }
}

#[test]
fn an_account_is_what_its_decoded_history_amounts_to() {
    let key = eventful();
    let decoded: Vec<Event> =
        key.history.iter().map(|e| decode_event(&encode_event(e)).expect("read")).collect();
    let mut replayed = Account::open(&decoded[0]).expect("registered");
    decoded[1..].iter().for_each(|event| replayed.apply(event).expect("fits"));
    assert_eq!(replayed, key.account);
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

#[test]
fn no_bytes_at_all_make_a_decoder_panic() {
    let key = eventful();
    for event in &key.history {
        let bytes = encode_event(event);
        for place in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[place] = value;
                // Whatever comes of it, it is a value or an error.
                let _ = decode_event(&damaged);
            }
            assert!(decode_event(&bytes[..place]).is_err());
        }
    }
}

#[test]
fn a_later_format_is_refused() {
    let mut bytes = encode_head(&eventful().account.head);
    bytes[0] = FORMAT + 1;
    assert!(decode_head(&bytes).is_err());
}
