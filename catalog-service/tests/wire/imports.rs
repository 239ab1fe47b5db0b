//! Importing keys: safe to repeat, all or nothing, every fault named, and never a key in an answer.

use product_key::ProductKey;
use proto::catalog::v1 as pb;
use tonic::Code;

use crate::world::{CALS, OFFICE, OPS, SERVER, SQL, World, by, import, refused};

const VENDOR_KEY: &str = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE";

#[tokio::test]
async fn a_key_is_registered_with_the_terms_of_its_offer() {
    let world = World::enrolled().await;
    let id = world.import(OFFICE, VENDOR_KEY).await.expect("imported");
    world.fake.until(|ledger| ledger.keys.contains_key(&id)).await;
    let terms = world.fake.ledger().keys[&id].terms.clone();
    assert_eq!(terms.product_key, VENDOR_KEY.replace('-', ""));
    assert_eq!((terms.owner.as_str(), terms.limit), ("contoso", 25));
    assert_eq!(terms.product, "products/office-professional-plus-2019");
    let windows = proto::activation::v1::Platform::Windows as i32;
    assert_eq!(terms.platforms, [windows], "F10");
    assert!(terms.help_uri.starts_with("https://"));
    assert!(terms.activate_by_time.is_none(), "a renewal could not move it");
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
}

#[tokio::test]
async fn the_same_import_again_is_a_success_with_the_same_key_id() {
    let world = World::enrolled().await;
    for key in [VENDOR_KEY, "aaaaa bbbbb ccccc ddddd eeeee"] {
        let one = world.import(OFFICE, key).await.expect("imported");
        assert_eq!(world.import(OFFICE, VENDOR_KEY).await.expect("again"), one);
    }
    let issued = world.import(SERVER, "").await.expect("issued");
    assert_eq!(world.import(SERVER, "").await.expect("again"), issued);
}

#[tokio::test]
async fn another_key_and_a_key_of_another_benefit_are_refused_and_nothing_is_imported() {
    let world = World::enrolled().await;
    world.import(OFFICE, VENDOR_KEY).await.expect("imported");
    let other = "FFFFF-GGGGG-HHHHH-JJJJJ-KKKKK";
    let request = import(&[(OFFICE, other), (SERVER, VENDOR_KEY), (SQL, "")]);
    let answer = world.client().import_product_keys(by(OPS, request)).await;
    let (code, reason, fields) = refused(answer);
    assert_eq!((code, reason.as_str()), (Code::AlreadyExists, "KEY_ALREADY_ASSIGNED"));
    assert_eq!(fields, ["keys[0].product_key", "keys[1].product_key"]);
    let sql = world.benefit(SQL).await.expect("a benefit");
    assert_eq!(sql.key_state(), pb::BenefitKeyState::NotAssigned);
}

#[tokio::test]
async fn r5_a_key_without_activation_is_ready_and_stays_at_home() {
    let world = World::enrolled().await;
    let id = world.import(SQL, VENDOR_KEY).await.expect("imported");
    let row = world.benefit(SQL).await.expect("a benefit");
    assert_eq!(row.key_state(), pb::BenefitKeyState::Ready);
    assert_eq!(row.usage.expect("usage").state(), pb::UsageState::NotApplicable);
    // Another key goes out after it; had this one been due, it would have gone out before.
    let office = world.import(OFFICE, "").await.expect("imported");
    world.fake.until(|ledger| ledger.keys.contains_key(&office)).await;
    assert!(!world.fake.ledger().keys.contains_key(&id));
}

#[tokio::test]
async fn every_bad_entry_is_named_and_no_key_is_echoed() {
    let world = World::enrolled().await;
    let issued = ProductKey::issue(&[7; 14]);
    let mut mistyped = issued.expose().to_owned();
    let last = mistyped.pop().expect("a symbol");
    mistyped.push(if last == 'A' { 'B' } else { 'A' });
    let keys = [
        ("partners/contoso", VENDOR_KEY),
        (OFFICE, "?"),
        (SERVER, mistyped.as_str()),
        (SQL, ""),
        (SQL, ""),
        (CALS, "with\u{7}control"),
    ];
    let answer = world.client().import_product_keys(by(OPS, import(&keys))).await;
    let status = answer.as_ref().expect_err("refused").clone();
    let (_, reason, fields) = refused(answer);
    assert_eq!(reason, "FIELD_INVALID");
    assert_eq!(
        fields,
        [
            "keys[0].benefit",
            "keys[1].product_key",
            "keys[2].product_key",
            "keys[4].benefit",
            "keys[5].product_key"
        ]
    );
    let text = format!("{status:?}");
    assert!(!text.contains(&mistyped) && !text.contains(VENDOR_KEY));
    let answer = world.client().import_product_keys(by(OPS, import(&[]))).await;
    assert_eq!(refused(answer).2, ["keys"]);
    let many = vec![(OFFICE, ""); 501];
    let answer = world.client().import_product_keys(by(OPS, import(&many))).await;
    assert_eq!(refused(answer).2, ["keys"]);
}

#[tokio::test]
async fn benefits_that_do_not_exist_or_need_no_key_are_named() {
    let world = World::enrolled().await;
    let nothing = "partners/contoso/benefits/core.no-such-product";
    let request = import(&[(OFFICE, ""), (nothing, "")]);
    let (code, reason, fields) =
        refused(world.client().import_product_keys(by(OPS, request)).await);
    assert_eq!((code, reason.as_str()), (Code::NotFound, "BENEFIT_NOT_FOUND"));
    assert_eq!(fields, ["keys[1].benefit"]);
    let request = import(&[(CALS, "")]);
    let (code, reason, fields) =
        refused(world.client().import_product_keys(by(OPS, request)).await);
    assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, "KEY_NOT_REQUIRED"));
    assert_eq!(fields, ["keys[0].benefit"]);
}

#[tokio::test]
async fn validating_an_import_names_no_key_and_stores_none() {
    let world = World::enrolled().await;
    let mut request = import(&[(OFFICE, VENDOR_KEY)]);
    request.validate_only = true;
    let answer = world.client().import_product_keys(by(OPS, request)).await.expect("valid");
    assert_eq!(answer.into_inner().keys[0].product_key_name, "");
    let row = world.benefit(OFFICE).await.expect("a benefit");
    assert_eq!(row.key_state(), pb::BenefitKeyState::NotAssigned);
}

#[tokio::test]
async fn no_plain_key_and_no_secret_is_ever_in_the_files_of_the_store() {
    let mut world = World::enrolled().await;
    let vendor = VENDOR_KEY.replace('-', "");
    world.import(OFFICE, VENDOR_KEY).await.expect("imported");
    let issued = world.import(SERVER, "").await.expect("issued");
    world.until_key(SERVER, pb::BenefitKeyState::Ready).await;
    world.until_key(OFFICE, pb::BenefitKeyState::Ready).await;
    let issued = world.fake.ledger().keys[&issued].terms.product_key.clone();
    world.reveal(crate::world::ADMIN, OFFICE).await.expect("revealed");
    let look = |world: &World| {
        let files = world.store_files();
        assert!(!files.is_empty());
        for file in files {
            let bytes = std::fs::read(&file).expect("read");
            let text = String::from_utf8_lossy(&bytes).to_uppercase();
            for secret in [&vendor, VENDOR_KEY, &issued, &"2A".repeat(32), &"3B".repeat(32)] {
                assert!(!text.contains(secret), "a secret in {}", file.display());
            }
            let in_hex: String = vendor.bytes().map(|byte| format!("{byte:02X}")).collect();
            assert!(!text.contains(&in_hex), "a key in hex in {}", file.display());
        }
    };
    look(&world);
    world.stop().await;
    look(&world);
}
