//! Starting: what is wrong is found before anything is served, and told by name.

use catalog_service::server::{self, ServerError};
use chassis::config::Secret;
use tempfile::TempDir;

use crate::world::{OFFICE, World, config};

#[tokio::test]
async fn missing_secrets_are_all_named() {
    let folder = TempDir::new().expect("a folder");
    let mut config = config(&folder, "http://127.0.0.1:1");
    config.secrets.encryption_keys = None;
    config.secrets.digest_secret = None;
    match server::bind(config).await.err() {
        Some(ServerError::Settings(faults)) => assert_eq!(faults.len(), 2, "{faults:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_content_folder_with_faults_is_told_with_file_and_line() {
    let folder = TempDir::new().expect("a folder");
    let content = folder.path().join("content");
    std::fs::create_dir_all(content.join("offers")).expect("a folder");
    std::fs::write(content.join("offers/a.toml"), "nonsense").expect("written");
    let mut config = config(&folder, "http://127.0.0.1:1");
    config.content.folder = content;
    let error = server::bind(config).await.err().expect("an error").to_string();
    assert!(error.contains("offers/a.toml:1:"), "{error}");
}

#[tokio::test]
async fn another_digest_secret_and_a_lost_encryption_key_are_refused() {
    let mut world = World::enrolled().await;
    world.import(OFFICE, "").await.expect("imported");
    world.stop().await;
    let mut changed = world.config.clone();
    changed.secrets.digest_secret = Some(Secret::new("ff".repeat(32)));
    assert!(matches!(server::bind(changed).await.err(), Some(ServerError::DigestSecretChanged)));
    let mut lost = world.config.clone();
    lost.secrets.encryption_keys = Some(Secret::new(format!("2027:{}", "2b".repeat(32))));
    match server::bind(lost).await.err() {
        Some(ServerError::EncryptionKeyMissing(id)) => assert_eq!(id, "2026"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_new_encryption_key_beside_the_old_one_is_a_rotation() {
    let mut world = World::enrolled().await;
    world.import(crate::world::SQL, "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE").await.expect("imported");
    world.stop().await;
    let ring = format!("2026:{}\n2027:{}\n", "2a".repeat(32), "2b".repeat(32));
    world.config.secrets.encryption_keys = Some(Secret::new(ring));
    world.start().await;
    let shown = world.reveal(crate::world::ADMIN, crate::world::SQL).await.expect("revealed");
    assert_eq!(shown.product_key, "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE");
}
