//! A folder with its files, held in memory, and put on a disk and taken from it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// A folder: what is called how in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Image(pub(super) BTreeMap<String, Node>);

/// A file or a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    File(Vec<u8>),
    Folder(Image),
}

impl Image {
    /// Puts this in place of all that lies in a folder.
    pub(super) fn restore(&self, folder: &Path) -> Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        self.write(folder)
    }

    fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        for (name, node) in &self.0 {
            let path = folder.join(name);
            match node {
                Node::File(bytes) => fs::write(&path, bytes)?,
                Node::Folder(inner) => inner.write(&path)?,
            }
        }
        Ok(())
    }
}
