//! GetProduct: one product with its versions, editions, languages and architectures.

use anyhow::Result;
use proto::catalog::v1::{GetProductRequest, Platform};
use system_tests::{DUTCH, Person, World, refusal};
use tonic::Code;

fn of(name: &str) -> GetProductRequest {
    GetProductRequest { name: name.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn f3_f10_a_product_tells_its_choices_and_platforms() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.catalog(&Person::catalog_read())?;
    let answer = client.get_product(of("products/windows-server-2019-standard")).await?;
    let product = answer.into_inner().product.unwrap_or_default();
    let versions: Vec<_> = product.versions.iter().map(|found| &*found.version).collect();
    assert_eq!(versions, ["2019", "2016"], "newest first");
    let edition = &product.versions[0].editions[0];
    let languages: Vec<_> = edition.languages.iter().map(|found| &*found.language_code).collect();
    assert_eq!(languages, ["en-US", "nl-NL", "de-DE", "fr-FR"]);
    assert_eq!(edition.languages[1].architectures, ["x64"]);
    assert_eq!(product.platforms, [i32::from(Platform::Windows)], "F10");
    assert_eq!(product.language_code, "en");
    Ok(())
}

#[tokio::test]
async fn the_row_that_calls_a_client_a_server_keeps_its_text_and_has_a_note() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.catalog(&Person::catalog_read().speaking(DUTCH))?;
    let answer = client.get_product(of("products/windows-client-enterprise")).await?;
    let product = answer.into_inner().product.unwrap_or_default();
    assert_eq!((&*product.family, &*product.language_code), ("windows-client", "nl"));
    assert!(product.title.contains("Windows Server") && product.title.contains("LTSC"));
    assert!(!product.note.is_empty());
    Ok(())
}

#[tokio::test]
async fn unknown_products_and_bad_names_are_refused() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.catalog(&Person::partner_admin("b", "contoso").speaking(DUTCH))?;
    refusal(client.get_product(of("products/windows-95")).await)?
        .is(Code::NotFound, "PRODUCT_NOT_FOUND")?
        .in_dutch()?;
    for name in ["", "products/", "offers/maps-core", "products/A B"] {
        refusal(client.get_product(of(name)).await)?
            .is(Code::InvalidArgument, "FIELD_INVALID")?
            .names(&["name"])?;
    }
    let mut portal = world.catalog(&Person::portal())?;
    refusal(portal.get_product(of("products/windows-server-2019-standard")).await)?
        .is(Code::PermissionDenied, "ROLE_MISSING")?;
    Ok(())
}
