//! Refusals of keys: alike where nothing may be learned, in both languages, and limited by source.

use activation_service::config::{FailedLookups, Storage};
use chassis::config::Secret;
use proto::activation::v1 as pb;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{
    HELP, World, activate, component, computer, config, key_name, metadata, preview, refusal,
    request_id, typed,
};

/// Everything of a status that travels; the date and the like are the transport's.
fn bytes(status: &Status) -> (Code, String, Vec<u8>) {
    (status.code(), status.message().to_owned(), status.details().to_vec())
}

#[tokio::test]
async fn unknown_blocked_and_other_products_keys_are_refused_byte_for_byte_alike() {
    let world = World::sled().await;
    let help = |key: &mut pb::KeyRegistration| key.help_uri = format!("{HELP}/owner");
    let blocked = world.register(1, help).await;
    world.update(pb::ProductKey { blocked: true, ..blocked }, &["blocked"]).await;
    world.register(2, help).await;
    let mut other_product = activate(2, computer(1), 1);
    other_product.product = "products/something-else".to_owned();
    let unknown = activate(3, computer(1), 1);
    let requests = [unknown, activate(1, computer(1), 1), other_product];

    for language in [None, Some("nl-NL, en;q=0.5")] {
        let mut client = world.speaking(None, language);
        let mut answers = Vec::new();
        // Twice: the first refusal of a reason is recorded, the second is not.
        for request in requests.iter().chain(&requests) {
            let status = client.activate(request.clone()).await.expect_err("not usable");
            refusal(&status, Code::NotFound, "KEY_NOT_USABLE");
            answers.push(bytes(&status));
            let status = client.preview_activation(preview(request.clone())).await;
            answers.push(bytes(&status.expect_err("not usable")));
        }
        for request in &requests {
            let release = pb::ReleaseActivationRequest {
                name: format!("{}/activations/{}", key_name(9), "0".repeat(32)),
                product_key: request.product_key.clone(),
                evidence: request.evidence.clone(),
                request_id: request_id(9),
                reason: "sold".to_owned(),
            };
            let status = client.release_activation(release).await.expect_err("not usable");
            answers.push(bytes(&status));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn r11_a_refusal_speaks_dutch_to_who_asks_for_it_and_leads_to_the_keys_own_page() {
    let world = World::memory().await;
    let help_uri = "https://portal.test/benefits/7".to_owned();
    world.register(1, |key| (key.limit, key.help_uri) = (0, help_uri.clone())).await;
    let mut dutch = world.speaking(None, Some("nl"));
    let status = dutch.activate(activate(1, computer(1), 1)).await.expect_err("R10");
    let details = refusal(&status, Code::FailedPrecondition, "ACTIVATION_LIMIT_REACHED");
    let text = details.localized_message().expect("a text");
    assert_eq!(text.locale, "nl");
    assert!(text.message.contains("0 van 0 activeringen"), "{}", text.message);
    let link = &details.help().expect("Help").links[0];
    assert_eq!((&*link.url, &*link.description), (&*help_uri, "Over deze productcode"));
    let violations = &details.precondition_failure().expect("PreconditionFailure").violations;
    assert_eq!(violations[0].r#type, "ACTIVATION_LIMIT_REACHED");

    let mut request = activate(1, computer(1), 1);
    request.product_key.push('!');
    let status = dutch.activate(request).await.expect_err("typed wrongly");
    let details = refusal(&status, Code::InvalidArgument, "FIELD_INVALID");
    let text = details.localized_message().expect("a text");
    assert!(text.message.contains("productcode is niet goed ingevoerd"), "{}", text.message);
    world.stop().await;
}

#[tokio::test]
async fn a_date_that_passed_and_evidence_that_shows_too_little_are_refused_by_type() {
    let world = World::memory().await;
    let past = prost_types::Timestamp { seconds: 1_600_000_000, nanos: 0 };
    world.register(1, |key| key.activate_by_time = Some(past)).await;
    world.register(2, |_| ()).await;
    let mut installer = world.installer();
    let status = installer.activate(activate(1, computer(1), 1)).await.expect_err("too late");
    let details = refusal(&status, Code::FailedPrecondition, "ACTIVATE_BY_PASSED");
    assert_eq!(metadata(&details)["activate_by_time"], "2020-09-13T12:26:40Z");

    let little = vec![component(pb::ComponentKind::OsDisk, 1)];
    let little = activate(2, pb::Evidence { components: little }, 1);
    let status = installer.activate(little.clone()).await.expect_err("20 points");
    let details = refusal(&status, Code::FailedPrecondition, "INSUFFICIENT_EVIDENCE");
    let told = metadata(&details);
    assert_eq!((&*told["points"], &*told["points_min"]), ("20", "30"));
    assert_eq!((&*told["has_anchor"], &*told["below_floor"]), ("true", "false"));
    assert!(told["absent"].contains("BOARD_SERIAL,BOARD_MODEL,SYSTEM_UUID"), "{told:?}");

    // Enough by itself, but less than half of what the count was made with.
    installer.activate(activate(2, computer(1), 2)).await.expect("counted");
    let mut part = computer(1);
    part.components.truncate(1);
    let extra = [pb::ComponentKind::Cpu, pb::ComponentKind::BoardModel];
    part.components.extend(extra.map(|kind| component(kind, 1)));
    let status = installer.activate(activate(2, part, 3)).await.expect_err("below the floor");
    let details = refusal(&status, Code::FailedPrecondition, "INSUFFICIENT_EVIDENCE");
    assert_eq!(metadata(&details)["below_floor"], "true");
    let text = details.localized_message().expect("a text");
    assert!(text.message.contains("as administrator"), "{}", text.message);
    assert_eq!(world.key(2).await.used, 1);
    world.stop().await;
}

#[tokio::test]
async fn failed_look_ups_are_limited_by_source_and_successful_ones_are_not() {
    let world = World::start(|_| {
        let mut config = config(Storage::Memory);
        config.failed_lookups = FailedLookups::default();
        config
    })
    .await;
    world.register(1, |key| key.limit = 1).await;
    let mut installer = world.installer();
    for request in 0..40 {
        installer.activate(activate(1, computer(1), request)).await.expect("never limited");
    }
    for request in 40..60 {
        let full = installer.activate(activate(1, computer(2), request)).await.expect_err("R10");
        refusal(&full, Code::FailedPrecondition, "ACTIVATION_LIMIT_REACHED");
    }
    for guess in 0..5 {
        let unknown = installer.activate(activate(100 + guess, computer(1), 1)).await;
        refusal(&unknown.expect_err("unknown"), Code::NotFound, "KEY_NOT_USABLE");
    }
    let limited = installer.activate(activate(105, computer(1), 1)).await.expect_err("limited");
    let details = refusal(&limited, Code::ResourceExhausted, "RATE_LIMITED");
    let delay = details.retry_info().and_then(|info| info.retry_delay).expect("a delay");
    assert!((1..=6).contains(&delay.as_secs().max(1)), "{delay:?}");
    let preview = preview(activate(106, computer(1), 1));
    let limited = installer.preview_activation(preview).await.expect_err("previews count too");
    refusal(&limited, Code::ResourceExhausted, "RATE_LIMITED");
    let mut owner = world.owner("contoso");
    let limited = owner.activate(activate(107, computer(1), 1)).await.expect_err("users as well");
    refusal(&limited, Code::ResourceExhausted, "RATE_LIMITED");
    let mut admin = world.admin();
    let unknown = admin.activate(activate(108, computer(1), 1)).await.expect_err("unknown");
    refusal(&unknown, Code::NotFound, "KEY_NOT_USABLE");
    world.key(1).await;
    world.stop().await;
}

#[tokio::test]
async fn keys_are_found_under_a_pepper_that_is_being_replaced() {
    let world = World::sled().await;
    world.register(1, |_| ()).await;
    let folder = world.stop().await;
    let ledger = folder.path().to_owned();
    let world = World::start(|_| {
        let mut config = config(crate::world::sled(&ledger));
        config.secrets.retiring_pepper = config.secrets.pepper.take();
        config.secrets.retiring_pepper_id = 1;
        config.secrets.pepper = Some(Secret::new("ab".repeat(32)));
        config.secrets.pepper_id = 2;
        config
    })
    .await;
    let counted = world.installer().activate(activate(1, computer(1), 1)).await.expect("found");
    assert_eq!(counted.into_inner().used, 1);
    world.stop().await;
}

#[tokio::test]
async fn no_refusal_quotes_a_key() {
    let world = World::memory().await;
    world.register(1, |key| key.limit = 0).await;
    for key in [1, 2] {
        let status = world.installer().activate(activate(key, computer(1), 1)).await;
        let status = status.expect_err("refused");
        let shown = format!("{status:?} {:?}", status.get_error_details());
        let normal = typed(key).replace('-', "");
        assert!(!shown.contains(&normal) && !shown.contains(&typed(key)));
    }
    world.stop().await;
}
