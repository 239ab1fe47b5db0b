//! RevealProductKey: the key leaves only after it is on record who saw it (F7).

use anyhow::Result;
use proto::catalog::v1::{BenefitKeyState as KeyState, RevealProductKeyRequest};
use system_tests::{DUTCH, Person, Term, World, refusal};
use tonic::Code;

fn of(name: String) -> RevealProductKeyRequest {
    RevealProductKeyRequest { name }
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_f7_the_first_view_is_kept_for_ever() -> Result<()> {
    let mut world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let benefit = partner.benefit("windows-server-2019-standard");
    world.import_key(&benefit).await?;
    world.until_key_is(&partner, &benefit, KeyState::Ready).await?;
    let first = world.reveal(&partner, &benefit).await?;
    assert_eq!(first.first_viewed_by, "anna");
    assert!(first.product_key.starts_with("SB1") && first.product_key.contains('-'));

    world.pair.kill_catalog()?;
    world.pair.start_catalog()?;
    let mut second = world.catalog(&Person::partner_admin("bert", "contoso"))?;
    let again = second.reveal_product_key(of(benefit)).await?.into_inner();
    assert_eq!(again.product_key, first.product_key);
    assert_eq!(
        (again.first_viewed_by, again.first_viewed_time),
        ("anna".to_owned(), first.first_viewed_time)
    );
    assert_ne!(again.reveal, first.reveal, "each reveal is a record of its own");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_registered_yet_is_not_shown() -> Result<()> {
    let mut world = World::start().await?;
    let partner = world.partner("contoso").await?;
    world.pair.kill_activation()?;
    let benefit = partner.benefit("windows-server-2019-standard");
    world.import_key(&benefit).await?;
    let mut client = world.catalog(&partner.admin().speaking(DUTCH))?;
    refusal(client.reveal_product_key(of(benefit.clone())).await)?
        .is(Code::Unavailable, "KEY_PROVISIONING")?
        .in_dutch()?;
    world.pair.start_activation()?;
    let ready = world.until_key_is(&partner, &benefit, KeyState::Ready).await?;
    assert!(ready.first_viewed_time.is_none(), "a refusal is no view");
    client.reveal_product_key(of(benefit)).await?;
    Ok(())
}

#[tokio::test]
async fn r1_r5_f9_what_has_no_key_and_who_may_not_see_it() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let mut client = world.catalog(&partner.admin().speaking(DUTCH))?;
    for (product, code, reason) in [
        ("windows-server-2019-cals", Code::FailedPrecondition, "KEY_NOT_REQUIRED"),
        ("visio-professional-2019", Code::FailedPrecondition, "KEY_NOT_ASSIGNED"),
        ("windows-95", Code::NotFound, "BENEFIT_NOT_FOUND"),
    ] {
        let request = of(partner.benefit(product));
        refusal(client.reveal_product_key(request).await)?.is(code, reason)?.in_dutch()?;
    }
    // R5: a key without activation is shown as soon as it is imported.
    let database = partner.benefit("sql-server-2019-standard");
    world.import_key(&database).await?;
    assert!(!world.reveal(&partner, &database).await?.product_key.is_empty(), "R5");

    for (who, reason) in [
        (Person::global_admin("eve", "fabrikam"), "NOT_ASSOCIATED"),
        (Person::without_role("carla", "contoso"), "ROLE_MISSING"),
        (Person::ops_admin(), "ROLE_MISSING"),
        (Person::portal(), "ROLE_MISSING"),
    ] {
        let mut client = world.catalog(&who.speaking(DUTCH))?;
        refusal(client.reveal_product_key(of(database.clone())).await)?
            .is(Code::PermissionDenied, reason)?
            .in_dutch()?;
    }
    world.enrol(&partner, "core", "offers/maps-core", Term::Expired).await?;
    refusal(client.reveal_product_key(of(database)).await)?
        .is(Code::NotFound, "BENEFIT_NOT_FOUND")?;
    Ok(())
}
