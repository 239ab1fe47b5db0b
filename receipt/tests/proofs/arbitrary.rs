//! Any leaf is read as it was written, and any bytes are either a leaf in its one spelling or
//! refused.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use receipt::{
    Activated, Change, Client, CountingMode, Event, Leaf, Outcome, Platform, Platforms, Reason,
    Receipt, Refused, Registered, Released, SignedHead, Suspension, Verdict,
};

use crate::specimen::chain;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ -~]{0,20}", "\\PC{0,8}", any::<String>()]
}

fn platforms() -> impl Strategy<Value = Platforms> {
    vec(select(Platform::ALL), 0..4).prop_map(|platforms| platforms.into_iter().collect())
}

fn suspension() -> impl Strategy<Value = Suspension> {
    any::<(bool, u64)>().prop_map(|(suspended, generation)| Suspension { suspended, generation })
}

fn registered() -> impl Strategy<Value = Event> {
    let texts = (text(), text(), text());
    let rules = (platforms(), select(CountingMode::ALL), suspension());
    let rest = any::<(u32, u32, Option<i64>, bool, [u8; 32])>();
    (texts, rules, rest).prop_map(|((owner, product, help_uri), rules, rest)| {
        let (platforms, counting_mode, suspension) = rules;
        let (limit, releases_max, activate_by_ms, handle_allowed, look_up) = rest;
        Event::Registered(Box::new(Registered {
            owner,
            product,
            platforms,
            limit,
            counting_mode,
            releases_max,
            activate_by_ms,
            help_uri,
            handle_allowed,
            suspension,
            look_up,
        }))
    })
}

fn activated() -> impl Strategy<Value = Event> {
    let named = (select(Outcome::ALL), select(Platform::ALL), text());
    let kinds = btree_map(1..=u8::MAX, select(Verdict::ALL), 0..14);
    let counts = any::<([u8; 16], u64, u32, u32, Option<u32>, u32)>();
    let rest = any::<(bool, bool, Option<[u8; 32]>)>();
    (named, kinds, counts, rest).prop_map(|(named, kinds, counts, rest)| {
        let (outcome, platform, policy_version) = named;
        let (activation_id, count, used, limit, score, threshold) = counts;
        let (weak, clone_suspected, evidence) = rest;
        Event::Activated(Box::new(Activated {
            outcome,
            activation_id,
            count,
            platform,
            used,
            limit,
            policy_version,
            score,
            threshold,
            kinds: kinds.into_iter().collect(),
            weak,
            clone_suspected,
            evidence,
        }))
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<(u32, u32)>().prop_map(|(old, new)| Change::Limit(old, new)),
        any::<(bool, bool)>().prop_map(|(old, new)| Change::Blocked(old, new)),
        (platforms(), platforms()).prop_map(|(old, new)| Change::Platforms(old, new)),
        any::<(u32, u32)>().prop_map(|(old, new)| Change::ReleasesMax(old, new)),
        any::<(Option<i64>, Option<i64>)>().prop_map(|(old, new)| Change::ActivateBy(old, new)),
        (text(), text()).prop_map(|(old, new)| Change::HelpUri(old, new)),
        any::<(bool, bool)>().prop_map(|(old, new)| Change::HandleAllowed(old, new)),
        (suspension(), suspension()).prop_map(|(old, new)| Change::Suspension(old, new)),
        any::<[u8; 32]>().prop_map(Change::LookUp),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let released = any::<([u8; 16], u64, bool, bool, u32, u32)>().prop_map(
        |(activation_id, count, last, by_policy, used, limit)| {
            Event::Released(Released { activation_id, count, last, by_policy, used, limit })
        },
    );
    let refused = (select(Reason::ALL), option::of(select(Platform::ALL)))
        .prop_map(|(reason, platform)| Event::Refused(Refused { reason, platform }));
    let updated = vec(change(), 0..12).prop_map(Event::Updated);
    prop_oneof![registered(), activated(), released, updated, refused]
}

prop_compose! {
    fn leaf()(
        ids in any::<([u8; 16], Option<[u8; 16]>)>(),
        counters in (1..=u64::MAX, 1..=u64::MAX),
        times in any::<(i64, i64)>(),
        texts in (text(), text(), text(), text()),
        event in event(),
    ) -> Leaf {
        let (actor, reason, name, version) = texts;
        Leaf {
            key_id: ids.0,
            account_version: counters.0,
            sequence: counters.1,
            shown_ms: times.0,
            raw_ms: times.1,
            actor,
            reason,
            client: Client { name, version },
            request_id: ids.1,
            event,
        }
    }
}

proptest! {
    #[test]
    fn a_leaf_is_read_as_it_was_written(leaf in leaf()) {
        let encoded = leaf.encode().unwrap();
        prop_assert_eq!(encoded.sequence(), leaf.sequence);
        prop_assert_eq!(Leaf::decode(encoded.as_ref()).unwrap(), leaf);
    }

    #[test]
    fn changed_bytes_are_a_leaf_in_its_one_spelling_or_refused(
        leaf in leaf(),
        places in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = leaf.encode().unwrap().as_ref().to_vec();
        for (place, value) in places {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(read) = Leaf::decode(&bytes) {
            let again = read.encode().unwrap();
            prop_assert_eq!(again.as_ref(), bytes.as_slice());
        }
    }

    #[test]
    fn any_bytes_are_one_spelling_or_refused(mut bytes in vec(any::<u8>(), 0..400)) {
        // Half of the time past the first door, so that the rooms behind it are seen too.
        if let Some(first) = bytes.first_mut() {
            *first &= 1;
        }
        if let Ok(leaf) = Leaf::decode(&bytes) {
            let again = leaf.encode().unwrap();
            prop_assert_eq!(again.as_ref(), bytes.as_slice());
        }
        if let Ok(head) = SignedHead::decode(&bytes) {
            prop_assert_eq!(&head.encode(), &bytes);
        }
        if let Ok(receipt) = Receipt::decode(&bytes) {
            prop_assert_eq!(&receipt.encode(), &bytes);
        }
    }

    #[test]
    fn changed_receipts_are_one_spelling_or_refused(
        which in 0..9_usize,
        places in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let receipts = chain().into_iter().flat_map(|batch| {
            (0..batch.leaves().len()).filter_map(|at| batch.receipt(at)).collect::<Vec<_>>()
        });
        let mut bytes = receipts.skip(which).map(|receipt| receipt.encode()).next().unwrap();
        for (place, value) in places {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Ok(receipt) = Receipt::decode(&bytes) {
            prop_assert_eq!(&receipt.encode(), &bytes);
        }
    }
}
