//! A setting that no log, error or printed configuration may show.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What stands in place of a secret wherever settings are shown.
const REDACTED: &str = "[redacted]";
/// Largest file that is read as a secret.
const SECRET_BYTES_MAX: usize = 64 * 1024;

/// A secret setting, given as text or as a file; wiped from memory when dropped.
///
/// As a field it takes `name = "…"` or `name_file = "path"`; as a value of a map, where any name
/// may stand, a file is written `name = { file = "path" }`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Keeps `text` as a secret.
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The secret itself; the name makes each use easy to find.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Text(String),
            File { file: std::path::PathBuf },
        }
        // Serde's own message would quote the value.
        let given = Given::deserialize(deserializer).map_err(|error: D::Error| {
            let missing = error.to_string().starts_with("missing ");
            if missing { error } else { serde::de::Error::custom("a secret is text or a file") }
        })?;
        let text = match given {
            Given::Text(text) => text,
            Given::File { file } => std::fs::read_to_string(&file).map_err(|cause| {
                serde::de::Error::custom(format!("cannot read {}: {cause}", file.display()))
            })?,
        };
        // Files made by `echo` and editors end in a newline that nobody means.
        let text = text.trim_end_matches(['\r', '\n']);
        if text == REDACTED {
            return Err(serde::de::Error::custom("this is the redacted form of a secret"));
        }
        if text.is_empty() || text.len() > SECRET_BYTES_MAX {
            return Err(serde::de::Error::custom("a secret has 1 to 65536 bytes"));
        }
        Ok(Self::new(text.to_owned()))
    }
}
