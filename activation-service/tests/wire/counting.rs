//! R6, R7, R8, R10, F5 and F10 as an installer sees them.

use proto::activation::v1 as pb;
use tonic::Code;

use crate::world::{
    HELP, PRODUCT, World, activate, component, computer, metadata, preview, refusal, request_id,
    swapped,
};
use pb::ActivationOutcome as Outcome;
use pb::ComponentKind as Kind;

/// Kinds whose change leaves a computer at 50 % (40 of 79 points), with anchors worth 40.
const MUCH: [Kind; 2] = [Kind::BoardSerial, Kind::SystemUuid];

#[tokio::test]
async fn r6_to_r10_the_life_of_a_key() {
    let world = World::memory().await;
    world.register(1, |key| key.limit = 2).await;
    let mut installer = world.installer();

    let new = installer.activate(activate(1, computer(1), 1)).await.expect("R6").into_inner();
    assert_eq!(new.outcome(), Outcome::CountedNewComputer);
    assert_eq!((new.used, new.limit, new.remaining), (1, 2, 1));
    let explanation = new.explanation.expect("an explanation");
    assert_eq!((explanation.policy_version.as_str(), explanation.threshold), ("hw-v1", 60));
    assert_eq!(explanation.score, None);
    let absent = |kind: &pb::KindExplanation| kind.verdict() == pb::KindVerdict::Absent;
    assert!(explanation.kinds.iter().all(absent), "only its own absent kinds are told");

    let same = installer.activate(activate(1, computer(1), 2)).await.expect("R7").into_inner();
    assert_eq!(same.outcome(), Outcome::NotCountedSameComputer);
    assert_eq!((same.used, &same.activation), (1, &new.activation));
    let explanation = same.explanation.expect("an explanation");
    assert_eq!(explanation.score, Some(100));
    let board = explanation.kinds.iter().find(|kind| kind.kind() == Kind::BoardSerial);
    let board = board.expect("every kind is told where an anchor matched");
    assert_eq!((board.verdict(), board.points), (pb::KindVerdict::Matched, 24));

    let changed = activate(1, swapped(1, &MUCH), 3);
    let changed = installer.activate(changed).await.expect("R8").into_inner();
    assert_eq!(changed.outcome(), Outcome::CountedSignificantChange);
    assert_eq!((changed.used, changed.remaining, &changed.activation), (2, 0, &new.activation));
    assert_eq!(changed.explanation.and_then(|e| e.score), Some(50));

    let full = installer.activate(activate(1, computer(2), 4)).await.expect_err("R10");
    let full = refusal(&full, Code::FailedPrecondition, "ACTIVATION_LIMIT_REACHED");
    let figures = metadata(&full);
    assert_eq!((&*figures["used"], &*figures["limit"], &*figures["remaining"]), ("2", "2", "0"));
    let link = &full.help().expect("Help").links[0];
    assert_eq!(link.url, format!("{HELP}/manage-benefits"));

    let after = installer.activate(activate(1, computer(1), 5)).await.expect("R7 when full");
    assert_eq!(after.into_inner().used, 2);
    world.stop().await;
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_it_was_even_when_the_key_is_blocked_since() {
    let world = World::sled().await;
    world.register(1, |_| ()).await;
    let mut installer = world.installer();
    let first = installer.activate(activate(1, computer(1), 1)).await.expect("counted");
    let first = first.into_inner();
    let again = installer.activate(activate(1, computer(1), 1)).await.expect("repeated");
    assert_eq!(again.into_inner(), first);
    let key = pb::ProductKey { blocked: true, ..world.key(1).await };
    world.update(key, &["blocked"]).await;
    let again = installer.activate(activate(1, computer(1), 1)).await.expect("repeated");
    assert_eq!(again.into_inner(), first);
    assert_eq!(world.key(1).await.used, 1);
    let other = installer.activate(activate(1, computer(2), 1)).await.expect_err("reused");
    refusal(&other, Code::InvalidArgument, "REQUEST_ID_REUSED");
    world.stop().await;
}

#[tokio::test]
async fn f5_every_activation_counts_where_the_key_says_so_but_a_repeat_does_not() {
    let world = World::memory().await;
    world.register(1, |key| key.set_counting_mode(pb::CountingMode::EveryActivation)).await;
    let mut installer = world.installer();
    for (request, used) in [(1, 1), (2, 2), (2, 2), (3, 3)] {
        let answer = installer.activate(activate(1, computer(1), request)).await.expect("counted");
        let answer = answer.into_inner();
        assert_eq!((answer.outcome(), answer.used), (Outcome::CountedEveryActivation, used));
    }
    world.stop().await;
}

#[tokio::test]
async fn f10_another_platform_is_refused_before_anything_is_counted() {
    let world = World::memory().await;
    world.register(1, |key| key.platforms = vec![pb::Platform::Windows.into()]).await;
    let mut request = activate(1, computer(1), 1);
    request.set_platform(pb::Platform::Macos);
    let refused = world.installer().activate(request).await.expect_err("F10");
    let refused = refusal(&refused, Code::FailedPrecondition, "PLATFORM_NOT_ALLOWED");
    assert_eq!(metadata(&refused)["platforms"], "WINDOWS");
    assert_eq!(world.key(1).await.used, 0);
    world.stop().await;
}

#[tokio::test]
async fn a_preview_answers_as_activate_would_and_writes_nothing() {
    let world = World::memory().await;
    let registered = world.register(1, |key| key.limit = 1).await;
    let mut installer = world.installer();
    let asked = activate(1, computer(1), 1);
    let new = installer.preview_activation(preview(asked.clone())).await.expect("a preview");
    let new = new.into_inner();
    assert_eq!((new.outcome(), new.used, new.remaining), (Outcome::CountedNewComputer, 1, 0));
    assert_eq!(new.activation, "", "a new computer has no name yet");
    assert_eq!(world.key(1).await, registered);

    let counted = installer.activate(asked.clone()).await.expect("counted").into_inner();
    let known = installer.preview_activation(preview(asked)).await.expect("a preview");
    let known = known.into_inner();
    assert_eq!(known.outcome(), Outcome::NotCountedSameComputer);
    assert_eq!(known.activation, counted.activation);

    let before = world.key(1).await;
    let full = preview(activate(1, computer(2), 2));
    let full = installer.preview_activation(full).await.expect_err("R10");
    refusal(&full, Code::FailedPrecondition, "ACTIVATION_LIMIT_REACHED");
    assert_eq!(world.key(1).await, before, "not even the refusal is recorded");
    world.stop().await;
}

#[tokio::test]
async fn an_operator_handle_suffices_alone_on_keys_that_allow_it() {
    let world = World::memory().await;
    world.register(1, |key| key.operator_handle_allowed = true).await;
    world.register(2, |_| ()).await;
    let evidence = pb::Evidence { components: vec![component(Kind::OperatorHandle, 7)] };
    let mut installer = world.installer();
    let counted = installer.activate(activate(1, evidence.clone(), 1)).await.expect("allowed");
    assert_eq!(counted.into_inner().outcome(), Outcome::CountedNewComputer);
    let again = installer.activate(activate(1, evidence.clone(), 2)).await.expect("the same");
    assert_eq!(again.into_inner().outcome(), Outcome::NotCountedSameComputer);
    let refused = installer.activate(activate(2, evidence, 1)).await.expect_err("not allowed");
    refusal(&refused, Code::FailedPrecondition, "INSUFFICIENT_EVIDENCE");
    world.stop().await;
}

#[tokio::test]
async fn the_terms_tell_what_an_installer_needs() {
    let world = World::memory().await;
    let mut installer = world.installer();
    let terms = installer.get_activation_terms(pb::GetActivationTermsRequest {}).await;
    let terms = terms.expect("terms").into_inner();
    assert_eq!(terms.recipe_versions, [1]);
    assert_eq!(terms.deployment_salt.len(), 32);
    assert_eq!(terms.deployment_salt[..2], [0x5a, 0x17]);
    assert_eq!(terms.policy_version, "hw-v1");
    world.stop().await;
}

#[tokio::test]
async fn a_key_is_found_however_it_is_typed() {
    let world = World::memory().await;
    world.register(1, |_| ()).await;
    let mut request = activate(1, computer(1), 1);
    request.product_key = format!(" {} ", request.product_key.to_lowercase().replace('-', " "));
    request.request_id = request_id(9);
    request.product = PRODUCT.to_owned();
    let counted = world.installer().activate(request).await.expect("the same key");
    assert_eq!(counted.into_inner().used, 1);
    world.stop().await;
}
