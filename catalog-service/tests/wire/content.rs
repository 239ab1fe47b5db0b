//! Reloading content: all or nothing, every fault told, and no page across two contents.

use std::fs;
use std::path::Path;

use proto::catalog::v1 as pb;
use tempfile::TempDir;
use tonic::Code;

use crate::world::{ADMIN, OPS, READER, World, by, content_folder, list, refused};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// A world that serves a copy of the content, which a test may spoil.
async fn with_own_content() -> (World, TempDir) {
    let folder = TempDir::new().expect("a folder");
    copy(&content_folder(), folder.path());
    let mut world = World::enrolled().await;
    world.stop().await;
    world.config.content.folder = folder.path().to_owned();
    world.start().await;
    (world, folder)
}

async fn reload(
    world: &World,
    validate_only: bool,
) -> Result<pb::ReloadContentResponse, tonic::Status> {
    let request = pb::ReloadContentRequest { validate_only };
    Ok(world.client().reload_content(by(OPS, request)).await?.into_inner())
}

/// Adds a remark, which changes the content's fingerprint and nothing else.
fn touch(folder: &TempDir) {
    let file = folder.path().join("offers/maps-core.toml");
    let text = fs::read_to_string(&file).expect("read");
    fs::write(&file, format!("{text}\n# A remark.\n")).expect("written");
}

#[tokio::test]
async fn good_content_is_served_under_the_next_number_and_the_same_content_is_not_new() {
    let (world, folder) = with_own_content().await;
    let first = reload(&world, false).await.expect("reloaded");
    assert!(first.generation == 1 && first.products > 20 && first.offers == 2);
    touch(&folder);
    assert_eq!(reload(&world, true).await.expect("valid").generation, 1);
    assert_eq!(reload(&world, false).await.expect("reloaded").generation, 2);
}

#[tokio::test]
async fn content_with_faults_changes_nothing_and_every_fault_is_told() {
    let (world, folder) = with_own_content().await;
    fs::write(folder.path().join("offers/maps-core.toml"), "program = 7\nnonsense\n")
        .expect("written");
    fs::write(folder.path().join("office/family.toml"), "colour = \"red\"\n").expect("written");
    let (code, reason, fields) = refused(reload(&world, false).await);
    assert_eq!((code, reason.as_str()), (Code::FailedPrecondition, "CONTENT_INVALID"));
    for file in ["offers/maps-core.toml:", "office/family.toml:"] {
        assert!(fields.iter().any(|field| field.starts_with(file)), "{file} in {fields:?}");
    }
    let request = pb::GetProductRequest {
        name: "products/office-professional-plus-2019".to_owned(),
        language_code: String::new(),
    };
    world.client().get_product(by(READER, request)).await.expect("the old content is served");
    copy(&content_folder(), folder.path());
    assert_eq!(reload(&world, false).await.expect("mended").generation, 1);
}

#[tokio::test]
async fn a_page_cannot_be_continued_in_another_content() {
    let (world, folder) = with_own_content().await;
    let mut request = pb::ListProductsRequest { page_size: 5, ..Default::default() };
    let page = world.client().list_products(by(READER, request.clone())).await.expect("a page");
    request.page_token = page.into_inner().next_page_token;
    world.client().list_products(by(READER, request.clone())).await.expect("the next page");
    touch(&folder);
    reload(&world, false).await.expect("reloaded");
    let (code, reason, fields) = refused(world.client().list_products(by(READER, request)).await);
    assert_eq!((code, reason.as_str()), (Code::InvalidArgument, "FIELD_INVALID"));
    assert_eq!(fields, ["page_token"]);
}

#[tokio::test]
async fn a_list_that_was_made_of_the_old_content_ends_with_it() {
    let (world, folder) = with_own_content().await;
    let source = async || {
        let answer = world.client().list_benefits(by(ADMIN, list("partners/contoso"))).await;
        answer.expect("a list").into_inner().benefits[0].source.clone()
    };
    assert_eq!(source().await, "MAPS - Core");
    let file = folder.path().join("offers/maps-core.toml");
    let text = fs::read_to_string(&file).expect("read");
    let renamed = text.replacen("specialisation = \"Core\"", "specialisation = \"Seed\"", 1);
    fs::write(&file, renamed).expect("written");
    assert_eq!(source().await, "MAPS - Core", "not before it is read");
    reload(&world, true).await.expect("valid");
    assert_eq!(source().await, "MAPS - Core", "only checked");
    reload(&world, false).await.expect("reloaded");
    assert_eq!(source().await, "MAPS - Seed");
}
