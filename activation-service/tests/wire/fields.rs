//! Bad input: every bad field is named at once, and nothing is counted or recorded.

use proto::activation::v1 as pb;

use crate::world::{
    World, activate, bad_fields, component, computer, key_name, preview, registration, request_id,
    typed, update,
};
use pb::ComponentKind as Kind;

type Spoil = fn(&mut pb::ActivateRequest);

/// Each way to spoil a request, the field that is named, and why.
const SPOILED: &[(Spoil, &str, &str)] = &[
    (|r| r.product_key.clear(), "product_key", "REQUIRED"),
    (|r| r.product_key = "?".repeat(20), "product_key", "MALFORMED"),
    (|r| r.product_key = "A".repeat(129), "product_key", "TOO_LONG"),
    (|r| r.product_key = "A".repeat(9), "product_key", "WRONG_LENGTH"),
    (|r| r.product_key.push('\u{7}'), "product_key", "CONTROL_CHARACTER"),
    (|r| swap_last(&mut r.product_key), "product_key", "MALFORMED"),
    (|r| r.product.clear(), "product", "REQUIRED"),
    (|r| r.product = "office".to_owned(), "product", "MALFORMED"),
    (|r| r.product = format!("products/{}", "a".repeat(129)), "product", "TOO_LONG"),
    (|r| r.platform = 0, "platform", "REQUIRED"),
    (|r| r.platform = 99, "platform", "UNKNOWN_VALUE"),
    (|r| r.request_id.clear(), "request_id", "REQUIRED"),
    (|r| r.request_id = vec![1; 15].into(), "request_id", "WRONG_LENGTH"),
    (|r| r.evidence = None, "evidence", "REQUIRED"),
    (|r| parts(r).clear(), "evidence.components", "REQUIRED"),
    (|r| *parts(r) = vec![component(Kind::Cpu, 1); 33], "evidence.components", "TOO_MANY"),
    (|r| parts(r).push(component(Kind::Nic, 9)), "evidence.components[5].kind", "DUPLICATE"),
    (|r| parts(r)[3].kind = 0, "evidence.components[3].kind", "REQUIRED"),
    (|r| parts(r)[3].kind = 99, "evidence.components[3].kind", "UNKNOWN_VALUE"),
    (|r| parts(r)[3].recipe_version = 9, "evidence.components[3].recipe_version", "UNKNOWN_VALUE"),
    (
        |r| parts(r)[3].digests[0] = vec![1; 15].into(),
        "evidence.components[3].digests",
        "WRONG_LENGTH",
    ),
    (|r| parts(r)[3].digests.clear(), "evidence.components[3].digests", "REQUIRED"),
    (|r| program(r).name = "x".repeat(65), "client.name", "TOO_LONG"),
    (|r| program(r).version = "1\n2".to_owned(), "client.version", "CONTROL_CHARACTER"),
];

fn parts(request: &mut pb::ActivateRequest) -> &mut Vec<pb::EvidenceComponent> {
    &mut request.evidence.get_or_insert_default().components
}

fn program(request: &mut pb::ActivateRequest) -> &mut pb::ClientInfo {
    request.client.get_or_insert_default()
}

/// A slip of the finger in a key that we issued.
fn swap_last(key: &mut String) {
    let last = key.pop();
    key.push(if last == Some('X') { 'Y' } else { 'X' });
}

fn named(field: &str, why: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), why.to_owned())]
}

#[tokio::test]
async fn a_bad_field_of_an_activation_is_named_and_nothing_is_counted() {
    let world = World::memory().await;
    let registered = world.register(1, |_| ()).await;
    let mut installer = world.installer();
    for (spoil, field, why) in SPOILED {
        let mut request = activate(1, computer(1), 1);
        spoil(&mut request);
        let status = installer.activate(request.clone()).await.expect_err(field);
        assert_eq!(bad_fields(&status), named(field, why));
        if *field != "request_id" {
            let status = installer.preview_activation(preview(request)).await.expect_err(field);
            assert_eq!(bad_fields(&status), named(field, why), "a preview refuses alike");
        }
        if request_quotes_its_key(&status) {
            panic!("{field}: the refusal quotes the key");
        }
    }
    assert_eq!(world.key(1).await, registered, "nothing was counted or recorded");
    world.stop().await;
}

fn request_quotes_its_key(status: &tonic::Status) -> bool {
    let normal = typed(1).replace('-', "");
    let details = String::from_utf8_lossy(status.details()).into_owned();
    [status.message(), &details].iter().any(|text| text.contains(&normal) || text.contains("SB1"))
}

#[tokio::test]
async fn all_bad_fields_of_a_request_are_named_at_once() {
    let world = World::memory().await;
    let mut everything = activate(1, computer(1), 1);
    let mut expected = Vec::new();
    for place in [1, 7, 10, 12, 18, 20, 22, 23] {
        let (spoil, field, why) = SPOILED[place];
        spoil(&mut everything);
        expected.extend(named(field, why));
    }
    let status = world.installer().activate(everything).await.expect_err("all bad");
    let mut found = bad_fields(&status);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    world.stop().await;
}

#[tokio::test]
async fn bad_fields_of_a_release_are_named() {
    let world = World::memory().await;
    let empty = pb::ReleaseActivationRequest::default;
    let fields = |status: &tonic::Status| {
        bad_fields(status).into_iter().map(|(field, _)| field).collect::<Vec<_>>()
    };
    let status = world.installer().release_activation(empty()).await.expect_err("empty");
    assert_eq!(fields(&status), ["name", "request_id", "reason", "product_key", "evidence"]);
    let status = world.admin().release_activation(empty()).await.expect_err("empty");
    assert_eq!(fields(&status), ["name", "request_id", "reason"]);
    let request = pb::ReleaseActivationRequest {
        name: key_name(1),
        request_id: request_id(1),
        reason: "x".repeat(257),
        ..empty()
    };
    let status = world.owner("contoso").release_activation(request).await.expect_err("bad");
    let expected = [named("name", "MALFORMED"), named("reason", "TOO_LONG")].concat();
    assert_eq!(bad_fields(&status), expected);
    world.stop().await;
}

#[tokio::test]
async fn bad_fields_of_a_batch_are_named_by_entry() {
    let world = World::memory().await;
    let mut keys: Vec<_> = (1..=4).map(registration).collect();
    keys[0].key_id = "ABC".to_owned();
    keys[0].owner = "\u{202e}contoso".to_owned();
    keys[1].limit = 1_000_001;
    keys[1].help_uri = "http://help.example".to_owned();
    keys[1].platforms = vec![1, 1];
    keys[2].counting_mode = 9;
    keys[2].release_policy = Some(pb::ReleasePolicy { releases_max: u32::MAX });
    let (seconds, nanos) = (0, -1);
    keys[2].activate_by_time = Some(prost_types::Timestamp { seconds, nanos });
    keys.push(registration(4));
    let request = pb::BatchRegisterKeysRequest { keys };
    let status = world.catalog().batch_register_keys(request).await.expect_err("bad");
    let expected = [
        ("keys[0].key_id", "MALFORMED"),
        ("keys[0].owner", "CONTROL_CHARACTER"),
        ("keys[1].platforms[1]", "DUPLICATE"),
        ("keys[1].limit", "OUT_OF_RANGE"),
        ("keys[1].help_uri", "MALFORMED"),
        ("keys[2].counting_mode", "UNKNOWN_VALUE"),
        ("keys[2].activate_by_time", "OUT_OF_RANGE"),
        ("keys[2].release_policy.releases_max", "OUT_OF_RANGE"),
        ("keys[4].key_id", "DUPLICATE"),
        ("keys[4].product_key", "DUPLICATE"),
    ];
    let expected: Vec<_> = expected.iter().flat_map(|(field, why)| named(field, why)).collect();
    assert_eq!(bad_fields(&status), expected);

    for (count, why) in [(0, "REQUIRED"), (501, "TOO_MANY")] {
        let request = pb::BatchRegisterKeysRequest { keys: vec![registration(1); count] };
        let status = world.catalog().batch_register_keys(request).await.expect_err("bad");
        assert_eq!(bad_fields(&status), named("keys", why));
    }
    let usage = pb::GetKeyRequest { name: key_name(4) };
    world.reader().get_key(usage).await.expect_err("nothing was registered");
    world.stop().await;
}

#[tokio::test]
async fn bad_pages_orders_and_names_are_named() {
    let world = World::memory().await;
    world.register(1, |_| ()).await;
    world.register(2, |_| ()).await;
    let mut reader = world.reader();
    let events = pb::ListKeyEventsRequest {
        parent: "keys/1".to_owned(),
        page_size: -1,
        page_token: "?".to_owned(),
        order_by: "used".to_owned(),
    };
    let status = reader.list_key_events(events).await.expect_err("bad");
    let fields: Vec<_> = bad_fields(&status).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["parent", "order_by", "page_size", "page_token"]);
    let computers = pb::ListActivationsRequest {
        parent: key_name(1),
        page_size: -1,
        page_token: "A".repeat(5_000),
    };
    let status = reader.list_activations(computers).await.expect_err("bad");
    let expected = [named("page_size", "OUT_OF_RANGE"), named("page_token", "TOO_LONG")].concat();
    assert_eq!(bad_fields(&status), expected);

    let names = vec![key_name(1), "productKeys/1".to_owned(), String::new()];
    let request = pb::BatchGetKeyUsageRequest { names };
    let status = reader.batch_get_key_usage(request).await.expect_err("bad");
    let expected = [named("names[1]", "MALFORMED"), named("names[2]", "REQUIRED")].concat();
    assert_eq!(bad_fields(&status), expected);
    let request = pb::BatchGetKeyUsageRequest { names: vec![key_name(1); 501] };
    let status = reader.batch_get_key_usage(request).await.expect_err("too many");
    assert_eq!(bad_fields(&status), named("names", "TOO_MANY"));
    let status = reader.get_key(pb::GetKeyRequest::default()).await.expect_err("no name");
    assert_eq!(bad_fields(&status), named("name", "REQUIRED"));
    world.stop().await;
}

#[tokio::test]
async fn bad_masks_and_values_of_an_update_are_named() {
    let world = World::memory().await;
    let registered = world.register(1, |_| ()).await;
    let key = pb::ProductKey { limit: u32::MAX, ..registered.clone() };
    let request = update(key, &["limit", "owner"]);
    let status = world.admin().update_key(request).await.expect_err("bad");
    let bad = [named("key.limit", "OUT_OF_RANGE"), named("update_mask", "NOT_UPDATABLE")].concat();
    assert_eq!(bad_fields(&status), bad);
    let status = world.admin().update_key(pb::UpdateKeyRequest::default()).await.expect_err("bad");
    let fields: Vec<_> = bad_fields(&status).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["key.name", "reason", "update_mask"]);
    assert_eq!(world.key(1).await, registered);
    world.stop().await;
}

#[tokio::test]
async fn junk_is_no_bad_field_but_too_little_evidence() {
    let world = World::memory().await;
    world.register(1, |_| ()).await;
    let salt: Vec<u8> =
        (0..32).map(|place| [0x5a, 0x17].get(place).copied().unwrap_or(0)).collect();
    let mut salt: [u8; 32] = salt.try_into().expect("32 bytes");
    salt[31] = 1;
    let salt = hardware_evidence::DeploymentSalt::new(salt);
    let known = hardware_evidence::JunkDigests::new(&salt);
    // Digested as by a client that does not know the value for a placeholder.
    let junk = junk_digest(&salt, hardware_evidence::ComponentKind::OsDisk, "none");
    assert!(known.contains(hardware_evidence::ComponentKind::OsDisk, &junk));
    let digests = vec![junk.0.to_vec().into()];
    let part = pb::EvidenceComponent { kind: Kind::OsDisk.into(), recipe_version: 1, digests };
    let evidence = pb::Evidence { components: vec![part] };
    let status = world.installer().activate(activate(1, evidence, 1)).await.expect_err("junk");
    let code = tonic::Code::FailedPrecondition;
    let details = crate::world::refusal(&status, code, "INSUFFICIENT_EVIDENCE");
    let told = crate::world::metadata(&details);
    assert_eq!((&*told["points"], &*told["junk"], &*told["has_anchor"]), ("0", "OS_DISK", "false"));
    assert!(told["absent"].contains("BOARD_SERIAL"));
    assert_eq!(world.key(1).await.used, 0);
    world.stop().await;
}

fn junk_digest(
    salt: &hardware_evidence::DeploymentSalt,
    kind: hardware_evidence::ComponentKind,
    value: &str,
) -> hardware_evidence::Digest {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut block = [0; 64];
    block[..32].copy_from_slice(salt.as_bytes());
    let mut mac = Hmac::<sha2::Sha256>::new(&block.into());
    mac.update(&[1, kind.number()]);
    mac.update(value.as_bytes());
    let mut digest = [0; 16];
    digest.copy_from_slice(&mac.finalize().into_bytes()[..16]);
    hardware_evidence::Digest(digest)
}
