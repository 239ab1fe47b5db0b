//! Refusals: who may not, what cannot be, and that every one says why and where to go (R1, R11,
//! F9).

use proto::catalog::v1 as pb;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{
    ADMIN, NOON_MS, OFFICE, OPS, OPS_READ, READER, STRANGER, UNASSOCIATED, World, by, enrolment,
    import, in_dutch, list, refused, time,
};

fn reveals(parent: &str) -> pb::ListKeyRevealsRequest {
    pb::ListKeyRevealsRequest { parent: parent.to_owned(), ..Default::default() }
}

/// Every call about one partner's things, made by someone.
async fn partner_calls(world: &World, who: &str) -> Vec<(&'static str, Result<(), Status>)> {
    let name = OFFICE.to_owned();
    let mut client = world.client();
    let benefit = pb::GetBenefitRequest { name: name.clone(), ..Default::default() };
    let download = pb::GetDownloadRequest { name: name.clone(), ..Default::default() };
    let reveal = pb::RevealProductKeyRequest { name };
    let parent = "partners/contoso";
    vec![
        ("ListBenefits", client.list_benefits(by(who, list(parent))).await.map(drop)),
        ("GetBenefit", client.get_benefit(by(who, benefit)).await.map(drop)),
        ("GetDownload", client.get_download(by(who, download)).await.map(drop)),
        ("RevealProductKey", client.reveal_product_key(by(who, reveal)).await.map(drop)),
        ("ListKeyReveals", client.list_key_reveals(by(who, reveals(parent))).await.map(drop)),
    ]
}

#[tokio::test]
async fn f9_another_partners_admin_and_one_without_a_partner_are_not_associated() {
    let world = World::enrolled().await;
    for who in [STRANGER, UNASSOCIATED] {
        for (method, answer) in partner_calls(&world, who).await {
            let (code, reason, _) = refused(answer);
            assert_eq!(code, Code::PermissionDenied, "{method} by {who}");
            assert_eq!(reason, "NOT_ASSOCIATED", "{method} by {who}");
        }
    }
}

#[tokio::test]
async fn r1_f9_who_has_another_role_is_told_that_the_role_is_missing() {
    let world = World::enrolled().await;
    let without = "subject=rob;roles=PORTAL,CATALOG_READ;tenant=contoso";
    for (method, answer) in partner_calls(&world, without).await {
        let (code, reason, _) = refused(answer);
        let wanted = (Code::PermissionDenied, "ROLE_MISSING");
        assert_eq!((code, reason.as_str()), wanted, "{method}");
    }
    let answer = world.client().upsert_partner(by(ADMIN, Default::default())).await;
    assert_eq!(refused(answer).1, "ROLE_MISSING");
    let answer = world.client().reload_content(by(OPS_READ, Default::default())).await;
    assert_eq!(refused(answer).1, "ROLE_MISSING");
    let answer = world.client().import_product_keys(by(READER, Default::default())).await;
    assert_eq!(refused(answer).1, "ROLE_MISSING");
    let answer = world.client().list_products(pb::ListProductsRequest::default()).await;
    assert_eq!(refused(answer).1, "CREDENTIALS_MISSING");
}

#[tokio::test]
async fn f9_shape_comes_before_association_and_association_before_existence() {
    let world = World::enrolled().await;
    let answer = world.client().list_benefits(by(STRANGER, list("contoso"))).await;
    assert_eq!(refused(answer).1, "FIELD_INVALID");
    let nothing = "partners/contoso/benefits/core.no-such-product";
    assert_eq!(refused(world.reveal(STRANGER, nothing).await).1, "NOT_ASSOCIATED");
    assert_eq!(refused(world.reveal(ADMIN, nothing).await).1, "BENEFIT_NOT_FOUND");
    let elsewhere = "partners/contoso/benefits/no-such.office-professional-plus-2019";
    assert_eq!(refused(world.reveal(ADMIN, elsewhere).await).1, "BENEFIT_NOT_FOUND");
}

#[tokio::test]
async fn every_bad_field_of_a_list_is_named_at_once() {
    let world = World::enrolled().await;
    let request = pb::ListBenefitsRequest {
        parent: "partners/Contoso!".to_owned(),
        page_size: -1,
        page_token: "nonsense".to_owned(),
        search: "x".repeat(257),
        filter: "colour = red".to_owned(),
        order_by: "colour".to_owned(),
        language_code: "not a tag".to_owned(),
    };
    let (code, reason, mut fields) =
        refused(world.client().list_benefits(by(ADMIN, request)).await);
    fields.sort();
    assert_eq!((code, reason.as_str()), (Code::InvalidArgument, "FIELD_INVALID"));
    assert_eq!(
        fields,
        ["filter", "language_code", "order_by", "page_size", "page_token", "parent", "search"]
    );
}

#[tokio::test]
async fn every_bad_field_of_an_enrolment_is_named_at_once() {
    let world = World::empty().await;
    let upsert = |enrolment| pb::UpsertEnrolmentRequest { enrolment, validate_only: false };
    let (_, reason, mut fields) =
        refused(world.client().upsert_enrolment(by(OPS, upsert(None))).await);
    fields.sort();
    assert_eq!(reason, "FIELD_INVALID");
    assert_eq!(
        fields,
        ["enrolment.end_time", "enrolment.name", "enrolment.offer", "enrolment.start_time"]
    );
    let backwards = pb::Enrolment { end_time: time(NOON_MS), ..enrolment("e", NOON_MS, 0) };
    let answer = world.client().upsert_enrolment(by(OPS, upsert(Some(backwards)))).await;
    assert_eq!(refused(answer).2, ["enrolment.end_time"]);
    let mut far = enrolment("e", NOON_MS, NOON_MS + 1);
    far.end_time = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: -1 });
    let answer = world.client().upsert_enrolment(by(OPS, upsert(Some(far)))).await;
    assert_eq!(refused(answer).2, ["enrolment.end_time"]);
}

#[tokio::test]
async fn an_enrolment_needs_its_partner_and_its_offer_and_keeps_its_offer() {
    let world = World::empty().await;
    let answer = world.enrol("core", NOON_MS, NOON_MS + 1000).await;
    assert_eq!(refused(answer).1, "PARTNER_NOT_FOUND");
    world.partner("contoso").await;
    let mut other = enrolment("core", NOON_MS, NOON_MS + 1000);
    other.offer = "offers/no-such-offer".to_owned();
    let upsert = |enrolment: &pb::Enrolment| pb::UpsertEnrolmentRequest {
        enrolment: Some(enrolment.clone()),
        validate_only: false,
    };
    let answer = world.client().upsert_enrolment(by(OPS, upsert(&other))).await;
    assert_eq!(refused(answer).1, "OFFER_NOT_FOUND");
    world.enrol("core", NOON_MS, NOON_MS + 1000).await.expect("enrolled");
    other.offer = "offers/competency-datacenter".to_owned();
    let answer = world.client().upsert_enrolment(by(OPS, upsert(&other))).await;
    assert_eq!(refused(answer).2, ["enrolment.offer"]);
}

#[tokio::test]
async fn a_partner_has_a_name_and_a_display_name() {
    let world = World::empty().await;
    for (name, display_name, bad) in [
        ("contoso", "Contoso", "partner.name"),
        ("partners/contoso", "", "partner.display_name"),
        ("partners/contoso", "two\nlines", "partner.display_name"),
        ("partners/contoso", &"x".repeat(129), "partner.display_name"),
    ] {
        let partner =
            Some(pb::Partner { name: name.to_owned(), display_name: display_name.to_owned() });
        let request = pb::UpsertPartnerRequest { partner, validate_only: false };
        let answer = world.client().upsert_partner(by(OPS, request)).await;
        assert_eq!(refused(answer).2, [bad]);
    }
}

#[tokio::test]
async fn validating_a_partner_and_an_enrolment_changes_nothing() {
    let world = World::empty().await;
    let partner =
        Some(pb::Partner { name: "partners/contoso".to_owned(), display_name: "C".to_owned() });
    let request = pb::UpsertPartnerRequest { partner, validate_only: true };
    world.client().upsert_partner(by(OPS, request)).await.expect("valid");
    assert_eq!(refused(world.enrol("core", 0, 1000).await).1, "PARTNER_NOT_FOUND");
    world.partner("contoso").await;
    let request = pb::UpsertEnrolmentRequest {
        enrolment: Some(enrolment("core", NOON_MS, NOON_MS + 1000)),
        validate_only: true,
    };
    let answer = world.client().upsert_enrolment(by(OPS, request)).await.expect("valid");
    let state = answer.into_inner().enrolment.expect("an enrolment").state();
    assert_eq!(state, pb::EnrolmentState::Active);
    assert_eq!(refused(world.benefit(OFFICE).await).1, "BENEFIT_NOT_FOUND");
}

#[tokio::test]
async fn r11_a_refusal_speaks_dutch_to_a_dutch_reader() {
    let world = World::enrolled().await;
    let request = pb::RevealProductKeyRequest { name: OFFICE.to_owned() };
    let answer = world.client().reveal_product_key(in_dutch(by(ADMIN, request))).await;
    let status = answer.expect_err("no key yet");
    let details = status.get_error_details();
    let message = details.localized_message().expect("a message");
    assert_eq!(message.locale, "nl");
    assert!(message.message.contains("productcode"), "{}", message.message);
    let link = &details.help().expect("help").links[0];
    assert!(link.url.ends_with("/support-incidents") && link.description.contains("incident"));
}

#[tokio::test]
async fn a_message_of_ten_megabytes_is_refused_with_a_reason() {
    let world = World::empty().await;
    let big = "x".repeat(10 * 1024 * 1024);
    let answer = world.client().import_product_keys(by(OPS, import(&[(OFFICE, &big)]))).await;
    let (_, reason, _) = refused(answer);
    assert_eq!(reason, "MESSAGE_TOO_LARGE");
}
