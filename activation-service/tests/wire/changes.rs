//! Registering and changing keys: who may what, what repeats do, and that facts stay independent.

use proto::activation::v1 as pb;
use tonic::Code;

use crate::world::{
    World, activate, bad_fields, computer, key_name, refusal, registration, typed, update,
};

#[tokio::test]
async fn a_registration_can_be_repeated_and_nothing_else() {
    let world = World::sled().await;
    let first = world.register(1, |key| key.limit = 3).await;
    let again = world.register(1, |key| key.limit = 3).await;
    assert_eq!(again, first);
    world.register(4, |_| ()).await;

    let mut keys: Vec<_> = (1..=3).map(registration).collect();
    keys[0].limit = 4;
    keys[1].product_key = typed(4);
    let request = pb::BatchRegisterKeysRequest { keys };
    let status = world.catalog().batch_register_keys(request).await.expect_err("two differ");
    let details = refusal(&status, Code::AlreadyExists, "KEY_ALREADY_REGISTERED");
    let named = details.bad_request().expect("BadRequest").field_violations.iter();
    let named: Vec<_> = named.map(|bad| bad.field.as_str()).collect();
    // Entry 1 names a new id with a key that is recorded under another.
    assert_eq!(named, ["keys[0].limit", "keys[1].product_key"]);
    assert_eq!(world.key(3).await.limit, 5, "all others are recorded");
    world.stop().await;
}

#[tokio::test]
async fn a_batch_of_500_keys_is_taken_and_more_than_64_kib_from_nobody_else() {
    let world = World::memory().await;
    let keys: Vec<_> = (0..500_u16)
        .map(|number| {
            let mut random = [0; 14];
            random[..2].copy_from_slice(&number.to_be_bytes());
            let mut key = registration(1);
            key.key_id = format!("{number:032x}");
            key.product_key = product_key::ProductKey::issue(&random).grouped().to_string();
            key.help_uri = format!("https://help.test/{}", "x".repeat(400));
            key
        })
        .collect();
    let request = pb::BatchRegisterKeysRequest { keys };
    let answer = world.catalog().batch_register_keys(request.clone()).await.expect("registered");
    let answer = answer.into_inner();
    let ids: Vec<_> = answer.keys.iter().map(|key| key.name.clone()).collect();
    let asked: Vec<_> =
        request.keys.iter().map(|key| format!("productKeys/{}", key.key_id)).collect();
    assert_eq!(ids, asked, "in the order of the request");

    let usages = pb::BatchGetKeyUsageRequest { names: asked };
    let usages = world.owner("contoso").batch_get_key_usage(usages).await.expect("usages");
    assert_eq!(usages.into_inner().usages.len(), 500);
    world.stop().await;
}

#[tokio::test]
async fn usage_is_told_once_a_key_and_missing_names_are_listed() {
    let world = World::memory().await;
    world.register(1, |_| ()).await;
    world.register(2, |key| key.owner = "fabrikam".to_owned()).await;
    world.installer().activate(activate(1, computer(1), 1)).await.expect("counted");
    let names = [1, 2, 3, 1].map(key_name).to_vec();
    let request = pb::BatchGetKeyUsageRequest { names };
    let answer = world.owner("contoso").batch_get_key_usage(request.clone()).await.expect("usages");
    let answer = answer.into_inner();
    assert_eq!(answer.missing_names, [key_name(2), key_name(3)]);
    let usage = pb::KeyUsage {
        name: key_name(1),
        used: 1,
        limit: 5,
        remaining: 4,
        computers: 1,
        suspended: false,
        blocked: false,
    };
    assert_eq!(answer.usages, [usage]);
    assert!(answer.as_of_sequence >= 3 && answer.as_of_time.is_some());
    let all = world.catalog().batch_get_key_usage(request).await.expect("usages").into_inner();
    assert_eq!(all.missing_names, [key_name(3)]);
    world.stop().await;
}

#[tokio::test]
async fn each_field_of_a_key_changes_by_its_mask_alone() {
    let world = World::memory().await;
    let registered = world.register(1, |_| ()).await;
    let wanted = pb::ProductKey {
        limit: 7,
        blocked: true,
        platforms: vec![pb::Platform::Linux.into()],
        release_policy: Some(pb::ReleasePolicy { releases_max: 2 }),
        activate_by_time: Some(prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 }),
        help_uri: "https://help.test/keys".to_owned(),
        operator_handle_allowed: true,
        ..registered.clone()
    };
    let limit = world.update(wanted.clone(), &["limit"]).await;
    let only = pb::ProductKey {
        limit: 7,
        remaining: 7,
        account_version: 2,
        update_time: limit.update_time,
        ..registered
    };
    assert_eq!(limit, only);
    let paths = [
        "limit",
        "blocked",
        "platforms",
        "release_policy",
        "activate_by_time",
        "help_uri",
        "operator_handle_allowed",
    ];
    let all = world.update(wanted.clone(), &paths).await;
    let told = (all.blocked, &all.platforms, all.release_policy, all.activate_by_time);
    let asked = (true, &wanted.platforms, wanted.release_policy, wanted.activate_by_time);
    assert_eq!(told, asked);
    assert_eq!((all.help_uri, all.operator_handle_allowed), (wanted.help_uri.clone(), true));
    let unchanged = world.update(wanted, &paths).await;
    assert_eq!(unchanged.account_version, all.account_version, "no event without a change");
    world.stop().await;
}

#[tokio::test]
async fn suspension_is_the_catalogs_and_everything_else_the_operators() {
    let world = World::memory().await;
    let key = world.register(1, |_| ()).await;
    let suspended = |suspended, generation| pb::ProductKey {
        suspension: Some(pb::Suspension { suspended, generation }),
        ..key.clone()
    };
    let off = world.update(suspended(true, 5), &["suspension"]).await;
    assert_eq!(off.suspension, suspended(true, 5).suspension);
    let late = world.update(suspended(false, 4), &["suspension"]).await;
    assert_eq!(late.suspension, off.suspension, "a lower generation is ignored");
    let refused = world.installer().activate(activate(1, computer(1), 1)).await.expect_err("off");
    refusal(&refused, Code::FailedPrecondition, "KEY_SUSPENDED");

    let blocked = pb::ProductKey { blocked: true, ..key.clone() };
    world.update(blocked, &["blocked"]).await;
    let renewed = world.update(suspended(false, 6), &["suspension"]).await;
    assert!(renewed.blocked, "renewal leaves a blocked key blocked");

    let by_catalog = update(key.clone(), &["limit", "blocked", "suspension"]);
    let by_catalog = pb::UpdateKeyRequest { key: Some(suspended(true, 9)), ..by_catalog };
    let status = world.catalog().update_key(by_catalog.clone()).await.expect_err("limit");
    let details = refusal(&status, Code::PermissionDenied, "FIELD_NOT_PERMITTED");
    assert_eq!(details.bad_request().expect("BadRequest").field_violations.len(), 2);
    let status = world.admin().update_key(by_catalog).await.expect_err("suspension");
    refusal(&status, Code::PermissionDenied, "FIELD_NOT_PERMITTED");
    assert_eq!(world.key(1).await, renewed);

    let half = update(suspended(true, 9), &["suspension.suspended"]);
    let status = world.catalog().update_key(half).await.expect_err("half of it");
    assert_eq!(bad_fields(&status)[0].0, "update_mask");
    world.stop().await;
}
