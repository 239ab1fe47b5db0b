//! Single files of a folder that is held in memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::real::image::{Image, Node};

impl Image {
    /// Takes a folder from the disk.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let mut nodes = BTreeMap::new();
        let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_folder = entry.file_type()?.is_dir();
            let node = match is_folder {
                true => Node::Folder(Self::read(&entry.path())?),
                false => Node::File(fs::read(entry.path())?),
            };
            nodes.insert(name, node);
        }
        Ok(Self(nodes))
    }

    /// The files by their paths, parts of which a slash separates.
    pub(super) fn files(&self) -> BTreeMap<String, &Vec<u8>> {
        let mut files = BTreeMap::new();
        for (name, node) in &self.0 {
            match node {
                Node::File(bytes) => {
                    files.insert(name.clone(), bytes);
                }
                Node::Folder(inner) => {
                    let inner = inner.files().into_iter();
                    files.extend(inner.map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
                }
            }
        }
        files
    }

    /// Puts other bytes into a file that is there, or takes the file away.
    pub(super) fn put(&mut self, path: &str, bytes: Option<Vec<u8>>) {
        match (path.split_once('/'), bytes) {
            (Some((folder, rest)), bytes) => {
                if let Some(Node::Folder(inner)) = self.0.get_mut(folder) {
                    inner.put(rest, bytes);
                }
            }
            (None, Some(bytes)) => {
                self.0.insert(path.to_owned(), Node::File(bytes));
            }
            (None, None) => {
                self.0.remove(path);
            }
        }
    }
}
