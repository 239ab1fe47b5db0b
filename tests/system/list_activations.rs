//! ListActivations: the computers of a key with their counts, page by page.

use anyhow::Result;
use proto::activation::v1::{
    Activation, ActivationOutcome as Outcome, ActivationState, ListActivationsRequest,
    ReleaseActivationRequest,
};
use system_tests::{Computer, DUTCH, Person, World, refusal, request_id};
use tonic::Code;

#[tokio::test]
async fn pages_put_together_are_all_computers_oldest_first() -> Result<()> {
    let world = World::start().await?;
    let key = world.key_with_limit(10).await?;
    let mut wanted = vec![world.activate(&key, &Computer::recorded()?).await?.activation];
    for number in 1..5 {
        wanted.push(world.activate(&key, &Computer::numbered(number)?).await?.activation);
    }
    world.activate(&key, &Computer::recorded()?.with_new_board()).await?;
    let release = ReleaseActivationRequest {
        name: wanted[4].clone(),
        request_id: request_id()?,
        reason: "sold".to_owned(),
        ..Default::default()
    };
    world.activation(&Person::ops_admin())?.release_activation(release).await?;

    let mut client = world.activation(&Person::global_admin("anna", "contoso"))?;
    let (mut found, mut page_token): (Vec<Activation>, _) = (Vec::new(), String::new());
    for size in [2, 2, 1] {
        let parent = key.name.clone();
        let request = ListActivationsRequest { parent, page_size: 2, page_token };
        let page = client.list_activations(request).await?.into_inner();
        assert_eq!(page.activations.len(), size);
        found.extend(page.activations);
        page_token = page.next_page_token;
    }
    assert_eq!(page_token, "", "three pages are all");
    let names: Vec<_> = found.iter().map(|found| found.name.clone()).collect();
    assert_eq!(names, wanted);
    let outcomes: Vec<_> = found[0].counts.iter().map(|count| count.outcome()).collect();
    assert_eq!(outcomes, [Outcome::CountedNewComputer, Outcome::CountedSignificantChange]);
    assert_eq!(found[0].state(), ActivationState::Active);
    assert_eq!(found[4].state(), ActivationState::Released);
    assert!(found[4].counts[0].released && found[4].create_time.is_some());
    Ok(())
}

#[tokio::test]
async fn tokens_sizes_and_strangers_are_refused() -> Result<()> {
    let world = World::start().await?;
    let (key, other) = (world.key_with_limit(10).await?, world.key_with_limit(10).await?);
    for number in 0..3 {
        world.activate(&key, &Computer::numbered(number)?).await?;
    }
    let mut client = world.activation(&Person::ops_read().speaking(DUTCH))?;
    let ask = |parent: &str, page_size, page_token: &str| ListActivationsRequest {
        parent: parent.to_owned(),
        page_size,
        page_token: page_token.to_owned(),
    };
    let first = client.list_activations(ask(&key.name, 1, "")).await?.into_inner();
    let token = first.next_page_token;
    refusal(client.list_activations(ask(&other.name, 1, &token)).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .names(&["page_token"])?;
    refusal(client.list_activations(ask(&key.name, -1, "made-up")).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .in_dutch()?
        .names(&["page_size", "page_token"])?;
    let mut stranger = world.activation(&Person::global_admin("bert", "fabrikam"))?;
    refusal(stranger.list_activations(ask(&key.name, 0, "")).await)?
        .is(Code::NotFound, "KEY_NOT_FOUND")?;
    let mut nobody = world.activation(&Person::without_role("carla", "contoso"))?;
    refusal(nobody.list_activations(ask(&key.name, 0, "")).await)?
        .is(Code::PermissionDenied, "ROLE_MISSING")?;
    Ok(())
}
