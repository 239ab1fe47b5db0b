//! Delivery: whatever breaks between recording and registering, catalog and ledger agree in the end
//! (F8).

use proto::catalog::v1 as pb;

use crate::fake::Mood;
use crate::world::{ADMIN, DAY_MS, NOON_MS, OFFICE, OPS, SERVER, World, by, import, refused};

const KEY: &str = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE";
const START_MS: i64 = NOON_MS - DAY_MS;
const END_MS: i64 = NOON_MS + 364 * DAY_MS;
const OVER_MS: i64 = END_MS + 30 * DAY_MS;

#[tokio::test]
async fn a_kill_between_recording_and_registering_loses_nothing() {
    let mut world = World::enrolled().await;
    world.fake.mood(Mood::Down);
    let id = world.import(OFFICE, KEY).await.expect("imported");
    world.kill().await;
    assert!(world.fake.ledger().keys.is_empty());
    world.recover();
    world.start().await;
    world.fake.until(|ledger| ledger.keys.contains_key(&id)).await;
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_registers_once() {
    let mut world = World::enrolled().await;
    world.fake.mood(Mood::LosesAnswers);
    let id = world.import(OFFICE, KEY).await.expect("imported");
    world.fake.until(|ledger| ledger.keys.contains_key(&id)).await;
    let row = world.benefit(OFFICE).await.expect("a benefit");
    assert_eq!(row.key_state(), pb::BenefitKeyState::Provisioning);
    world.kill().await;
    world.recover();
    world.start().await;
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    assert_eq!(world.fake.ledger().keys.len(), 1);
}

#[tokio::test]
async fn the_service_starts_and_serves_while_the_activation_service_is_down() {
    let mut world = World::enrolled().await;
    world.stop().await;
    world.fake.mood(Mood::Down);
    world.start().await;
    world.import(OFFICE, KEY).await.expect("imported");
    assert!(world.benefit(SERVER).await.is_ok());
    world.recover();
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
}

#[tokio::test]
async fn a_conflict_stops_for_that_key_alone_raises_the_alarm_and_another_key_mends_it() {
    let world = World::enrolled().await;
    world.until_outbox_healthy(true).await;
    world.fake.ledger().foreign.push(KEY.replace('-', ""));
    let request = import(&[(OFFICE, KEY), (SERVER, "")]);
    world.client().import_product_keys(by(OPS, request)).await.expect("imported");
    world.until_key(SERVER, pb::BenefitKeyState::Ready).await;
    world.until_outbox_healthy(false).await;
    let row = world.benefit(OFFICE).await.expect("a benefit");
    assert_eq!(row.key_state(), pb::BenefitKeyState::Provisioning);
    assert_eq!(refused(world.reveal(ADMIN, OFFICE).await).1, "KEY_PROVISIONING");

    world.import(OFFICE, "FFFFF-GGGGG-HHHHH-JJJJJ-KKKKK").await.expect("replaced");
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    world.until_outbox_healthy(true).await;
}

#[tokio::test]
async fn a_rejected_key_is_alarmed_and_tried_again_when_it_is_imported_again() {
    let world = World::enrolled().await;
    world.fake.mood(Mood::RejectsKeys);
    let id = world.import(OFFICE, KEY).await.expect("imported");
    world.until_outbox_healthy(false).await;
    world.fake.mood(Mood::Well);
    assert_eq!(world.import(OFFICE, KEY).await.expect("again"), id);
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    world.until_outbox_healthy(true).await;
}

#[tokio::test]
async fn f8_the_end_suspends_and_a_renewal_resumes_the_keys() {
    let world = World::enrolled().await;
    let id = world.import(OFFICE, KEY).await.expect("imported");
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    world.clock.set(OVER_MS - 1);
    assert_eq!(world.fake.ledger().suspended(&id), Some(false));
    world.clock.set(OVER_MS);
    world.fake.until(|ledger| ledger.suspended(&id) == Some(true)).await;
    assert_eq!(refused(world.benefit(OFFICE).await).1, "BENEFIT_NOT_FOUND");
    let renewed = world.enrol("core", START_MS, OVER_MS + DAY_MS).await.expect("renewed");
    assert_eq!(renewed.state(), pb::EnrolmentState::Active);
    world.fake.until(|ledger| ledger.suspended(&id) == Some(false)).await;
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    assert_eq!(world.fake.ledger().keys[&id].suspension.generation, 3);
}

#[tokio::test]
async fn f8_an_end_that_passed_while_nothing_ran_is_felt_at_the_start() {
    let mut world = World::enrolled().await;
    let id = world.import(OFFICE, KEY).await.expect("imported");
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    world.stop().await;
    world.clock.set(OVER_MS + DAY_MS);
    world.start().await;
    world.fake.until(|ledger| ledger.suspended(&id) == Some(true)).await;
}

#[tokio::test]
async fn f8_an_end_while_the_ledger_is_down_is_told_when_it_is_back() {
    let mut world = World::enrolled().await;
    let id = world.import(OFFICE, KEY).await.expect("imported");
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    world.fake.mood(Mood::Down);
    let calls = world.fake.ledger().calls;
    world.clock.set(OVER_MS);
    world.fake.until(|ledger| ledger.calls > calls).await;
    world.kill().await;
    world.recover();
    world.start().await;
    world.fake.until(|ledger| ledger.suspended(&id) == Some(true)).await;
}

#[tokio::test]
async fn f8_a_key_of_a_membership_that_is_over_is_registered_suspended() {
    let world = World::enrolled().await;
    world.clock.set(OVER_MS);
    world.enrol("core", START_MS, END_MS).await.expect("stored");
    let id = world.import(OFFICE, KEY).await.expect("imported");
    world.fake.until(|ledger| ledger.keys.contains_key(&id)).await;
    assert_eq!(world.fake.ledger().suspended(&id), Some(true), "never briefly usable");
}

#[tokio::test]
async fn a_ledger_that_lost_a_key_gets_it_again() {
    let world = World::enrolled().await;
    let id = world.import(OFFICE, KEY).await.expect("imported");
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    world.fake.ledger().keys.clear();
    world.clock.set(OVER_MS);
    world.fake.until(|ledger| ledger.suspended(&id) == Some(true)).await;
}

#[tokio::test]
async fn a_ledger_that_is_ahead_of_a_restored_catalog_is_overtaken() {
    let world = World::enrolled().await;
    let id = world.import(OFFICE, KEY).await.expect("imported");
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    {
        let mut ledger = world.fake.ledger();
        let known = ledger.keys.get_mut(&id).expect("known");
        known.suspension.generation = 40;
    }
    world.clock.set(OVER_MS);
    world.fake.until(|ledger| ledger.suspended(&id) == Some(true)).await;
    assert_eq!(world.fake.ledger().keys[&id].suspension.generation, 41);
}

#[tokio::test]
async fn f8_two_enrolments_each_have_their_own_end() {
    let world = World::enrolled().await;
    world.enrol("second", START_MS, END_MS + 10 * DAY_MS).await.expect("enrolled");
    let second = OFFICE.replace("core.", "second.");
    let one = world.import(OFFICE, KEY).await.expect("imported");
    let two = world.import(&second, "").await.expect("imported");
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    world.until_key(&second, pb::BenefitKeyState::Ready).await;
    world.clock.set(OVER_MS);
    world.fake.until(|ledger| ledger.suspended(&one) == Some(true)).await;
    assert_eq!(world.fake.ledger().suspended(&two), Some(false));
    assert!(world.benefit(&second).await.is_ok());
}
