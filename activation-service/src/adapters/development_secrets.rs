//! Secrets for a service that runs alone on a developer's machine: made once, kept in a folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::SECRET_BYTES;

const SALT_FILE: &str = "deployment-salt";
const PEPPER_FILE: &str = "pepper";
const RECEIPT_KEY_FILE: &str = "receipt-key";
/// Longest file that is read: the digits and a line end.
const FILE_BYTES_MAX: u64 = SECRET_BYTES as u64 * 2 + 2;

/// What the folder holds.
#[derive(Clone)]
pub struct DevelopmentSecrets {
    /// The salt of the deployment.
    pub deployment_salt: [u8; SECRET_BYTES],
    /// The pepper of look-up digests.
    pub pepper: [u8; SECRET_BYTES],
    /// The seed of the key that signs receipts.
    pub receipt_key: [u8; SECRET_BYTES],
}

impl std::fmt::Debug for DevelopmentSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DevelopmentSecrets(redacted)")
    }
}

/// Why the secrets cannot be read or made.
#[derive(Debug, Error)]
pub enum DevelopmentSecretsError {
    /// The file system says no.
    #[error("{path}: {cause}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file holds something else.
    #[error("{0}: not {n} hex digits", n = SECRET_BYTES * 2)]
    Malformed(PathBuf),
}

/// Reads the secrets in a folder; what is missing is drawn and made durable before it is used.
pub fn load_or_make(folder: &Path) -> Result<DevelopmentSecrets, DevelopmentSecretsError> {
    let io = |cause| DevelopmentSecretsError::Io { path: folder.to_owned(), cause };
    fs::create_dir_all(folder).map_err(io)?;
    let deployment_salt = secret(&folder.join(SALT_FILE))?;
    let pepper = secret(&folder.join(PEPPER_FILE))?;
    let receipt_key = secret(&folder.join(RECEIPT_KEY_FILE))?;
    // The names must outlast a crash as well: with other secrets the ledger would find no key
    // again.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    Ok(DevelopmentSecrets { deployment_salt, pepper, receipt_key })
}

fn secret(path: &Path) -> Result<[u8; SECRET_BYTES], DevelopmentSecretsError> {
    let io = |cause| DevelopmentSecretsError::Io { path: path.to_owned(), cause };
    if !path.exists() {
        make(path).map_err(io)?;
        tracing::warn!(path = %path.display(), "made a development secret");
    }
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text))
        .map_err(io)?;
    let mut bytes = [0; SECRET_BYTES];
    hex::decode_to_slice(text.trim_end(), &mut bytes)
        .map_err(|_| DevelopmentSecretsError::Malformed(path.to_owned()))?;
    Ok(bytes)
}

/// Writes beside the place and renames, so that a crash leaves a whole file or none.
fn make(path: &Path) -> io::Result<()> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    let draft = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(hex::encode(bytes).as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_once_for_the_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("secrets");
        let made = load_or_make(&place).expect("made");
        let read = load_or_make(&place).expect("read");
        assert_eq!(made.pepper, read.pepper);
        assert_eq!(made.deployment_salt, read.deployment_salt);
        assert_ne!(made.pepper, made.deployment_salt);
        #[cfg(unix)]
        for name in [SALT_FILE, PEPPER_FILE, RECEIPT_KEY_FILE] {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(place.join(name)).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(place.join(PEPPER_FILE), "not hex").expect("written");
        assert!(matches!(load_or_make(&place), Err(DevelopmentSecretsError::Malformed(_))));
    }
}
