//! UpdateKey: each field by those who may, each change in the history.

use anyhow::Result;
use prost_types::FieldMask;
use proto::activation::v1::{KeyEventType, ProductKey, Suspension, UpdateKeyRequest};
use system_tests::{Computer, DUTCH, Person, World, refusal};
use tonic::Code;

fn update(name: &str, key: ProductKey, paths: &[&str]) -> UpdateKeyRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    UpdateKeyRequest {
        key: Some(ProductKey { name: name.to_owned(), ..key }),
        update_mask: Some(FieldMask { paths }),
        reason: "ticket 4711".to_owned(),
    }
}

fn suspended(suspended: bool, generation: u64) -> ProductKey {
    let suspension = Some(Suspension { suspended, generation });
    ProductKey { suspension, ..Default::default() }
}

#[tokio::test]
async fn r10_a_new_limit_holds_and_the_history_says_who_and_why() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(1).await?;
    world.activate(&key, &Computer::recorded()?).await?;
    refusal(world.try_activate(&key, &Computer::numbered(1)?).await?)?;
    let mut ops = world.activation(&Person::ops_admin())?;
    let request = update(&key.name, ProductKey { limit: 2, ..Default::default() }, &["limit"]);
    let changed = ops.update_key(request).await?.into_inner().key.unwrap_or_default();
    assert_eq!((changed.limit, changed.used, changed.remaining), (2, 1, 1));
    assert_eq!(world.activate(&key, &Computer::numbered(1)?).await?.used, 2);
    // A limit below what is used takes nothing away and grants nothing more.
    let request = update(&key.name, ProductKey { limit: 0, ..Default::default() }, &["limit"]);
    let lowered = ops.update_key(request).await?.into_inner().key.unwrap_or_default();
    assert_eq!((lowered.used, lowered.remaining), (2, 0));

    let events = world.history(&key.name).await?;
    let updated = events.iter().find(|event| event.r#type() == KeyEventType::Updated);
    let updated = updated.cloned().unwrap_or_default();
    let actor = if world.is_secured() { "ops-admin.internal" } else { "olga" };
    assert_eq!((&*updated.actor, &*updated.actor_reason), (actor, "ticket 4711"));
    assert!(updated.changes.iter().any(|change| change.contains("limit")), "{updated:?}");
    Ok(())
}

#[tokio::test]
async fn f8_suspension_is_the_catalogs_and_a_block_is_the_operators() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(5).await?;
    let mut catalog = world.activation(&Person::catalog().speaking(DUTCH))?;
    let mut ops = world.activation(&Person::ops_admin().speaking(DUTCH))?;
    for (asked, generation, standing) in
        [(true, 5, true), (false, 4, true), (false, 5, true), (false, 6, false)]
    {
        let request = update(&key.name, suspended(asked, generation), &["suspension"]);
        let key = catalog.update_key(request).await?.into_inner().key.unwrap_or_default();
        let now = key.suspension.unwrap_or_default();
        assert_eq!(now.suspended, standing, "a late message changes nothing");
    }
    let block = ProductKey { blocked: true, ..Default::default() };
    let blocked = ops.update_key(update(&key.name, block.clone(), &["blocked"])).await?;
    assert!(blocked.into_inner().key.unwrap_or_default().blocked);
    let resumed = catalog.update_key(update(&key.name, suspended(false, 7), &["suspension"]));
    let resumed = resumed.await?.into_inner().key.unwrap_or_default();
    assert!(resumed.blocked, "resuming does not unblock");

    refusal(ops.update_key(update(&key.name, suspended(true, 9), &["suspension"])).await)?
        .is(Code::PermissionDenied, "FIELD_NOT_PERMITTED")?
        .in_dutch()?;
    refusal(catalog.update_key(update(&key.name, block, &["blocked", "limit"])).await)?
        .is(Code::PermissionDenied, "FIELD_NOT_PERMITTED")?
        .in_dutch()?;
    Ok(())
}

#[tokio::test]
async fn bad_masks_and_unknown_keys_are_refused() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(5).await?;
    let mut ops = world.activation(&Person::ops_admin().speaking(DUTCH))?;
    let mut request = update(
        &key.name,
        ProductKey { limit: 2_000_000, ..Default::default() },
        &["limit", "used", "owner"],
    );
    request.reason = "a\nb".to_owned();
    refusal(ops.update_key(request).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .in_dutch()?
        .names(&["key.limit", "update_mask", "update_mask", "reason"])?;
    refusal(ops.update_key(update(&key.name, ProductKey::default(), &[])).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .names(&["update_mask"])?;
    let unknown = format!("productKeys/{}", "0".repeat(32));
    refusal(ops.update_key(update(&unknown, ProductKey::default(), &["blocked"])).await)?
        .is(Code::NotFound, "KEY_NOT_FOUND")?
        .in_dutch()?;
    let mut owner = world.activation(&Person::global_admin("anna", "contoso"))?;
    refusal(owner.update_key(update(&key.name, ProductKey::default(), &["blocked"])).await)?
        .is(Code::PermissionDenied, "ROLE_MISSING")?;
    assert_eq!(world.key(&key.name).await?.account_version, 1);
    Ok(())
}
