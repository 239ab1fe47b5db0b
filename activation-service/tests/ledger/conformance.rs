//! What every engine promises: whole changes, durable answers, conflicts without a trace, a history
//! without gaps.

use activation_service::domain::ids::{ActivationId, RequestId};
use activation_service::ports::{Change, Committed, KeyRef, Ledger, Loaded, Span};

use crate::engines;
use crate::keys::{activate, change, key_id, lookup, register, terms};

async fn load(ledger: &dyn Ledger, number: u8) -> Loaded {
    ledger.load(KeyRef::Id(key_id(number)), None).await.expect("answers").expect("known")
}

async fn commit(ledger: &dyn Ledger, change: Change) -> Committed {
    ledger.commit(vec![change]).await.expect("answers").remove(0)
}

fn version(committed: &Committed) -> u64 {
    match committed {
        Committed::Committed { account_version, .. } => *account_version,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_key_is_found_by_id_and_by_digest_and_is_what_was_committed() {
    for engine in engines() {
        let ledger = engine.ledger.as_ref();
        let nobody = ledger.load(KeyRef::Id(key_id(1)), None).await.expect("answers");
        assert!(nobody.is_none(), "{}", engine.name);
        let registered = change(None, &register(1, terms(5)));
        assert_eq!(version(&commit(ledger, registered.clone()).await), 1);
        let by_id = load(ledger, 1).await;
        assert_eq!(by_id.account, registered.account, "{}", engine.name);
        let digests = vec![lookup(9), lookup(1)];
        let by_digest = ledger.load(KeyRef::Lookup(digests), None).await.expect("answers");
        assert_eq!(by_digest.expect("known").account, by_id.account, "{}", engine.name);
        let wrong = ledger.load(KeyRef::Lookup(vec![lookup(9)]), None).await.expect("answers");
        assert!(wrong.is_none(), "{}", engine.name);
    }
}

#[tokio::test]
async fn a_change_on_an_old_version_conflicts_and_leaves_nothing_behind() {
    for engine in engines() {
        let ledger = engine.ledger.as_ref();
        commit(ledger, change(None, &register(1, terms(5)))).await;
        let before = load(ledger, 1).await;
        let first = change(Some(&before.account), &activate(1, 1));
        let second = change(Some(&before.account), &activate(2, 2));
        assert_eq!(version(&commit(ledger, first).await), 2);
        assert_eq!(commit(ledger, second).await, Committed::Conflict, "{}", engine.name);
        let request = Some(RequestId([0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        let after = ledger.load(KeyRef::Id(key_id(1)), request).await.expect("answers");
        let after = after.expect("known");
        assert!(after.recorded.is_none(), "{}", engine.name);
        assert_eq!(after.account.head.used, 1, "{}", engine.name);
        assert_eq!(after.as_of_sequence, 2, "{}", engine.name);
    }
}

#[tokio::test]
async fn two_changes_of_one_key_in_a_batch_do_not_both_happen() {
    for engine in engines() {
        let ledger = engine.ledger.as_ref();
        commit(ledger, change(None, &register(1, terms(5)))).await;
        let before = load(ledger, 1).await;
        let batch = vec![
            change(Some(&before.account), &activate(1, 1)),
            change(None, &register(2, terms(5))),
            change(Some(&before.account), &activate(2, 2)),
        ];
        let answers = ledger.commit(batch).await.expect("answers");
        assert_eq!((version(&answers[0]), version(&answers[1])), (2, 1), "{}", engine.name);
        assert_eq!(answers[2], Committed::Conflict, "{}", engine.name);
    }
}

#[tokio::test]
async fn a_product_key_has_one_id() {
    for engine in engines() {
        let ledger = engine.ledger.as_ref();
        commit(ledger, change(None, &register(1, terms(5)))).await;
        let mut stolen = change(None, &register(2, terms(5)));
        for event in &mut stolen.events {
            if let activation_service::domain::event::Body::Registered { lookup: l, .. } =
                &mut event.body
            {
                *l = lookup(1);
            }
        }
        assert_eq!(commit(ledger, stolen.clone()).await, Committed::Conflict, "{}", engine.name);
        let nobody = ledger.load(KeyRef::Id(key_id(2)), None).await.expect("answers");
        assert!(nobody.is_none(), "{}", engine.name);
    }
}

#[tokio::test]
async fn a_request_is_found_by_its_id_within_its_key_only() {
    for engine in engines() {
        let ledger = engine.ledger.as_ref();
        for number in [1, 2] {
            commit(ledger, change(None, &register(number, terms(5)))).await;
        }
        let before = load(ledger, 1).await;
        let activated = change(Some(&before.account), &activate(1, 7));
        let event = activated.events[0].clone();
        commit(ledger, activated).await;
        let request = event.request.map(|request| request.id);
        let here = ledger.load(KeyRef::Id(key_id(1)), request).await.expect("answers");
        let recorded = here.expect("known").recorded.expect("recorded");
        assert_eq!(*recorded, event, "{}", engine.name);
        let there = ledger.load(KeyRef::Id(key_id(2)), request).await.expect("answers");
        assert!(there.expect("known").recorded.is_none(), "{}", engine.name);
    }
}

#[tokio::test]
async fn a_history_has_no_gap_and_pages_both_ways() {
    for engine in engines() {
        let ledger = engine.ledger.as_ref();
        // A neighbour on each side: a scan must not run into their histories.
        for number in [1, 2, 3] {
            commit(ledger, change(None, &register(number, terms(50)))).await;
        }
        for number in 1..=9 {
            let before = load(ledger, 2).await;
            commit(ledger, change(Some(&before.account), &activate(number, number))).await;
        }
        let page = async |descending, after, most| {
            let span = Span { descending, after, most };
            let (events, as_of) = ledger.events(key_id(2), span).await.expect("answers");
            assert_eq!(as_of, 12, "{}", engine.name);
            events.iter().map(|e| e.event.version).collect::<Vec<_>>()
        };
        assert_eq!(page(false, None, 100).await, (1..=10).collect::<Vec<_>>());
        assert_eq!(page(false, Some(4), 3).await, [5, 6, 7], "{}", engine.name);
        assert_eq!(page(true, None, 3).await, [10, 9, 8], "{}", engine.name);
        assert_eq!(page(true, Some(3), 9).await, [2, 1], "{}", engine.name);
        assert_eq!(page(true, Some(1), 9).await, [0; 0], "{}", engine.name);
        assert_eq!(page(false, Some(10), 9).await, [0; 0], "{}", engine.name);
    }
}

#[tokio::test]
async fn heads_come_in_the_order_asked_with_nothing_for_the_unknown() {
    for engine in engines() {
        let ledger = engine.ledger.as_ref();
        for number in [1, 2] {
            commit(ledger, change(None, &register(number, terms(number.into())))).await;
        }
        let asked = vec![key_id(2), key_id(9), key_id(1)];
        let (heads, as_of) = ledger.heads(asked).await.expect("answers");
        let limits: Vec<_> = heads.iter().map(|h| h.as_ref().map(|h| h.terms.limit)).collect();
        assert_eq!((limits, as_of), (vec![Some(2), None, Some(1)], 2), "{}", engine.name);
    }
}

#[tokio::test]
async fn a_batch_larger_than_any_group_is_committed_whole() {
    for engine in engines() {
        let ledger = engine.ledger.as_ref();
        let batch: Vec<_> =
            (0..=250).map(|number| change(None, &register(number, terms(1)))).collect();
        let answers = ledger.commit(batch).await.expect("answers");
        assert!(answers.iter().all(|answer| version(answer) == 1), "{}", engine.name);
        let sequences: Vec<_> = answers
            .iter()
            .map(|answer| match answer {
                Committed::Committed { sequence, .. } => *sequence,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(sequences, (1..=251).collect::<Vec<_>>(), "{}", engine.name);
    }
}

#[tokio::test]
async fn sightings_are_noted_beside_the_books() {
    for engine in engines() {
        let ledger = engine.ledger.as_ref();
        commit(ledger, change(None, &register(1, terms(1)))).await;
        let (seen, unseen) = (ActivationId([1; 16]), ActivationId([2; 16]));
        ledger.note_seen(key_id(1), seen, 5_000).await;
        let noted = ledger.last_seen(key_id(1), vec![unseen, seen]).await.expect("answers");
        assert_eq!(noted, [None, Some(5_000)], "{}", engine.name);
        assert_eq!(ledger.ready().await, Ok(()));
    }
}
