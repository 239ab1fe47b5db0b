//! ReloadContent: new content is served at once; who may ask for it.

use std::fs;

use anyhow::Result;
use proto::catalog::v1::{GetProductRequest, ReloadContentRequest};
use system_tests::{DUTCH, Person, World, refusal};
use tonic::Code;

#[tokio::test]
async fn new_content_is_served_after_a_reload_and_not_after_a_check() -> Result<()> {
    let world = World::start().await?;
    let mut ops = world.catalog(&Person::ops_admin())?;
    let file = world.pair.content_folder().join("office").join("visio-professional-2019.toml");
    let text = fs::read_to_string(&file)?;
    let old = text.lines().find(|line| line.starts_with("title = ")).unwrap_or_default();
    fs::write(&file, text.replacen(old, "title = \"Visio, renamed\"", 1))?;

    let title = async || {
        let name = "products/visio-professional-2019".to_owned();
        let request = GetProductRequest { name, language_code: "en".to_owned() };
        let answer = world.catalog(&Person::catalog_read())?.get_product(request).await?;
        anyhow::Ok(answer.into_inner().product.unwrap_or_default().title)
    };
    let checked = ops.reload_content(ReloadContentRequest { validate_only: true }).await?;
    assert_ne!(title().await?, "Visio, renamed");
    let reloaded = ops.reload_content(ReloadContentRequest { validate_only: false }).await?;
    assert_eq!(title().await?, "Visio, renamed");
    let (checked, reloaded) = (checked.into_inner(), reloaded.into_inner());
    assert!(reloaded.generation > 1 && checked.generation <= reloaded.generation);
    assert!(reloaded.products >= 32 && reloaded.offers == 2);
    Ok(())
}

#[tokio::test]
async fn content_with_faults_is_refused_with_file_and_line() -> Result<()> {
    let world = World::start().await?;
    let mut ops = world.catalog(&Person::ops_admin().speaking(DUTCH))?;
    let file = world.pair.content_folder().join("office").join("visio-professional-2019.toml");
    let text = fs::read_to_string(&file)?;
    fs::write(&file, text.replacen("kind = \"software\"", "kind = \"toaster\"", 1))?;
    for validate_only in [true, false] {
        refusal(ops.reload_content(ReloadContentRequest { validate_only }).await)?
            .is(Code::FailedPrecondition, "CONTENT_INVALID")?
            .in_dutch()?
            .names(&["office/visio-professional-2019.toml:1"])?;
    }
    let mut reader = world.catalog(&Person::ops_read())?;
    refusal(reader.reload_content(ReloadContentRequest::default()).await)?
        .is(Code::PermissionDenied, "ROLE_MISSING")?;
    Ok(())
}
