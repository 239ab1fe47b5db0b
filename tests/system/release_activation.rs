//! ReleaseActivation: who may give a count up, and that a released computer is forgotten.

use anyhow::Result;
use proto::activation::v1::{
    ActivationOutcome as Outcome, ActivationState, KeyRegistration, ReleaseActivationRequest,
    ReleasePolicy,
};
use system_tests::{Computer, DUTCH, Key, Person, World, refusal, request_id};
use tonic::Code;

fn release(activation: &str) -> Result<ReleaseActivationRequest> {
    Ok(ReleaseActivationRequest {
        name: activation.to_owned(),
        request_id: request_id()?,
        reason: "the computer was sold".to_owned(),
        ..Default::default()
    })
}

fn with_key(
    world: &World,
    key: &Key,
    computer: &Computer,
    activation: &str,
) -> Result<ReleaseActivationRequest> {
    Ok(ReleaseActivationRequest {
        product_key: key.secret.clone(),
        evidence: Some(computer.evidence(world.salt())?),
        ..release(activation)?
    })
}

#[tokio::test]
async fn an_operator_corrects_a_miscount_and_the_computer_is_new_again() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(1).await?;
    let desktop = Computer::recorded()?;
    let activation = world.activate(&key, &desktop).await?.activation;

    let mut ops = world.activation(&Person::ops_admin().speaking(DUTCH))?;
    let request = release(&activation)?;
    let released = ops.release_activation(request.clone()).await?.into_inner();
    assert_eq!((released.used, released.remaining), (0, 1));
    assert_eq!(released.state(), ActivationState::Released);
    let repeated = ops.release_activation(request.clone()).await?.into_inner();
    assert_eq!(repeated, released, "a repeat gives nothing more up");
    let mut reused = request;
    reused.name = format!("{}/activations/{}", key.name, "0".repeat(32));
    refusal(ops.release_activation(reused).await)?
        .is(Code::InvalidArgument, "REQUEST_ID_REUSED")?
        .in_dutch()?;
    refusal(ops.release_activation(release(&activation)?).await)?
        .is(Code::FailedPrecondition, "ACTIVATION_RELEASED")?;

    let anew = world.activate(&key, &desktop).await?;
    assert_eq!((anew.outcome(), anew.used), (Outcome::CountedNewComputer, 1));
    assert_ne!(anew.activation, activation, "a released computer never matches again");
    Ok(())
}

#[tokio::test]
async fn r8_a_changed_computer_gives_up_the_count_that_its_evidence_matches() -> Result<()> {
    let world = World::start().await?;
    let release_policy = Some(ReleasePolicy { releases_max: 1 });
    let key = KeyRegistration { limit: 3, release_policy, ..Default::default() };
    let key = world.registered(key).await?;
    let desktop = Computer::recorded()?;
    let activation = world.activate(&key, &desktop).await?.activation;
    world.activate(&key, &desktop.clone().with_new_board()).await?;
    let mut installer = world.activation(&Person::installer().speaking(DUTCH))?;

    let other = with_key(&world, &key, &Computer::numbered(1)?, &activation)?;
    refusal(installer.release_activation(other).await)?
        .is(Code::FailedPrecondition, "EVIDENCE_NOT_MATCHING")?
        .in_dutch()?;
    let request = with_key(&world, &key, &desktop, &activation)?;
    let released = installer.release_activation(request).await?.into_inner();
    assert_eq!((released.used, released.released_count), (1, 2), "the first count of the key");
    assert_eq!(released.state(), ActivationState::Active, "the other count stays");
    let request = with_key(&world, &key, &desktop.with_new_board(), &activation)?;
    refusal(installer.release_activation(request).await)?
        .is(Code::FailedPrecondition, "RELEASE_LIMIT_REACHED")?
        .in_dutch()?;
    assert_eq!(world.key(&key.name).await?.released, 1);
    Ok(())
}

#[tokio::test]
async fn nobody_releases_what_is_not_theirs() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(3).await?;
    let desktop = Computer::recorded()?;
    let activation = world.activate(&key, &desktop).await?.activation;
    let other = world.key_with_limit(3).await?;

    let owner = Person::global_admin("anna", "contoso").speaking(DUTCH);
    refusal(world.activation(&owner)?.release_activation(release(&activation)?).await)?
        .is(Code::FailedPrecondition, "RELEASE_NOT_ALLOWED")?
        .in_dutch()?;
    let stranger = Person::partner_admin("bert", "fabrikam").speaking(DUTCH);
    refusal(world.activation(&stranger)?.release_activation(release(&activation)?).await)?
        .is(Code::NotFound, "KEY_NOT_FOUND")?
        .in_dutch()?;
    let mut installer = world.activation(&Person::installer().speaking(DUTCH))?;
    refusal(installer.release_activation(release(&activation)?).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .names(&["product_key", "evidence"])?;
    let crossed = with_key(&world, &other, &desktop, &activation)?;
    refusal(installer.release_activation(crossed).await)?.is(Code::NotFound, "KEY_NOT_USABLE")?;
    let mut ops = world.activation(&Person::ops_admin())?;
    let nowhere = format!("{}/activations/{}", key.name, "0".repeat(32));
    refusal(ops.release_activation(release(&nowhere)?).await)?
        .is(Code::NotFound, "ACTIVATION_NOT_FOUND")?;
    assert_eq!(world.key(&key.name).await?.used, 1);
    Ok(())
}
