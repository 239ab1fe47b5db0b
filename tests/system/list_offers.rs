//! ListOffers: what each offer grants and how it counts, for operators.

use anyhow::Result;
use proto::catalog::v1::{CountingMode, ListOffersRequest};
use system_tests::{DUTCH, Person, World, refusal};
use tonic::Code;

#[tokio::test]
async fn f4_f5_offers_tell_licences_limits_and_counting_apart() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.catalog(&Person::ops_read().speaking(DUTCH))?;
    let mut request = ListOffersRequest { page_size: 1, ..Default::default() };
    let mut offers = Vec::new();
    for _ in 0..2 {
        let page = client.list_offers(request.clone()).await?.into_inner();
        offers.extend(page.offers);
        request.page_token = page.next_page_token;
    }
    assert_eq!(request.page_token, "");
    assert_eq!(offers[0].name, "offers/competency-datacenter");
    assert_eq!(offers[0].counting_mode(), CountingMode::EveryActivation, "F5");
    assert!(offers[0].title.contains("Competentie"), "in Dutch");
    let core = &offers[1];
    assert_eq!(
        (&*core.name, &*core.program, &*core.specialisation),
        ("offers/maps-core", "MAPS", "Core")
    );
    assert_eq!((core.counting_mode(), core.grants.len()), (CountingMode::HardwareTolerant, 32));
    let grant = |product: &str| {
        let found = core.grants.iter().find(|grant| grant.product == format!("products/{product}"));
        found.cloned().unwrap_or_default()
    };
    let server = grant("windows-server-2019-standard");
    assert_eq!(server.licence_quantity.unwrap_or_default().value, 16, "F4");
    assert_eq!((server.activation_limit, server.activation_limit_sample), (10, true), "F4");
    assert_eq!(grant("windows-server-2019-cals").activation_limit, 0, "R9");
    let printed = grant("dynamics-crm-2016-workgroup-server").licence_quantity.unwrap_or_default();
    assert_eq!(printed.printed, "One server license provides access to five users");
    Ok(())
}

#[tokio::test]
async fn only_operators_see_offers() -> Result<()> {
    let world = World::start().await?;
    let mut admin = world.catalog(&Person::global_admin("anna", "contoso").speaking(DUTCH))?;
    refusal(admin.list_offers(ListOffersRequest::default()).await)?
        .is(Code::PermissionDenied, "ROLE_MISSING")?
        .in_dutch()?;
    let mut client = world.catalog(&Person::ops_admin().speaking(DUTCH))?;
    let bad =
        ListOffersRequest { page_size: -9, page_token: "x".into(), language_code: "!".into() };
    refusal(client.list_offers(bad).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .in_dutch()?
        .names(&["page_size", "page_token", "language_code"])?;
    Ok(())
}
