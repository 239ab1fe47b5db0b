//! UpsertPartner: partners are made and renamed by operators alone.

use anyhow::Result;
use proto::catalog::v1::{Partner, UpsertPartnerRequest};
use system_tests::{DUTCH, Person, Term, World, refusal};
use tonic::Code;

fn of(name: &str, display_name: &str, validate_only: bool) -> UpsertPartnerRequest {
    let partner = Partner { name: name.to_owned(), display_name: display_name.to_owned() };
    UpsertPartnerRequest { partner: Some(partner), validate_only }
}

#[tokio::test]
async fn a_partner_is_made_renamed_and_only_checked_when_asked() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.catalog(&Person::ops_admin())?;
    client.upsert_partner(of("partners/contoso", "Contoso", true)).await?;
    // What was only checked is not there: nothing can be enrolled in it.
    let enrolment =
        Term::Active.enrolment("partners/contoso/enrolments/core", "offers/maps-core")?;
    let request = proto::catalog::v1::UpsertEnrolmentRequest {
        enrolment: Some(enrolment),
        validate_only: false,
    };
    refusal(client.upsert_enrolment(request.clone()).await)?
        .is(Code::NotFound, "PARTNER_NOT_FOUND")?;
    for name in ["Contoso", "Contoso", "Contoso BV"] {
        let answer = client.upsert_partner(of("partners/contoso", name, false)).await?.into_inner();
        assert_eq!(answer.partner.unwrap_or_default().display_name, name);
    }
    client.upsert_enrolment(request).await?;
    Ok(())
}

#[tokio::test]
async fn bad_partners_and_other_roles_are_refused() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.catalog(&Person::ops_admin().speaking(DUTCH))?;
    for (name, display_name) in
        [("", ""), ("partners/Contoso Ltd", "a\u{7}b"), ("contoso", &"n".repeat(129))]
    {
        refusal(client.upsert_partner(of(name, display_name, false)).await)?
            .is(Code::InvalidArgument, "FIELD_INVALID")?
            .in_dutch()?
            .names(&["partner.name", "partner.display_name"])?;
    }
    for who in [Person::ops_read(), Person::global_admin("anna", "contoso"), Person::catalog()] {
        let mut client = world.catalog(&who)?;
        refusal(client.upsert_partner(of("partners/contoso", "Contoso", false)).await)?
            .is(Code::PermissionDenied, "ROLE_MISSING")?;
    }
    Ok(())
}
