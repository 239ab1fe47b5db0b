//! GetInstallInstructions: three steps, specific to the product (R3, F2), in English and Dutch.

use anyhow::Result;
use proto::catalog::v1::{GetInstallInstructionsRequest, Platform};
use system_tests::{DUTCH, Person, World, refusal};
use tonic::Code;

fn of(product: &str, language: &str) -> GetInstallInstructionsRequest {
    GetInstallInstructionsRequest {
        name: format!("products/{product}"),
        language_code: language.to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn r3_f2_every_family_has_its_three_steps_in_both_languages() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.catalog(&Person::catalog_read())?;
    let mut seen = Vec::new();
    for product in [
        "windows-server-2019-standard",
        "windows-client-enterprise",
        "office-professional-plus-2019",
        "sql-server-2019-standard",
        "windows-server-2019-cals",
    ] {
        for (language, first) in [("en", "Introduction"), ("nl-NL", "Inleiding")] {
            let answer = client.get_install_instructions(of(product, language)).await?;
            let shown = answer.into_inner().instructions.unwrap_or_default();
            let numbers: Vec<_> = shown.steps.iter().map(|step| step.number).collect();
            assert_eq!(numbers, [1, 2, 3], "F2: {product}");
            assert_eq!(shown.steps[0].title, first, "{product}");
            assert_eq!(shown.language_code, &language[..2]);
            assert!(!shown.system_requirements.is_empty() && shown.platform() == Platform::Windows);
            seen.push(shown.steps[1].markdown.clone());
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 10, "R3: no two products and languages share their walkthrough");
    Ok(())
}

#[tokio::test]
async fn a_version_or_platform_that_it_does_not_have_is_refused() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.catalog(&Person::ops_read().speaking(DUTCH))?;
    let mut request = of("windows-server-2019-standard", "");
    request.version = "2016".to_owned();
    let shown = client.get_install_instructions(request.clone()).await?.into_inner();
    let shown = shown.instructions.unwrap_or_default();
    assert_eq!((&*shown.version, &*shown.language_code), ("2016", "nl"));

    request.platform = Platform::Macos.into();
    refusal(client.get_install_instructions(request.clone()).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .in_dutch()?
        .names(&["platform"])?;
    request.platform = 77;
    request.version = "a\nb".to_owned();
    refusal(client.get_install_instructions(request).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .names(&["platform", "version"])?;
    refusal(client.get_install_instructions(of("windows-95", "")).await)?
        .is(Code::NotFound, "PRODUCT_NOT_FOUND")?
        .in_dutch()?;
    Ok(())
}
