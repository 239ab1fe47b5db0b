//! ListProducts: the whole catalog, the same for every partner, in the reader's language.

use anyhow::Result;
use proto::catalog::v1::{ListProductsRequest, Product};
use system_tests::{DUTCH, Person, World, refusal};
use tonic::Code;

#[tokio::test]
async fn pages_put_together_are_all_products_by_name() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.catalog(&Person::catalog_read())?;
    let all = client.list_products(ListProductsRequest::default()).await?.into_inner().products;
    assert!(all.len() >= 32, "the printed list has 32 products on premises");
    assert!(all.is_sorted_by(|a, b| a.name < b.name));

    let mut request = ListProductsRequest { page_size: 7, ..Default::default() };
    let mut found: Vec<Product> = Vec::new();
    while found.len() < all.len() {
        let page = client.list_products(request.clone()).await?.into_inner();
        assert!(!page.products.is_empty());
        found.extend(page.products);
        request.page_token = page.next_page_token;
    }
    assert_eq!((&found, &*request.page_token), (&all, ""));
    Ok(())
}

#[tokio::test]
async fn r5_r9_products_say_what_they_need_in_the_readers_language() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.catalog(&Person::ops_read())?;
    let language_code = "nl-BE".to_owned();
    let request = ListProductsRequest { language_code, ..Default::default() };
    let products = client.list_products(request).await?.into_inner().products;
    let named = |name: &str| {
        let found = products.iter().find(|product| product.name == format!("products/{name}"));
        found.cloned().unwrap_or_default()
    };
    assert!(products.iter().all(|product| product.language_code == "nl"), "nl-BE falls back to nl");
    let server = named("windows-server-2019-standard");
    assert!(server.activation_required && server.key_required && server.downloadable, "R5");
    let database = named("sql-server-2019-standard");
    assert!(!database.activation_required && database.key_required, "R5");
    let cals = named("windows-server-2019-cals");
    assert!(!cals.downloadable && !cals.activation_required, "R9");
    assert!(cals.not_downloadable_note.contains("Geen verdere details beschikbaar"), "R9");
    assert_eq!(cals.managed_by, ["products/windows-server-2019-standard"], "R9");
    Ok(())
}

#[tokio::test]
async fn bad_pages_and_nameless_callers_are_refused() -> Result<()> {
    let world = World::start().await?;
    let mut client = world.catalog(&Person::catalog_read().speaking(DUTCH))?;
    let request = ListProductsRequest {
        page_size: -1,
        page_token: "made up".to_owned(),
        language_code: "not a tag".to_owned(),
    };
    refusal(client.list_products(request).await)?
        .is(Code::InvalidArgument, "FIELD_INVALID")?
        .in_dutch()?
        .names(&["page_size", "page_token", "language_code"])?;
    let mut nobody = world.catalog(&Person::installer().speaking(DUTCH))?;
    refusal(nobody.list_products(ListProductsRequest::default()).await)?
        .is(Code::Unauthenticated, "CREDENTIALS_MISSING")?
        .in_dutch()?;
    Ok(())
}
