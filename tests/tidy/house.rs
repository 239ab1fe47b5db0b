//! The text files of the repository, or of a specimen that a law is tried on.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing that people wrote.
const SKIPPED_FOLDERS: [&str; 4] = ["target", ".git", "dev-data", "__pycache__"];
/// Endings of the files that laws speak about.
const ENDINGS: [&str; 13] =
    ["rs", "toml", "md", "proto", "yml", "yaml", "sql", "json", "py", "sh", "lock", "txt", "csv"];
/// Names of such files that have no ending.
const NAMES: [&str; 6] =
    ["run", "Dockerfile", "LICENSE", "LICENSE-MIT", "LICENSE-APACHE", ".gitignore"];
/// A bound on what is read; a larger file holds data and not text.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// One text file.
pub(crate) struct Source {
    /// Its path from the root of the repository, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// The lines with their numbers from one.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The file's name without folders.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// All text files, sorted by path.
pub(crate) struct House {
    sources: Vec<Source>,
}

impl House {
    /// Reads the repository that this test belongs to.
    pub(crate) fn load() -> Result<Self, Box<dyn Error>> {
        let root = root()?;
        let mut sources = Vec::new();
        read_folder(&root, &root, &mut sources)?;
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { sources })
    }

    /// A house of these files and nothing else.
    pub(crate) fn specimen(files: &[(&str, &str)]) -> Self {
        let source = |(path, text): &(&str, &str)| Source {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        };
        Self { sources: files.iter().map(source).collect() }
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| source.path.ends_with(".rs"))
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.path == path)
    }

    /// Whether any file lies in this folder, given without a closing slash.
    pub(crate) fn has_folder(&self, folder: &str) -> bool {
        let prefix = format!("{folder}/");
        self.sources.iter().any(|source| source.path.starts_with(&prefix))
    }
}

/// The root of the repository.
pub(crate) fn root() -> Result<PathBuf, Box<dyn Error>> {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(parent.ok_or("the crate lies in no folder")?.to_owned())
}

fn read_folder(
    root: &Path,
    folder: &Path,
    sources: &mut Vec<Source>,
) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                read_folder(root, &entry.path(), sources)?;
            }
        } else if kind.is_file() && is_text(&name) && entry.metadata()?.len() <= FILE_BYTES_MAX {
            let path = entry.path();
            // A file that someone deletes or writes at this moment is no fault of the house.
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let relative = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            sources.push(Source { path: relative, text });
        }
    }
    Ok(())
}

fn is_text(name: &str) -> bool {
    NAMES.contains(&name)
        || name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

#[test]
fn the_repository_is_read() -> Result<(), Box<dyn Error>> {
    let house = House::load()?;
    assert!(house.get("Cargo.toml").is_some() && house.get("Cargo.lock").is_some());
    assert!(house.get("tests/tidy/house.rs").is_some() && house.has_folder("proto"));
    assert!(!house.has_folder("target"), "built files are not the house");
    Ok(())
}
