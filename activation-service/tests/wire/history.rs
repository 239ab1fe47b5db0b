//! The history of a key and its computers: complete, explained, and the same in pages of any size.

use proto::activation::v1 as pb;
use tonic::Code;

use crate::world::{
    Client, World, activate, bad_fields, computer, key_name, refusal, request_id, swapped,
};
use pb::ComponentKind as Kind;
use pb::KeyEventType as Type;

async fn events(client: &mut Client, order_by: &str, page_size: i32) -> Vec<pb::KeyEvent> {
    let mut request = pb::ListKeyEventsRequest {
        parent: key_name(1),
        page_size,
        order_by: order_by.to_owned(),
        ..pb::ListKeyEventsRequest::default()
    };
    let mut events = Vec::new();
    for _ in 0..100 {
        let page = client.list_key_events(request.clone()).await.expect("a page").into_inner();
        events.extend(page.events);
        if page.next_page_token.is_empty() {
            return events;
        }
        request.page_token = page.next_page_token;
    }
    panic!("the list does not end");
}

/// A key with one event of nearly every type.
async fn eventful(world: &World) -> String {
    world.register(1, |key| key.limit = 2).await;
    let mut installer = world.installer();
    let counted = installer.activate(activate(1, computer(1), 1)).await.expect("R6").into_inner();
    let changed = swapped(1, &[Kind::BoardSerial, Kind::SystemUuid]);
    installer.activate(activate(1, changed, 2)).await.expect("R8");
    installer.activate(activate(1, computer(2), 3)).await.expect_err("R10");
    installer.activate(activate(1, computer(3), 4)).await.expect_err("R10, not recorded again");
    let key = pb::ProductKey { limit: 3, ..world.key(1).await };
    world.update(key.clone(), &["limit"]).await;
    let release = pb::ReleaseActivationRequest {
        name: counted.activation.clone(),
        request_id: request_id(5),
        reason: "miscounted".to_owned(),
        ..pb::ReleaseActivationRequest::default()
    };
    world.admin().release_activation(release).await.expect("released");
    let suspension = Some(pb::Suspension { suspended: true, generation: 1 });
    world.update(pb::ProductKey { suspension, ..key }, &["suspension"]).await;
    counted.activation
}

#[tokio::test]
async fn the_history_tells_every_event_with_its_standing() {
    let world = World::sled().await;
    let activation = eventful(&world).await;
    let events = events(&mut world.reader(), "", 0).await;
    let told: Vec<_> = events.iter().map(|e| (e.r#type(), e.used, e.limit)).collect();
    let expected = [
        (Type::Registered, 0, 2),
        (Type::Counted, 1, 2),
        (Type::Counted, 2, 2),
        (Type::Refused, 2, 2),
        (Type::Updated, 2, 3),
        (Type::Released, 1, 3),
        (Type::Updated, 1, 3),
    ];
    assert_eq!(told, expected);
    let versions: Vec<_> = events.iter().map(|event| event.account_version).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5, 6, 7], "without a gap");
    assert!(events.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));

    let counted = &events[1];
    assert_eq!(counted.outcome(), pb::ActivationOutcome::CountedNewComputer);
    assert_eq!((&counted.activation, &*counted.actor), (&activation, "product-key"));
    assert_eq!(counted.request_id, request_id(1));
    assert_eq!(counted.platform(), pb::Platform::Windows);
    assert_eq!(counted.client.as_ref().map(|c| c.name.as_str()), Some("setup"));
    assert_eq!(events[2].explanation.as_ref().and_then(|e| e.score), Some(50));
    assert_eq!(events[3].refusal_reason, "ACTIVATION_LIMIT_REACHED");
    assert_eq!(
        (events[4].changes.as_slice(), &*events[4].actor),
        (&["limit: 2 -> 3".to_owned()][..], "olga")
    );
    assert_eq!((&*events[5].actor_reason, &events[5].activation), ("miscounted", &activation));
    assert_eq!(events[6].actor, "catalog.internal");
    world.stop().await;
}

#[tokio::test]
async fn pages_of_any_size_and_both_orders_tell_the_same() {
    let world = World::memory().await;
    eventful(&world).await;
    let mut owner = world.owner("contoso");
    let whole = events(&mut owner, "account_version", 200).await;
    let mut backwards = whole.clone();
    backwards.reverse();
    for page_size in 1..=8 {
        assert_eq!(events(&mut owner, "", page_size).await, whole, "{page_size}");
        let newest_first = events(&mut owner, "account_version desc", page_size).await;
        assert_eq!(newest_first, backwards, "{page_size}");
    }
    world.stop().await;
}

#[tokio::test]
async fn computers_are_listed_oldest_first_in_pages_of_any_size() {
    let world = World::sled().await;
    world.register(1, |_| ()).await;
    let mut installer = world.installer();
    for number in 1..=4 {
        installer.activate(activate(1, computer(number), number)).await.expect("counted");
    }
    let changed = swapped(1, &[Kind::BoardSerial, Kind::SystemUuid]);
    installer.activate(activate(1, changed, 9)).await.expect("R8");
    let mut pages = Vec::new();
    for page_size in 1..=5 {
        let mut request = pb::ListActivationsRequest {
            parent: key_name(1),
            page_size,
            ..pb::ListActivationsRequest::default()
        };
        let mut names = Vec::new();
        loop {
            let page = world.reader().list_activations(request.clone()).await.expect("a page");
            let page = page.into_inner();
            names.extend(page.activations.iter().map(|a| (a.name.clone(), a.counts.len())));
            assert!(page.activations.iter().all(|a| a.state() == pb::ActivationState::Active));
            assert!(page.activations.iter().all(|a| a.last_seen_time.is_some()));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let counts: Vec<_> = names.iter().map(|(_, counts)| *counts).collect();
        assert_eq!(counts, [2, 1, 1, 1], "the changed computer holds two counts");
        pages.push(names);
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]));
    world.stop().await;
}

#[tokio::test]
async fn a_page_token_opens_its_own_list_only() {
    let world = World::memory().await;
    eventful(&world).await;
    world.register(2, |_| ()).await;
    let request = pb::ListKeyEventsRequest {
        parent: key_name(1),
        page_size: 1,
        ..pb::ListKeyEventsRequest::default()
    };
    let mut reader = world.reader();
    let page = reader.list_key_events(request.clone()).await.expect("a page").into_inner();
    let continued = pb::ListKeyEventsRequest { page_token: page.next_page_token, ..request };
    let desc = "account_version desc".to_owned();
    let strange = [
        pb::ListKeyEventsRequest { parent: key_name(2), ..continued.clone() },
        pb::ListKeyEventsRequest { order_by: desc, ..continued.clone() },
    ];
    for request in strange {
        let status = reader.list_key_events(request).await.expect_err("another list");
        assert_eq!(bad_fields(&status), [("page_token".to_owned(), "MALFORMED".to_owned())]);
    }
    let computers = pb::ListActivationsRequest {
        parent: key_name(1),
        page_size: 1,
        page_token: continued.page_token,
    };
    let status = reader.list_activations(computers).await.expect_err("another list");
    assert_eq!(bad_fields(&status)[0].0, "page_token");
    world.stop().await;
}

#[tokio::test]
async fn r1_an_owner_sees_its_own_keys_and_an_owner_of_nothing_none() {
    let world = World::memory().await;
    eventful(&world).await;
    let nobody = world.speaking(Some("subject=una;roles=MPN_PARTNER_ADMIN"), None);
    for mut client in [world.owner("fabrikam"), nobody] {
        let parent = key_name(1);
        let request = pb::GetKeyRequest { name: parent.clone() };
        let status = client.get_key(request).await.expect_err("not theirs");
        refusal(&status, Code::NotFound, "KEY_NOT_FOUND");
        let request = pb::ListKeyEventsRequest { parent: parent.clone(), ..Default::default() };
        let status = client.list_key_events(request).await.expect_err("not theirs");
        refusal(&status, Code::NotFound, "KEY_NOT_FOUND");
        let request = pb::ListActivationsRequest { parent, ..Default::default() };
        let status = client.list_activations(request).await.expect_err("not theirs");
        refusal(&status, Code::NotFound, "KEY_NOT_FOUND");
        let request = pb::BatchGetKeyUsageRequest { names: vec![key_name(1)] };
        let usages = client.batch_get_key_usage(request).await.expect("an answer").into_inner();
        assert_eq!((usages.usages.len(), usages.missing_names.len()), (0, 1));
    }
    let request = pb::GetKeyRequest { name: key_name(1) };
    world.owner("contoso").get_key(request).await.expect("its own");
    world.stop().await;
}
