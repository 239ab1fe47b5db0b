//! The shelf: the content folder, read as a whole, served as one immutable content, swapped on
//! reload.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use super::files;
use crate::domain::content::Content;
use crate::ports::{ContentFault, Published, Shelf};

/// The content folder. Readers take what is served now and keep it; a reload never changes what
/// they hold.
pub struct FileShelf {
    folder: PathBuf,
    served: RwLock<Published>,
    /// One reload at a time, so that the later one is served last.
    reloading: tokio::sync::Mutex<()>,
}

impl FileShelf {
    /// Reads the folder; with a fault there is nothing to serve and no shelf.
    pub async fn open(folder: PathBuf) -> Result<Self, Vec<ContentFault>> {
        let content = read(folder.clone()).await?;
        let served = Published { generation: 1, content: Arc::new(content) };
        let reloading = tokio::sync::Mutex::new(());
        Ok(Self { folder, served: RwLock::new(served), reloading })
    }
}

#[async_trait]
impl Shelf for FileShelf {
    fn current(&self) -> Published {
        // A writer only replaces the value, so a poisoned lock holds a whole one.
        self.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn reload(&self, validate_only: bool) -> Result<Published, Vec<ContentFault>> {
        let _one_at_a_time = self.reloading.lock().await;
        let content = Arc::new(read(self.folder.clone()).await?);
        let served = self.current();
        if validate_only {
            return Ok(Published { content, ..served });
        }
        if content.fingerprint() == served.content.fingerprint() {
            return Ok(served);
        }
        let published = Published { generation: served.generation.saturating_add(1), content };
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = published.clone();
        Ok(published)
    }
}

async fn read(folder: PathBuf) -> Result<Content, Vec<ContentFault>> {
    let shown = folder.clone();
    tokio::task::spawn_blocking(move || files::check(&folder)).await.unwrap_or_else(|error| {
        let message = format!("the content could not be read: {error}");
        Err(vec![ContentFault { file: shown, line: 1, message }])
    })
}
