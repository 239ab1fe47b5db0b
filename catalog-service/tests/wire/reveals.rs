//! Revealing keys: recorded first, first viewers told, and only what is there and in force (F7,
//! F8).

use proto::catalog::v1 as pb;
use tonic::Code;
use tonic_types::StatusExt;

use crate::fake::Mood;
use crate::world::{
    ADMIN, CALS, DAY_MS, MPN_ADMIN, NOON_MS, OFFICE, OPS_READ, SQL, World, by, refused,
};

const KEY: &str = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE";

async fn reveals(world: &World, who: &str, size: i32, token: &str) -> pb::ListKeyRevealsResponse {
    let request = pb::ListKeyRevealsRequest {
        parent: "partners/contoso".to_owned(),
        page_size: size,
        page_token: token.to_owned(),
    };
    world.client().list_key_reveals(by(who, request)).await.expect("a list").into_inner()
}

#[tokio::test]
async fn f7_who_revealed_first_stays_and_every_reveal_is_listed_newest_first() {
    let world = World::enrolled().await;
    let id = world.import(OFFICE, KEY).await.expect("imported");
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    let one = world.reveal(ADMIN, OFFICE).await.expect("revealed");
    world.clock.set(NOON_MS + 1000);
    let two = world.reveal(MPN_ADMIN, OFFICE).await.expect("revealed");
    assert_eq!(one.product_key, KEY);
    assert_eq!(one.product_key_name, format!("productKeys/{id}"));
    for answer in [&one, &two] {
        assert_eq!(answer.first_viewed_by, "ann");
        assert_eq!(answer.first_viewed_time.expect("a time").seconds, NOON_MS / 1000);
    }
    let row = world.benefit(OFFICE).await.expect("a benefit");
    assert_eq!(row.first_viewed_time.expect("a time").seconds, NOON_MS / 1000);

    let newest = reveals(&world, ADMIN, 1, "").await;
    assert_eq!(newest.reveals[0].name, two.reveal);
    assert_eq!((newest.reveals[0].subject.as_str(), newest.reveals[0].first), ("mia", false));
    let oldest = reveals(&world, ADMIN, 1, &newest.next_page_token).await;
    assert_eq!((oldest.reveals[0].name.clone(), oldest.reveals[0].first), (one.reveal, true));
    assert_eq!(
        (oldest.reveals[0].benefit.as_str(), oldest.next_page_token),
        (OFFICE, String::new())
    );
    assert_eq!(reveals(&world, OPS_READ, 0, "").await.reveals.len(), 2, "operators may look");
}

#[tokio::test]
async fn f7_a_reveal_survives_a_kill_right_after_its_answer() {
    let mut world = World::enrolled().await;
    world.import(SQL, KEY).await.expect("imported");
    let answer = world.reveal(ADMIN, SQL).await.expect("revealed");
    world.kill().await;
    world.start().await;
    assert_eq!(reveals(&world, ADMIN, 0, "").await.reveals[0].name, answer.reveal);
}

#[tokio::test]
async fn a_key_is_not_shown_before_the_activation_service_knows_it() {
    let world = World::enrolled().await;
    world.fake.mood(Mood::Down);
    world.import(OFFICE, KEY).await.expect("imported");
    let answer = world.reveal(ADMIN, OFFICE).await;
    let status = answer.as_ref().expect_err("refused").clone();
    let (code, reason, _) = refused(answer);
    assert_eq!((code, reason.as_str()), (Code::Unavailable, "KEY_PROVISIONING"));
    assert!(status.get_error_details().retry_info().is_some());
    assert!(reveals(&world, ADMIN, 0, "").await.reveals.is_empty(), "nothing was shown");
    world.recover();
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    world.reveal(ADMIN, OFFICE).await.expect("revealed");
}

#[tokio::test]
async fn without_a_key_the_reason_says_which_kind_of_without() {
    let world = World::enrolled().await;
    assert_eq!(refused(world.reveal(ADMIN, OFFICE).await).1, "KEY_NOT_ASSIGNED");
    assert_eq!(refused(world.reveal(ADMIN, CALS).await).1, "KEY_NOT_REQUIRED");
}

#[tokio::test]
async fn f8_in_the_grace_a_key_is_shown_and_after_it_the_benefit_is_gone() {
    let world = World::enrolled().await;
    world.import(SQL, KEY).await.expect("imported");
    let end_ms = NOON_MS + 364 * DAY_MS;
    world.clock.set(end_ms + 30 * DAY_MS - 1);
    let row = world.benefit(SQL).await.expect("a benefit");
    assert_eq!(row.enrolment_state(), pb::EnrolmentState::RenewalGrace);
    world.reveal(ADMIN, SQL).await.expect("revealed");
    world.clock.set(end_ms + 30 * DAY_MS);
    let (code, reason, _) = refused(world.reveal(ADMIN, SQL).await);
    assert_eq!((code, reason.as_str()), (Code::NotFound, "BENEFIT_NOT_FOUND"));
}
