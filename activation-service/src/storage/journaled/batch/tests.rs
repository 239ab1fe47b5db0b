//! Every kind of event comes back from its frame as it was, and without what was erased.

use hardware_evidence::ComponentKind as K;

use super::*;
use crate::domain::event::{Body, Change};
use crate::domain::specimens::{KEY, lookup};

/// Events of every kind, and a change that only pepper rotation makes.
fn eventful() -> Vec<Event> {
    let mut events = crate::domain::specimens::eventful().history;
    if let Some(Body::Updated { changes }) = events.last_mut().map(|event| &mut event.body) {
        changes.push(Change::Lookup(lookup(8)));
    }
    events
}

/// The body, the private parts, and the batch they were made from.
fn frame(events: &[Event]) -> (Vec<u8>, Vec<Entry>, SealedBatch) {
    let key = SigningKey::from_seed(&[1; 32]);
    let tip = Tip::genesis([2; 16]);
    let events: Vec<_> = events.iter().collect();
    let sealed = seal(&key, &tip, &events, || [5; 16]).expect("seals");
    let erasable = sealed.erasable.into_iter().map(Entry::Present).collect();
    (sealed.body, erasable, sealed.batch)
}

#[test]
fn events_come_back_as_they_were() {
    let events = eventful();
    let (body, erasable, batch) = frame(&events);
    let opened = open(&body, &erasable).expect("opens").events;
    let back: Vec<_> = opened.iter().map(|(_, event)| event.clone()).collect();
    assert_eq!(back, events);
    let sequences: Vec<_> = opened.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, (1..=events.len() as u64).collect::<Vec<_>>());
    for ((one, expected), sequence) in back.iter().zip(&events).zip(1..) {
        assert_eq!(one, expected);
        assert_eq!(event(&body, &erasable, sequence).as_ref(), Ok(expected));
    }
    for nowhere in [0, events.len() as u64 + 1, u64::MAX] {
        assert!(event(&body, &erasable, nowhere).is_err());
        assert!(receipt(&body, (KEY, 1), nowhere).is_err());
    }
    assert_eq!(head_of(&body).expect("a head"), batch.head().hash());
    let receipt = receipt(&body, (KEY, 2), 2).expect("a receipt");
    assert_eq!(*receipt, *batch.receipt(1).expect("a receipt").encode());
}

#[test]
fn what_is_erased_is_gone_and_the_proof_stays() {
    let events = eventful();
    let (body, mut erasable, _) = frame(&events);
    let before = receipt(&body, (KEY, 2), 2).expect("a receipt");
    erasable[1] = Entry::Erased;
    let opened = open(&body, &erasable).expect("opens").events;
    let Body::Activated(activated) = &opened[1].1.body else { panic!("an activation") };
    assert!(activated.evidence.components().is_empty());
    assert_eq!(opened[1].1.request.expect("a request").payload, [0; 32]);
    let alone = event(&body, &erasable, opened[1].0).expect("an event");
    assert_eq!(alone, opened[1].1);
    assert_eq!(receipt(&body, (KEY, 2), 2).expect("a receipt"), before);
}

#[test]
fn no_evidence_and_no_digest_stand_in_a_body() {
    let events = eventful();
    let (body, ..) = frame(&events);
    let digest = crate::domain::specimens::part(K::OsDisk, 1).0;
    for secret in [&digest[..], &lookup(1).digest[..], &lookup(8).digest[..]] {
        assert!(!body.windows(secret.len()).any(|window| window == secret));
    }
    for request in events.iter().filter_map(|event| event.request) {
        assert!(!body.windows(32).any(|window| window == request.payload));
    }
}

#[test]
fn no_bytes_make_a_body_panic() {
    let (body, erasable, _) = frame(&eventful());
    for place in 0..body.len() {
        let mut damaged = body.clone();
        damaged[place] ^= 0x41;
        // Whatever comes of it, it is events or an error.
        let _ = (open(&damaged, &erasable), head_of(&damaged), receipt(&damaged, (KEY, 1), 1));
        for sequence in 1..=8 {
            let _ = event(&damaged, &erasable, sequence);
        }
        assert!(open(&body[..place], &erasable).is_err());
    }
}
