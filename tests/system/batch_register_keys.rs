//! BatchRegisterKeys: keys become known once, and a repeat is no harm.

use anyhow::Result;
use proto::activation::v1::{BatchRegisterKeysRequest, KeyRegistration, ReleasePolicy, Suspension};
use system_tests::{DUTCH, Person, World, refusal};
use tonic::Code;

fn registration(number: u8) -> KeyRegistration {
    KeyRegistration {
        key_id: format!("{number:032x}"),
        product_key: format!("VENDORKEY{number:04}"),
        owner: "contoso".to_owned(),
        product: "products/windows-server-2019-standard".to_owned(),
        limit: 10,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_repeat_succeeds_and_other_terms_are_named_while_the_rest_is_recorded() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.activation(&Person::catalog().speaking(DUTCH))?;
    let request = BatchRegisterKeysRequest { keys: vec![registration(1), registration(2)] };
    let first = client.batch_register_keys(request.clone()).await?.into_inner();
    let again = client.batch_register_keys(request).await?.into_inner();
    assert_eq!(first, again);
    assert_eq!(first.keys[0].name, format!("productKeys/{:032x}", 1));
    assert_eq!(first.keys[1].account_version, 1, "a repeat records nothing");

    let other_limit = KeyRegistration { limit: 11, ..registration(1) };
    let other_id = KeyRegistration { key_id: format!("{:032x}", 9), ..registration(2) };
    let keys = vec![other_limit, registration(3), other_id];
    let refused = client.batch_register_keys(BatchRegisterKeysRequest { keys }).await;
    refusal(refused)?
        .is(Code::AlreadyExists, "KEY_ALREADY_REGISTERED")?
        .in_dutch()?
        .names(&["keys[0].limit", "keys[2].product_key"])?;
    assert_eq!(world.key(&format!("productKeys/{:032x}", 3)).await?.limit, 10, "the rest is there");
    assert_eq!(world.key(&format!("productKeys/{:032x}", 1)).await?.limit, 10);
    Ok(())
}

#[tokio::test]
async fn f8_a_repeat_brings_a_later_suspension_and_ignores_an_earlier_one() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.activation(&Person::catalog())?;
    for (generation, suspended, standing) in
        [(3, true, true), (2, false, true), (4, false, false), (4, true, false)]
    {
        let suspension = Some(Suspension { suspended, generation });
        let keys = vec![KeyRegistration { suspension, ..registration(1) }];
        let request = BatchRegisterKeysRequest { keys };
        let answer = client.batch_register_keys(request).await?.into_inner();
        let now = answer.keys[0].suspension.unwrap_or_default();
        assert_eq!(now.suspended, standing, "generation {generation}");
    }
    Ok(())
}

#[tokio::test]
async fn every_bad_field_of_every_entry_is_named_and_nothing_is_recorded() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.activation(&Person::ops_admin().speaking(DUTCH))?;
    let bad = KeyRegistration {
        key_id: "XYZ".to_owned(),
        product_key: "short".to_owned(),
        owner: String::new(),
        product: "windows".to_owned(),
        platforms: vec![1, 42],
        limit: 1_000_001,
        counting_mode: 77,
        release_policy: Some(ReleasePolicy { releases_max: 1 }),
        help_uri: "http://plain.example".to_owned(),
        ..Default::default()
    };
    let keys = vec![registration(1), bad, registration(1)];
    refusal(client.batch_register_keys(BatchRegisterKeysRequest { keys }).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .in_dutch()?
        .names(&[
            "keys[1].key_id",
            "keys[1].product_key",
            "keys[1].owner",
            "keys[1].product",
            "keys[1].platforms[1]",
            "keys[1].limit",
            "keys[1].counting_mode",
            "keys[1].help_uri",
            "keys[2].key_id",
            "keys[2].product_key",
        ])?;
    let none = world.key(&format!("productKeys/{:032x}", 1)).await;
    assert!(none.is_err(), "nothing is recorded");
    refusal(client.batch_register_keys(BatchRegisterKeysRequest::default()).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .names(&["keys"])?;
    let admin = Person::global_admin("anna", "contoso").speaking(DUTCH);
    let keys = vec![registration(5)];
    let mut client = world.activation(&admin)?;
    refusal(client.batch_register_keys(BatchRegisterKeysRequest { keys }).await)?
        .is(Code::PermissionDenied, "ROLE_MISSING")?
        .in_dutch()?;
    Ok(())
}
