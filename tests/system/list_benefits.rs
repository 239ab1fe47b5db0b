//! ListBenefits: who sees what a partner is entitled to (R1, R2), and the three empty states (F9).

use anyhow::Result;
use proto::catalog::v1::{
    BenefitKeyState as KeyState, BenefitListState as State, EnrolmentState, ListBenefitsRequest,
    UsageState,
};
use system_tests::{Computer, DUTCH, Person, Term, World, refusal};
use tonic::Code;

fn of(parent: String) -> ListBenefitsRequest {
    ListBenefitsRequest { parent, page_size: 200, ..Default::default() }
}

#[tokio::test]
async fn r1_r2_f1_both_roles_see_what_the_active_offer_grants() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let key = world.key_of(&partner, "windows-server-2019-standard").await?;
    world.activate(&key, &Computer::recorded()?).await?;
    for reader in [Person::global_admin("a", "contoso"), Person::partner_admin("b", "contoso")] {
        let mut client = world.catalog(&reader.speaking(DUTCH))?;
        let list = client.list_benefits(of(partner.name())).await?.into_inner();
        assert_eq!((list.state(), list.total_size), (State::Active, 32), "R2");
        let named = |product: &str| {
            let name = partner.benefit(product);
            list.benefits.iter().find(|row| row.name == name).cloned().unwrap_or_default()
        };
        let server = named("windows-server-2019-standard");
        assert_eq!((&*server.source, &*server.offer), ("MAPS - Core", "offers/maps-core"), "F1");
        let quantity = server.licence_quantity.clone().unwrap_or_default();
        assert_eq!((quantity.value, &*quantity.unit, server.activation_limit), (16, "core", 10));
        assert!(server.activation_limit_sample, "F4: the vendor printed licences only");
        assert_eq!(server.enrolment_state(), EnrolmentState::Active);
        assert!(server.activate_by_time.is_some() && server.language_code == "nl");
        assert_eq!((server.key_state(), &server.product_key_name), (KeyState::Ready, &key.name));
        assert!(server.first_viewed_time.is_some(), "F7");
        let usage = server.usage.unwrap_or_default();
        assert_eq!((usage.state(), usage.used, usage.remaining), (UsageState::Available, 1, 9));

        let cals = named("windows-server-2019-cals");
        assert!(!cals.downloadable && cals.key_state() == KeyState::NotRequired, "R9");
        assert_eq!(cals.usage.unwrap_or_default().state(), UsageState::NotApplicable);
        let office = named("office-professional-plus-2019");
        assert_eq!(office.key_state(), KeyState::NotAssigned);
        assert!(list.manage_uri.starts_with("https://"), "R11");
    }
    Ok(())
}

#[tokio::test]
async fn r1_f9_the_denied_states_have_their_own_reasons() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    for (who, code, reason) in [
        (Person::global_admin("eve", "fabrikam"), Code::PermissionDenied, "NOT_ASSOCIATED"),
        (Person::without_role("carla", "contoso"), Code::PermissionDenied, "ROLE_MISSING"),
        (Person::ops_admin(), Code::PermissionDenied, "ROLE_MISSING"),
        (Person::portal(), Code::PermissionDenied, "ROLE_MISSING"),
        (Person::installer(), Code::Unauthenticated, "CREDENTIALS_MISSING"),
    ] {
        let mut client = world.catalog(&who.clone().speaking(DUTCH))?;
        let refused = refusal(client.list_benefits(of(partner.name())).await)?;
        refused.is(code, reason)?.in_dutch()?;
        let mut english = world.catalog(&who)?;
        let refused = refusal(english.list_benefits(of(partner.name())).await)?;
        assert_eq!(refused.is(code, reason)?.locale, "en");
    }
    Ok(())
}

#[tokio::test]
async fn f8_f9_without_an_active_offer_the_list_is_empty_and_says_why() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner_without_offer("contoso").await?;
    let mut client = world.catalog(&partner.admin().speaking(DUTCH))?;
    let list = client.list_benefits(of(partner.name())).await?.into_inner();
    assert_eq!((list.state(), list.benefits.len()), (State::NoActiveOffer, 0), "F9");
    assert!(list.state_note.contains("geen actieve aanbieding"), "{}", list.state_note);
    for (term, state, rows) in [
        (Term::Provisioning, State::Provisioning, 0),
        (Term::Active, State::Active, 32),
        (Term::Grace, State::Active, 32),
        (Term::Expired, State::NoActiveOffer, 0),
    ] {
        world.enrol(&partner, "core", "offers/maps-core", term).await?;
        let list = client.list_benefits(of(partner.name())).await?.into_inner();
        assert_eq!((list.state(), list.benefits.len()), (state, rows), "F8: {term:?}");
        assert_eq!(list.state_note.is_empty(), state == State::Active, "{term:?}");
    }
    // Several offers at once, each with its own end.
    world.enrol(&partner, "dc", "offers/competency-datacenter", Term::Active).await?;
    let list = client.list_benefits(of(partner.name())).await?.into_inner();
    assert!(!list.benefits.is_empty());
    assert!(list.benefits.iter().all(|row| row.offer == "offers/competency-datacenter"));
    Ok(())
}

#[tokio::test]
async fn f1_the_list_is_searched_filtered_ordered_and_paged() -> Result<()> {
    let world = World::start().await?;
    let partner = world.partner("contoso").await?;
    let mut client = world.catalog(&partner.admin().speaking(DUTCH))?;
    let mut request = of(partner.name());
    request.search = "server 2019 MAPS".to_owned();
    request.filter = "downloadable = true AND family != \"windows-server\"".to_owned();
    request.order_by = "product desc".to_owned();
    let all = client.list_benefits(request.clone()).await?.into_inner().benefits;
    assert!(all.len() >= 3, "{}", all.len());
    assert!(all.is_sorted_by(|a, b| a.product > b.product));
    assert!(all.iter().all(|row| row.downloadable && row.family != "windows-server"));

    request.page_size = 2;
    let mut paged = Vec::new();
    while paged.len() < all.len() {
        let page = client.list_benefits(request.clone()).await?.into_inner();
        assert!(!page.benefits.is_empty() && page.benefits.len() <= 2);
        assert_eq!(usize::try_from(page.total_size)?, all.len());
        paged.extend(page.benefits);
        request.page_token = page.next_page_token;
    }
    let names = |rows: &[proto::catalog::v1::Benefit]| {
        rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&paged), names(&all));

    let bad = ListBenefitsRequest {
        parent: "contoso".to_owned(),
        page_size: -2,
        page_token: "x".to_owned(),
        search: "s".repeat(257),
        filter: "colour = red".to_owned(),
        order_by: "price".to_owned(),
        language_code: "??".to_owned(),
    };
    refusal(client.list_benefits(bad).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .in_dutch()?
        .names(&[
            "parent",
            "page_size",
            "page_token",
            "search",
            "filter",
            "order_by",
            "language_code",
        ])?;
    Ok(())
}
