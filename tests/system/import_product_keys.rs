//! ImportProductKeys: keys are recorded all or none, once, and then made known to the other
//! service.

use anyhow::Result;
use proto::catalog::v1::{
    BenefitKeyState as KeyState, ImportProductKeysRequest, ProductKeyImport, UsageState,
};
use system_tests::{Computer, DUTCH, Key, Person, World, refusal};
use tonic::Code;

fn import(benefit: &str, product_key: &str) -> ProductKeyImport {
    ProductKeyImport {
        benefit: benefit.to_owned(),
        product_key: product_key.to_owned(),
        operator_handle_allowed: false,
    }
}

fn of(keys: Vec<ProductKeyImport>) -> ImportProductKeysRequest {
    ImportProductKeysRequest { keys, validate_only: false }
}

#[tokio::test]
async fn a_vendors_key_is_kept_as_it_is_and_a_repeat_is_no_harm() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let benefit = partner.benefit("office-professional-plus-2019");
    let secret = "W269N-WFGWX-YVC9B-4J6C9-T83GX";
    let mut client = world.catalog(&Person::ops_admin().speaking(DUTCH))?;
    let check =
        ImportProductKeysRequest { validate_only: true, ..of(vec![import(&benefit, secret)]) };
    let checked = client.import_product_keys(check).await?.into_inner();
    assert_eq!(checked.keys[0].product_key_name, "");
    assert_eq!(world.benefit(&partner, &benefit).await?.key_state(), KeyState::NotAssigned);

    let request = of(vec![import(&benefit, secret)]);
    let first = client.import_product_keys(request.clone()).await?.into_inner();
    let again = client.import_product_keys(request).await?.into_inner();
    assert_eq!(first.keys[0].product_key_name, again.keys[0].product_key_name);
    world.until_key_is(&partner, &benefit, KeyState::Ready).await?;
    assert_eq!(world.reveal(&partner, &benefit).await?.product_key, secret);
    let known = world.key(&first.keys[0].product_key_name).await?;
    assert_eq!((&*known.owner, known.limit, known.used), ("contoso", 25, 0), "R10");
    assert!(known.help_uri.starts_with("https://"), "R11");

    refusal(client.import_product_keys(of(vec![import(&benefit, "OTHER-KEYAA-BBBBB")])).await)?
        .is(Code::AlreadyExists, "KEY_ALREADY_ASSIGNED")?
        .in_dutch()?
        .names(&["keys[0].product_key"])?;
    let elsewhere = import(&partner.benefit("visio-professional-2019"), secret);
    refusal(client.import_product_keys(of(vec![elsewhere])).await)?
        .is(Code::AlreadyExists, "KEY_ALREADY_ASSIGNED")?;
    Ok(())
}

#[tokio::test]
async fn r6_an_issued_key_activates_and_its_use_shows_in_the_benefit() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let benefit = partner.benefit("windows-server-2019-standard");
    let handle = ProductKeyImport { operator_handle_allowed: true, ..import(&benefit, "") };
    world.catalog(&Person::ops_admin())?.import_product_keys(of(vec![handle])).await?;
    world.until_key_is(&partner, &benefit, KeyState::Ready).await?;
    let shown = world.reveal(&partner, &benefit).await?;
    let product = "products/windows-server-2019-standard".to_owned();
    let key = Key { name: shown.product_key_name, secret: shown.product_key, product };
    world.activate(&key, &Computer::recorded()?).await?;
    world.activate(&key, &Computer::container("rack-1")).await?;
    let usage = world.benefit(&partner, &benefit).await?.usage.unwrap_or_default();
    assert_eq!((usage.state(), usage.used, usage.limit), (UsageState::Available, 2, 10));
    Ok(())
}

#[tokio::test]
async fn one_bad_entry_keeps_all_others_out() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let (good, visio) =
        (partner.benefit("project-professional-2019"), partner.benefit("visio-professional-2019"));
    let mut client = world.catalog(&Person::ops_admin().speaking(DUTCH))?;
    let request = of(vec![
        import(&good, ""),
        import("x", "k\u{1}"),
        import(&good, ""),
        import(&visio, "tiny"),
    ]);
    refusal(client.import_product_keys(request).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .in_dutch()?
        .names(&[
            "keys[1].benefit",
            "keys[1].product_key",
            "keys[2].benefit",
            "keys[3].product_key",
        ])?;
    let unknown = partner.benefit("windows-95");
    refusal(client.import_product_keys(of(vec![import(&good, ""), import(&unknown, "")])).await)?
        .is(Code::NotFound, "BENEFIT_NOT_FOUND")?
        .in_dutch()?
        .names(&["keys[1].benefit"])?;
    let cals = partner.benefit("windows-server-2019-cals");
    refusal(client.import_product_keys(of(vec![import(&good, ""), import(&cals, "")])).await)?
        .is(Code::FailedPrecondition, "KEY_NOT_REQUIRED")?
        .in_dutch()?;
    for count in [0, 501] {
        let keys = vec![import(&good, ""); count];
        refusal(client.import_product_keys(of(keys)).await)?
            .is(Code::InvalidArgument, "FIELD_INVALID")?
            .names(&["keys"])?;
    }
    assert_eq!(world.benefit(&partner, &good).await?.key_state(), KeyState::NotAssigned);
    let mut admin = world.catalog(&partner.admin())?;
    refusal(admin.import_product_keys(of(vec![import(&good, "")])).await)?
        .is(Code::PermissionDenied, "ROLE_MISSING")?;
    Ok(())
}
