//! PreviewActivation: the answer of Activate, without a trace of having asked.

use anyhow::{Context as _, Result};
use proto::activation::v1::{
    ActivateRequest, ActivationOutcome as Outcome, KindVerdict, PreviewActivationRequest,
};
use system_tests::{Computer, DUTCH, Person, World, refusal};
use tonic::Code;

fn preview(of: ActivateRequest) -> PreviewActivationRequest {
    PreviewActivationRequest {
        product_key: of.product_key,
        product: of.product,
        evidence: of.evidence,
        platform: of.platform,
        client: of.client,
    }
}

#[tokio::test]
async fn r6_r7_r8_a_preview_says_what_would_count_and_counts_nothing() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(2).await?;
    let mut client = world.activation(&Person::installer().speaking(DUTCH))?;
    let desktop = Computer::recorded()?;

    let ask = preview(world.activate_request(&key, &desktop)?);
    let answer = client.preview_activation(ask).await?.into_inner();
    assert_eq!((answer.outcome(), answer.used), (Outcome::CountedNewComputer, 1));
    assert_eq!(answer.activation, "", "a new computer has no name yet");
    let why = answer.explanation.context("why")?;
    let shown = |verdict| why.kinds.iter().any(|kind| kind.verdict() == verdict);
    assert!(why.score.is_none() && !shown(KindVerdict::Matched) && !shown(KindVerdict::Changed));
    let known = world.key(&key.name).await?;
    assert_eq!((known.used, known.account_version), (0, 1), "nothing is counted or recorded");

    let activation = world.activate(&key, &desktop).await?.activation;
    for (computer, outcome, used, score) in [
        (desktop.clone().with_new_disk(), Outcome::NotCountedSameComputer, 1, 80),
        (desktop.clone().with_new_board(), Outcome::CountedSignificantChange, 2, 41),
    ] {
        let ask = preview(world.activate_request(&key, &computer)?);
        let answer = client.preview_activation(ask).await?.into_inner();
        assert_eq!((answer.outcome(), answer.used), (outcome, used));
        assert_eq!(answer.explanation.context("why")?.score, Some(score));
        assert_eq!(answer.activation, activation);
    }
    assert_eq!(world.key(&key.name).await?.used, 1);
    Ok(())
}

#[tokio::test]
async fn r10_a_preview_is_refused_as_the_activation_would_be() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(1).await?;
    world.activate(&key, &Computer::recorded()?).await?;
    let version = world.key(&key.name).await?.account_version;
    let mut client = world.activation(&Person::installer().speaking(DUTCH))?;
    let ask = preview(world.activate_request(&key, &Computer::numbered(1)?)?);
    refusal(client.preview_activation(ask.clone()).await)?
        .is(Code::FailedPrecondition, "ACTIVATION_LIMIT_REACHED")?
        .in_dutch()?;
    let wrong = PreviewActivationRequest { product_key: "?".to_owned(), evidence: None, ..ask };
    refusal(client.preview_activation(wrong).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .in_dutch()?
        .names(&["product_key", "evidence"])?;
    assert_eq!(world.key(&key.name).await?.account_version, version, "not even the refusal");
    Ok(())
}
