//! GetKey: the terms and counts of a key, for those whose key it is.

use anyhow::Result;
use proto::activation::v1::{CountingMode, GetKeyRequest, KeyRegistration, Platform};
use system_tests::{Computer, DUTCH, Person, World, refusal};
use tonic::Code;

#[tokio::test]
async fn an_owner_sees_the_terms_and_the_counts_and_never_the_key() -> Result<()> {
    let world = World::start().await?;
    let terms = KeyRegistration {
        limit: 4,
        platforms: vec![Platform::Windows.into(), Platform::Linux.into()],
        ..Default::default()
    };
    let key = world.registered(terms).await?;
    world.activate(&key, &Computer::recorded()?).await?;
    let request = GetKeyRequest { name: key.name.clone() };
    for owner in [Person::global_admin("anna", "contoso"), Person::partner_admin("b", "contoso")] {
        let answer = world.activation(&owner)?.get_key(request.clone()).await?.into_inner();
        let found = answer.key.clone().unwrap_or_default();
        assert_eq!((found.used, found.limit, found.remaining), (1, 4, 3));
        assert_eq!(found.counting_mode(), CountingMode::HardwareTolerant);
        assert_eq!((&*found.owner, &*found.product), ("contoso", &*key.product));
        assert_eq!(found.platforms.len(), 2);
        assert!(found.create_time.is_some() && found.update_time.is_some() && !found.blocked);
        let bare = key.secret.replace('-', "");
        let shown = format!("{answer:?}").replace('-', "");
        assert!(!shown.contains(&bare), "the key itself is nowhere in the answer");
        assert!(answer.as_of_sequence > 0);
    }
    Ok(())
}

#[tokio::test]
async fn others_see_nothing_and_are_told_where_to_go() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(4).await?;
    let request = GetKeyRequest { name: key.name };
    let stranger = Person::global_admin("bert", "fabrikam").speaking(DUTCH);
    let mut client = world.activation(&stranger)?;
    let hidden = refusal(client.get_key(request.clone()).await)?
        .is(Code::NotFound, "KEY_NOT_FOUND")?
        .in_dutch()?;
    let unknown = GetKeyRequest { name: format!("productKeys/{}", "0".repeat(32)) };
    assert_eq!(refusal(client.get_key(unknown).await)?, hidden, "told alike");
    for name in ["", "productKeys/", "productKeys/XYZ", "partners/contoso"] {
        refusal(client.get_key(GetKeyRequest { name: name.to_owned() }).await)?
            .is(Code::InvalidArgument, "FIELD_INVALID")?
            .names(&["name"])?;
    }
    for (who, code, reason) in [
        (Person::installer(), Code::Unauthenticated, "CREDENTIALS_MISSING"),
        (Person::without_role("carla", "contoso"), Code::PermissionDenied, "ROLE_MISSING"),
        (Person::portal(), Code::PermissionDenied, "ROLE_MISSING"),
    ] {
        let mut client = world.activation(&who.speaking(DUTCH))?;
        refusal(client.get_key(request.clone()).await)?.is(code, reason)?.in_dutch()?;
    }
    Ok(())
}
