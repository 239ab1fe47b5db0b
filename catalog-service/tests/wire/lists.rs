//! Lists: what a partner sees, in which order, page by page, with the use of its keys.

use proto::catalog::v1 as pb;
use tonic::Code;

use crate::fake::Mood;
use crate::world::{
    ADMIN, CALS, DAY_MS, MPN_ADMIN, NOON_MS, OFFICE, OPS, READER, STRANGER, UNASSOCIATED, World,
    by, in_dutch, list, refused,
};

async fn rows(world: &World, request: pb::ListBenefitsRequest) -> pb::ListBenefitsResponse {
    let answer = world.client().list_benefits(by(ADMIN, request)).await;
    answer.expect("a list").into_inner()
}

#[tokio::test]
async fn r1_r2_both_admins_see_what_the_active_offer_grants() {
    let world = World::enrolled().await;
    for who in [ADMIN, MPN_ADMIN] {
        let answer = world.client().list_benefits(by(who, list("partners/contoso"))).await;
        let answer = answer.expect("a list").into_inner();
        assert_eq!(answer.state(), pb::BenefitListState::Active);
        assert!(answer.total_size > 20 && answer.state_note.is_empty());
        assert!(answer.manage_uri.ends_with("/manage-benefits"), "R11");
    }
}

#[tokio::test]
async fn f1_f4_a_row_says_source_licences_activations_and_activate_by() {
    let world = World::enrolled().await;
    let row = world.benefit(OFFICE).await.expect("a benefit");
    assert_eq!((row.source.as_str(), row.offer.as_str()), ("MAPS - Core", "offers/maps-core"));
    let licences = row.licence_quantity.clone().expect("licences");
    assert_eq!((licences.value, row.activation_limit), (10, 25));
    assert!(row.activation_limit_sample);
    let ends = NOON_MS + (364 + 30) * DAY_MS;
    assert_eq!(row.activate_by_time.expect("a time").seconds, ends / 1000);
    assert_eq!(row.counting_mode(), pb::CountingMode::HardwareTolerant);
    assert_eq!(row.key_state(), pb::BenefitKeyState::NotAssigned);
    assert_eq!(row.usage.expect("usage").state(), pb::UsageState::NotApplicable);
}

#[tokio::test]
async fn r9_a_cal_says_where_it_is_managed() {
    let world = World::enrolled().await;
    let row = world.benefit(CALS).await.expect("a benefit");
    assert!(!row.downloadable && !row.key_required && !row.not_downloadable_note.is_empty());
    assert_eq!(row.key_state(), pb::BenefitKeyState::NotRequired);
    assert_eq!(row.activation_limit, 0);
}

#[tokio::test]
async fn f1_the_list_is_searched_filtered_and_ordered() {
    let world = World::enrolled().await;
    let mut request = list("partners/contoso");
    request.search = "OFFICE 2019".to_owned();
    let found = rows(&world, request.clone()).await;
    assert!(found.benefits.iter().any(|row| row.name == OFFICE));
    assert!(found.benefits.iter().all(|row| row.title.contains("2019")));

    request.search.clear();
    request.filter = "downloadable = false AND key_state = NOT_REQUIRED".to_owned();
    request.order_by = "title desc".to_owned();
    let found = rows(&world, request).await;
    let titles: Vec<_> = found.benefits.iter().map(|row| row.title.clone()).collect();
    let mut sorted = titles.clone();
    sorted.sort_by_key(|title| std::cmp::Reverse(title.to_lowercase()));
    assert!(titles.len() > 3 && titles == sorted, "{titles:?}");
}

#[tokio::test]
async fn pages_put_together_are_the_list() {
    let world = World::enrolled().await;
    let whole = rows(&world, list("partners/contoso")).await;
    let (mut walked, mut request) = (Vec::new(), list("partners/contoso"));
    request.page_size = 7;
    loop {
        let page = rows(&world, request.clone()).await;
        assert!(page.benefits.len() <= 7 && page.total_size == whole.total_size);
        walked.extend(page.benefits.into_iter().map(|row| row.name));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let names: Vec<_> = whole.benefits.into_iter().map(|row| row.name).collect();
    assert_eq!(walked, names);
}

#[tokio::test]
async fn a_reader_goes_on_with_its_list_after_a_restart() {
    let mut world = World::enrolled().await;
    world.config.secrets.page_token_secret = None;
    world.stop().await;
    world.start().await;
    let mut request = list("partners/contoso");
    request.page_size = 3;
    let first = rows(&world, request.clone()).await;
    world.stop().await;
    world.start().await;
    request.page_token = first.next_page_token;
    let second = rows(&world, request).await;
    assert_eq!((second.benefits.len(), second.total_size), (3, first.total_size));
    let names = |rows: &[pb::Benefit]| rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>();
    let (one, two) = (names(&first.benefits), names(&second.benefits));
    assert!(two.iter().all(|name| !one.contains(name)), "{one:?} {two:?}");
}

#[tokio::test]
async fn a_token_belongs_to_its_query_and_its_service() {
    let world = World::enrolled().await;
    let mut request = list("partners/contoso");
    request.page_size = 3;
    let token = rows(&world, request.clone()).await.next_page_token;
    let made_up = "AAAA".to_owned();
    for (search, token) in [("office", token), ("", made_up)] {
        let request = pb::ListBenefitsRequest {
            search: search.to_owned(),
            page_token: token,
            ..request.clone()
        };
        let (code, reason, fields) =
            refused(world.client().list_benefits(by(ADMIN, request)).await);
        assert_eq!((code, reason.as_str()), (Code::InvalidArgument, "FIELD_INVALID"));
        assert_eq!(fields, ["page_token"]);
    }
}

#[tokio::test]
async fn a_page_that_was_made_for_a_partner_is_shown_to_nobody_else() {
    let world = World::enrolled().await;
    let list = || list("partners/contoso");
    assert!(!rows(&world, list()).await.benefits.is_empty());
    for who in [STRANGER, UNASSOCIATED] {
        let (code, reason, _) = refused(world.client().list_benefits(by(who, list())).await);
        assert_eq!((code, reason.as_str()), (Code::PermissionDenied, "NOT_ASSOCIATED"), "{who}");
    }
    assert!(!rows(&world, list()).await.benefits.is_empty());
}

#[tokio::test]
async fn each_spelling_of_a_query_gets_a_token_of_its_own() {
    let world = World::enrolled().await;
    let mut request = list("partners/contoso");
    request.page_size = 3;
    let mut tokens = Vec::new();
    for filter in ["downloadable = true", "downloadable=true"] {
        request.filter = filter.to_owned();
        request.page_token.clear();
        let token = rows(&world, request.clone()).await.next_page_token;
        request.page_token = token.clone();
        assert_eq!(rows(&world, request.clone()).await.benefits.len(), 3, "{filter}");
        tokens.push(token);
    }
    assert_ne!(tokens[0], tokens[1]);
}

#[tokio::test]
async fn texts_fall_back_from_dutch_of_belgium_to_dutch_and_from_klingon_to_english() {
    let world = World::enrolled().await;
    let mut request = list("partners/contoso");
    for (code, served) in [("nl-BE", "nl"), ("tlh", "en"), ("", "en")] {
        request.language_code = code.to_owned();
        let answer = rows(&world, request.clone()).await;
        let cal = answer.benefits.iter().find(|row| row.name == CALS).expect("the CAL");
        assert_eq!(cal.language_code, served, "{code}");
    }
    let accepted = in_dutch(by(ADMIN, list("partners/contoso")));
    let answer = world.client().list_benefits(accepted).await.expect("a list").into_inner();
    let cal = answer.benefits.iter().find(|row| row.name == CALS).expect("the CAL");
    assert_eq!(cal.language_code, "nl");
}

#[tokio::test]
async fn the_use_of_all_keys_of_a_page_is_joined_in_one_call() {
    let world = World::enrolled().await;
    world.import(OFFICE, "").await.expect("imported");
    world.import(crate::world::SERVER, "").await.expect("imported");
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    world.until_key(crate::world::SERVER, pb::BenefitKeyState::Ready).await;
    let before = world.fake.ledger().calls;
    let answer = rows(&world, list("partners/contoso")).await;
    assert_eq!(world.fake.ledger().calls, before + 1);
    let office = answer.benefits.iter().find(|row| row.name == OFFICE).expect("the row");
    let usage = office.usage.expect("usage");
    assert_eq!(usage.state(), pb::UsageState::Available);
    assert_eq!((usage.used, usage.limit, usage.remaining), (2, 25, 23));
    assert_eq!(usage.as_of_time.expect("a time").seconds, 1_700_000_000);
}

#[tokio::test]
async fn without_the_activation_service_the_list_still_comes_and_says_so() {
    let world = World::enrolled().await;
    world.import(OFFICE, "").await.expect("imported");
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    for mood in [Mood::Down, Mood::SilentOnUsage] {
        world.fake.mood(mood);
        let row = world.benefit(OFFICE).await.expect("a benefit");
        let usage = row.usage.expect("usage");
        assert_eq!(usage.state(), pb::UsageState::Unavailable, "{mood:?}");
        assert!(usage.as_of_time.is_some() && usage.limit == 0);
    }
}

#[tokio::test]
async fn f9_without_an_offer_the_list_is_empty_and_says_where_to_go() {
    let world = World::empty().await;
    let answer = rows(&world, list("partners/contoso")).await;
    assert!(answer.benefits.is_empty() && answer.total_size == 0);
    assert_eq!(answer.state(), pb::BenefitListState::NoActiveOffer);
    assert!(answer.state_note.contains("no active offer"));
    let dutch = in_dutch(by(ADMIN, list("partners/contoso")));
    let answer = world.client().list_benefits(dutch).await.expect("a list").into_inner();
    assert!(answer.state_note.contains("geen actieve aanbieding"));
}

#[tokio::test]
async fn f8_f9_an_enrolment_before_its_start_is_being_provisioned() {
    let world = World::empty().await;
    world.partner("contoso").await;
    world.enrol("core", NOON_MS + DAY_MS, NOON_MS + 366 * DAY_MS).await.expect("enrolled");
    let answer = rows(&world, list("partners/contoso")).await;
    assert_eq!(answer.state(), pb::BenefitListState::Provisioning);
    assert!(answer.benefits.is_empty() && answer.state_note.contains("24 hours"));
    world.clock.set(NOON_MS + DAY_MS);
    let answer = rows(&world, list("partners/contoso")).await;
    assert_eq!(answer.state(), pb::BenefitListState::Active);
}

#[tokio::test]
async fn products_and_offers_are_listed_page_by_page() {
    let world = World::empty().await;
    let (mut names, mut request) = (Vec::new(), pb::ListProductsRequest::default());
    request.page_size = 10;
    loop {
        let page = world.client().list_products(by(READER, request.clone())).await;
        let page = page.expect("a page").into_inner();
        names.extend(page.products.into_iter().map(|product| product.name));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert!(names.len() > 20 && names.is_sorted());
    let offers = world.client().list_offers(by(OPS, pb::ListOffersRequest::default())).await;
    let offers = offers.expect("offers").into_inner().offers;
    let maps = offers.iter().find(|offer| offer.name == "offers/maps-core").expect("MAPS");
    assert_eq!((maps.program.as_str(), maps.specialisation.as_str()), ("MAPS", "Core"));
    assert!(!maps.grants.is_empty());
    let every = |offer: &&pb::Offer| offer.counting_mode() == pb::CountingMode::EveryActivation;
    assert!(offers.iter().find(every).is_some(), "F5");
}
