//! GetActivationTerms: what an installer needs to make evidence, the same for ever.

use anyhow::Result;
use proto::activation::v1::GetActivationTermsRequest;
use system_tests::{Person, World};

#[tokio::test(flavor = "multi_thread")]
async fn anyone_is_told_the_terms_and_the_salt_stays_over_a_restart() -> Result<()> {
    let mut world = World::start().await?;
    let mut client = world.activation(&Person::installer())?;
    let before = client.get_activation_terms(GetActivationTermsRequest {}).await?.into_inner();
    assert_eq!(before.deployment_salt.len(), 32);
    assert_eq!((before.recipe_versions.as_slice(), &*before.policy_version), (&[1][..], "hw-v1"));
    world.pair.kill_activation()?;
    world.pair.start_activation()?;
    let mut client = world.activation(&Person::without_role("carla", "contoso"))?;
    let after = client.get_activation_terms(GetActivationTermsRequest {}).await?.into_inner();
    assert_eq!(after, before, "evidence of yesterday must match that of today");
    Ok(())
}
