//! Development secrets beside the certificates: what the services require and never invent.
//!
//! A secret that exists is kept, whatever is asked: data that was written under it is of no use
//! without it.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::certs::write_private;

/// Bytes of every secret.
const SECRET_BYTES: usize = 32;

/// Each secret: the name of its file, what stands before its digits, and what it is for.
pub const SECRETS: [(&str, &str, &str); 7] = [
    ("activation-pepper.secret", "", "look-up digests of product keys"),
    ("activation-salt.secret", "", "evidence digests of this deployment; never changes"),
    ("activation-receipt-key.secret", "", "signs receipts"),
    ("activation-page-token.secret", "", "page tokens of activation-service"),
    ("catalog-encryption-keys.secret", "dev:", "product keys at rest; one line a key, newest last"),
    ("catalog-digest.secret", "", "recognises a product key that is imported twice; never changes"),
    ("catalog-page-token.secret", "", "page tokens of catalog-service"),
];

/// Writes those that are missing.
///
/// # Errors
/// The folder cannot be written, or the system gives no random bytes.
pub fn write_missing(folder: &Path) -> Result<()> {
    for (name, prefix, _) in SECRETS {
        let path = folder.join(name);
        if !path.exists() {
            write_private(&path, &format!("{prefix}{}\n", random_hex()?))?;
        }
    }
    Ok(())
}

fn random_hex() -> Result<String> {
    let mut bytes = [0_u8; SECRET_BYTES];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    let mut text = String::with_capacity(2 * SECRET_BYTES);
    for byte in bytes {
        write!(text, "{byte:02x}").context("cannot write digits")?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    //! Secrets are random, and are never replaced.

    use super::*;

    #[test]
    fn a_secret_that_exists_is_kept() -> Result<()> {
        let folder = tempfile::tempdir()?;
        write_missing(folder.path())?;
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name));
        let first = read("catalog-encryption-keys.secret")?;
        let digits = first.trim_end().strip_prefix("dev:").context("an id")?;
        assert_eq!(digits.len(), 2 * SECRET_BYTES);
        assert_ne!(read("activation-pepper.secret")?, read("activation-salt.secret")?);
        write_missing(folder.path())?;
        assert_eq!(read("catalog-encryption-keys.secret")?, first);
        Ok(())
    }
}
