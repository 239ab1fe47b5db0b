//! GetBenefit: one row, with the counting of its offer and the use of its key.

use anyhow::Result;
use proto::catalog::v1::{
    BenefitKeyState as KeyState, CountingMode, GetBenefitRequest, UsageState,
};
use system_tests::{DUTCH, Person, Term, World, refusal};
use tonic::Code;

fn of(name: String) -> GetBenefitRequest {
    GetBenefitRequest { name, ..Default::default() }
}

#[tokio::test]
async fn f5_the_same_product_counts_as_each_offer_says() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    world.enrol(&partner, "dc", "offers/competency-datacenter", Term::Active).await?;
    let product = "windows-server-2019-standard";
    let core = world.benefit(&partner, &partner.benefit(product)).await?;
    let dc = world.benefit(&partner, &partner.benefit_of("dc", product)).await?;
    assert_eq!(core.counting_mode(), CountingMode::HardwareTolerant);
    assert_eq!(dc.counting_mode(), CountingMode::EveryActivation, "F5");
    assert_eq!((core.activation_limit, dc.activation_limit), (10, 60));
    assert_eq!(core.key_state(), KeyState::NotAssigned);
    assert_eq!(core.usage.unwrap_or_default().state(), UsageState::NotApplicable);
    Ok(())
}

#[tokio::test]
async fn f8_a_benefit_goes_with_its_enrolment_and_stays_in_the_grace() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let name = partner.benefit("office-professional-plus-2019");
    world.enrol(&partner, "core", "offers/maps-core", Term::Grace).await?;
    assert_eq!(world.benefit(&partner, &name).await?.name, name);
    world.enrol(&partner, "core", "offers/maps-core", Term::Expired).await?;
    let mut client = world.catalog(&partner.admin().speaking(DUTCH))?;
    refusal(client.get_benefit(of(name)).await)?
        .is(Code::NotFound, "BENEFIT_NOT_FOUND")?
        .in_dutch()?;
    Ok(())
}

#[tokio::test]
async fn f9_benefits_of_others_and_unknown_ones_are_refused() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let name = partner.benefit("office-professional-plus-2019");
    let mut stranger = world.catalog(&Person::global_admin("eve", "fabrikam").speaking(DUTCH))?;
    refusal(stranger.get_benefit(of(name.clone())).await)?
        .is(Code::PermissionDenied, "NOT_ASSOCIATED")?
        .in_dutch()?;
    let mut nobody = world.catalog(&Person::without_role("carla", "contoso"))?;
    refusal(nobody.get_benefit(of(name)).await)?.is(Code::PermissionDenied, "ROLE_MISSING")?;
    let mut client = world.catalog(&partner.admin().speaking(DUTCH))?;
    for unknown in ["windows-95", "visio-standard"] {
        refusal(client.get_benefit(of(partner.benefit(unknown))).await)?
            .is(Code::NotFound, "BENEFIT_NOT_FOUND")?;
    }
    for bad in
        ["", "partners/contoso", "partners/contoso/benefits/core", "partners/../benefits/a.b"]
    {
        refusal(client.get_benefit(of(bad.to_owned())).await)?
            .is(Code::InvalidArgument, "FIELD_INVALID")?
            .names(&["name"])?;
    }
    Ok(())
}
