//! Giving up counts: a computer with its key, an admin under the policy, an operator always.

use proto::activation::v1 as pb;
use tonic::Code;

use crate::world::{World, activate, computer, key_name, metadata, refusal, request_id, typed};

fn release(activation: &str, request: u32) -> pb::ReleaseActivationRequest {
    pb::ReleaseActivationRequest {
        name: activation.to_owned(),
        request_id: request_id(request),
        reason: "sold".to_owned(),
        ..pb::ReleaseActivationRequest::default()
    }
}

fn shown(
    release: pb::ReleaseActivationRequest,
    key: u8,
    number: u32,
) -> pb::ReleaseActivationRequest {
    let (product_key, evidence) = (typed(key), Some(computer(number)));
    pb::ReleaseActivationRequest { product_key, evidence, ..release }
}

async fn activated(world: &World, number: u32) -> String {
    let request = activate(1, computer(number), number);
    let answer = world.installer().activate(request).await.expect("counted");
    answer.into_inner().activation
}

#[tokio::test]
async fn a_computer_gives_up_its_own_count_and_the_answer_repeats() {
    let world = World::sled().await;
    let releases_max = 2;
    world.register(1, |key| key.release_policy = Some(pb::ReleasePolicy { releases_max })).await;
    let (one, two) = (activated(&world, 1).await, activated(&world, 2).await);
    let mut installer = world.installer();

    let status = installer.release_activation(shown(release(&one, 11), 1, 2)).await;
    let status = status.expect_err("another computer's");
    refusal(&status, Code::FailedPrecondition, "EVIDENCE_NOT_MATCHING");

    let request = shown(release(&one, 12), 1, 1);
    let released = installer.release_activation(request.clone()).await.expect("released");
    let released = released.into_inner();
    assert_eq!(released.state(), pb::ActivationState::Released);
    assert_eq!((released.used, released.remaining, released.released_count), (1, 4, 2));
    assert_eq!(released.activation, one);
    let again = installer.release_activation(request).await.expect("repeated").into_inner();
    assert_eq!(again, released);
    let other = shown(release(&two, 12), 1, 2);
    let status = installer.release_activation(other).await.expect_err("reused");
    refusal(&status, Code::InvalidArgument, "REQUEST_ID_REUSED");

    let status = world.admin().release_activation(release(&one, 13)).await.expect_err("gone");
    refusal(&status, Code::FailedPrecondition, "ACTIVATION_RELEASED");
    let back = installer.activate(activate(1, computer(1), 14)).await.expect("counted again");
    assert_ne!(back.into_inner().activation, one, "a released computer never matches again");
    world.stop().await;
}

#[tokio::test]
async fn admins_are_bound_by_the_policy_and_operators_are_not() {
    let world = World::memory().await;
    world.register(1, |_| ()).await;
    let (one, two) = (activated(&world, 1).await, activated(&world, 2).await);
    let mut owner = world.owner("contoso");
    let status = owner.release_activation(release(&one, 11)).await.expect_err("policy NONE");
    refusal(&status, Code::FailedPrecondition, "RELEASE_NOT_ALLOWED");

    let release_policy = Some(pb::ReleasePolicy { releases_max: 1 });
    let key = pb::ProductKey { release_policy, ..world.key(1).await };
    world.update(key, &["release_policy"]).await;
    owner.release_activation(release(&one, 12)).await.expect("the one release");
    let status = owner.release_activation(release(&two, 13)).await.expect_err("used up");
    let details = refusal(&status, Code::FailedPrecondition, "RELEASE_LIMIT_REACHED");
    assert_eq!(metadata(&details)["releases_max"], "1");
    world.admin().release_activation(release(&two, 14)).await.expect("a correction");
    let key = world.key(1).await;
    assert_eq!((key.used, key.released), (0, 1), "a correction uses up no release");

    let status = world.owner("fabrikam").release_activation(release(&two, 15)).await;
    refusal(&status.expect_err("not theirs"), Code::NotFound, "KEY_NOT_FOUND");
    let unknown = format!("{}/activations/{}", key_name(1), "0".repeat(32));
    let status = world.admin().release_activation(release(&unknown, 16)).await;
    refusal(&status.expect_err("unknown"), Code::NotFound, "ACTIVATION_NOT_FOUND");
    world.stop().await;
}
