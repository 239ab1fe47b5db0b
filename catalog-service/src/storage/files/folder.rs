//! Reads the files of a content folder: bounded in number and size, and none from outside of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::faults::Faults;

/// Most bytes of one file.
pub const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Most files, folders included.
pub const FILES_MAX: usize = 5000;
/// Most bytes of all files together.
pub const CONTENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Deepest place of a file: `family/install/product/version/windows.en.md`.
const DEPTH_MAX: usize = 5;
/// The folder that holds offers instead of a family.
const OFFERS: &str = "offers";
/// The folder of a family that holds its walkthroughs.
const INSTALL: &str = "install";
/// The file that describes a family.
const FAMILY_FILE: &str = "family.toml";
/// A file for people, not for us.
const README: &str = "README.md";

/// A file as it was read.
#[derive(Debug)]
pub(super) struct SourceFile {
    /// Its path within the content folder.
    pub(super) path: PathBuf,
    /// Its text.
    pub(super) text: String,
}

impl SourceFile {
    /// Its name without the extension.
    pub(super) fn stem(&self) -> &str {
        self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
    }
}

/// A walkthrough file and what its place says about it.
#[derive(Debug)]
pub(super) struct InstallFile {
    /// The file.
    pub(super) source: SourceFile,
    /// The product that it is for; all of the family if none.
    pub(super) product: Option<String>,
    /// The version that it is for; all of the product if none.
    pub(super) version: Option<String>,
}

/// The files of a family.
#[derive(Debug, Default)]
pub(super) struct FamilyFolder {
    /// The file that describes it.
    pub(super) family: Option<SourceFile>,
    /// One file a product.
    pub(super) products: Vec<SourceFile>,
    /// Its walkthroughs.
    pub(super) install: Vec<InstallFile>,
}

/// All files, in the order of their paths.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// The families by the name of their folder.
    pub(super) families: BTreeMap<String, FamilyFolder>,
    /// The offers.
    pub(super) offers: Vec<SourceFile>,
    /// SHA-256 over paths and texts.
    pub(super) fingerprint: [u8; 32],
}

/// Reads the folder. What cannot be read is a fault and is left out.
pub(super) fn read(dir: &Path, faults: &mut Faults) -> Folder {
    let mut files = Vec::new();
    match dir.canonicalize() {
        Ok(root) => {
            let mut walk = Walk { root, entries: 0, bytes: 0, faults };
            walk.folder(Path::new(""), 0, &mut files);
        }
        Err(error) => faults.add(Path::new("."), 1, format!("cannot open the folder: {error}")),
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    let fingerprint = fingerprint(&files);
    let mut folder = Folder { fingerprint, ..Folder::default() };
    for file in files {
        folder.place(file, faults);
    }
    folder
}

impl Folder {
    /// Puts a file where its path says that it belongs.
    fn place(&mut self, file: SourceFile, faults: &mut Faults) {
        let path = file.path.clone();
        let parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
        let extension = path.extension().and_then(|extension| extension.to_str());
        match (parts.as_slice(), extension) {
            ([README] | [_, README], _) => {}
            ([OFFERS, _], Some("toml")) => self.offers.push(file),
            ([OFFERS, ..], _) => not_content(&path, faults),
            ([family, FAMILY_FILE], _) => self.family(family).family = Some(file),
            ([family, _], Some("toml")) => self.family(family).products.push(file),
            ([family, INSTALL, between @ .., _], Some("md")) if between.len() <= 2 => {
                let product = between.first().map(|&name| name.to_owned());
                let version = between.get(1).map(|&name| name.to_owned());
                let install = InstallFile { source: file, product, version };
                self.family(family).install.push(install);
            }
            _ => not_content(&path, faults),
        }
    }

    fn family(&mut self, name: &str) -> &mut FamilyFolder {
        self.families.entry(name.to_owned()).or_default()
    }
}

fn not_content(path: &Path, faults: &mut Faults) {
    faults.add(
        path,
        1,
        "no content has this place: it is <family>/family.toml, <family>/<product>.toml, \
         <family>/install/[<product>/[<version>/]]<platform>.<language>.md or offers/<offer>.toml",
    );
}

/// One walk over the folder with its bounds.
struct Walk<'f> {
    root: PathBuf,
    entries: usize,
    bytes: u64,
    faults: &'f mut Faults,
}

impl Walk<'_> {
    /// Reads what is below `path`, which is relative to the root.
    fn folder(&mut self, path: &Path, depth: usize, files: &mut Vec<SourceFile>) {
        let entries = match fs::read_dir(self.root.join(path)) {
            Ok(entries) => entries,
            Err(error) => return self.faults.add(path, 1, format!("cannot list: {error}")),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.faults.add(path, 1, format!("cannot list: {error}")),
            };
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                self.faults.add(path, 1, "holds a name that is not UTF-8");
                continue;
            };
            // Editors, version control and mounted volumes keep things of their own under such
            // names.
            if name.starts_with('.') {
                continue;
            }
            self.entries = self.entries.saturating_add(1);
            if self.entries > FILES_MAX {
                if self.entries == FILES_MAX.saturating_add(1) {
                    self.faults.add(path, 1, format!("more than {FILES_MAX} files and folders"));
                }
                return;
            }
            self.entry(&path.join(name), depth, files);
        }
    }

    fn entry(&mut self, path: &Path, depth: usize, files: &mut Vec<SourceFile>) {
        // A link may lead anywhere within the folder (mounted volumes are made of links), not out
        // of it.
        let real = match self.root.join(path).canonicalize() {
            Ok(real) => real,
            Err(error) => return self.faults.add(path, 1, format!("cannot be opened: {error}")),
        };
        if !real.starts_with(&self.root) {
            return self.faults.add(path, 1, "leads out of the content folder");
        }
        if real.is_dir() {
            let depth = depth.saturating_add(1);
            if depth >= DEPTH_MAX {
                return self.faults.add(path, 1, "no content lies this deep");
            }
            return self.folder(path, depth, files);
        }
        if !real.is_file() {
            return self.faults.add(path, 1, "is neither a file nor a folder");
        }
        if let Some(text) = self.text(path, &real) {
            files.push(SourceFile { path: path.to_owned(), text });
        }
    }

    fn text(&mut self, path: &Path, real: &Path) -> Option<String> {
        let mut bytes = Vec::new();
        let limit = FILE_BYTES_MAX.saturating_add(1);
        let read = fs::File::open(real).and_then(|file| file.take(limit).read_to_end(&mut bytes));
        if let Err(error) = read {
            self.faults.add(path, 1, format!("cannot be read: {error}"));
            return None;
        }
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > FILE_BYTES_MAX {
            self.faults.add(path, 1, format!("is larger than {FILE_BYTES_MAX} bytes"));
            return None;
        }
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > CONTENT_BYTES_MAX {
            self.faults.add(path, 1, format!("all files exceed {CONTENT_BYTES_MAX} bytes"));
            return None;
        }
        match String::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let before = error.as_bytes().iter().take(valid);
                let line = before.filter(|&&byte| byte == b'\n').count().saturating_add(1);
                self.faults.add(path, line, "is not UTF-8");
                None
            }
        }
    }
}

fn fingerprint(files: &[SourceFile]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for file in files {
        let path = file.path.to_string_lossy();
        for part in [path.as_ref(), file.text.as_str()] {
            // Lengths keep "ab" + "c" and "a" + "bc" apart.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().into()
}
