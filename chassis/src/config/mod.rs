//! One typed struct a service, from flag, environment, file and default; every bad key is told.
//!
//! Environment names are `PREFIX__SECTION__FIELD`. Lists and maps are written in TOML syntax
//! (`PREFIX__PEERS='["a", "b"]'`). A field of type [`Secret`] may also be given as a path, under
//! its name with `_file` (`PREFIX__TOKEN_FILE=/run/secrets/token`), in the file and in the
//! environment alike.

mod layers;
mod secret;

use std::fmt;
use std::path::{Path, PathBuf};

use ::config::{Value, ValueKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use secret::Secret;

/// Most faults that one load reports; a longer list helps nobody.
const PROBLEMS_MAX: usize = 64;

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path of the setting.
    pub key: String,
    /// Where the value came from: a file, an environment variable, a flag or the defaults.
    pub origin: String,
    /// What is wrong; never holds the value of a secret.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.key, self.origin, self.message)
    }
}

/// Why the settings could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The settings file cannot be read.
    #[error("cannot read the settings file {path}: {cause}")]
    Unreadable {
        /// The file as it was named.
        path: PathBuf,
        /// The system's answer.
        cause: std::io::Error,
    },
    /// The settings file is not TOML.
    #[error("the settings file {path} is not TOML: {message}")]
    NotToml {
        /// The file as it was named.
        path: PathBuf,
        /// Where and why, from the parser.
        message: String,
    },
    /// One or more settings are wrong.
    #[error("{}", list(.0))]
    Bad(Vec<Problem>),
    /// The struct cannot be written as settings; a fault of the program.
    #[error("the settings cannot be written: {0}")]
    Unwritable(String),
}

/// Loads `T`: `overrides` (dotted key, value) over environment over `file` over `T::default()`.
///
/// Every wrong or unknown key is reported, with its origin. A section that is given in part keeps
/// the rest of `T::default()`.
pub fn load<T>(
    file: Option<&Path>,
    env_prefix: &str,
    overrides: &[(String, String)],
) -> Result<T, ConfigError>
where
    T: Default + Serialize + DeserializeOwned,
{
    let start = format!("{env_prefix}__");
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
    });
    load_from(file, &start, variables.filter(|(name, _)| name.starts_with(&start)), overrides)
}

/// The settings as TOML with every secret redacted, for `config print`.
pub fn render<T: Serialize>(config: &T) -> Result<String, ConfigError> {
    toml::to_string_pretty(config).map_err(|e| ConfigError::Unwritable(e.to_string()))
}

fn load_from<T>(
    file: Option<&Path>,
    env_start: &str,
    variables: impl Iterator<Item = (String, String)>,
    overrides: &[(String, String)],
) -> Result<T, ConfigError>
where
    T: Default + Serialize + DeserializeOwned,
{
    let mut tree = layers::defaults(&T::default())?;
    if let Some(path) = file {
        layers::merge(&mut tree, layers::file(path)?);
    }
    let mut variables: Vec<_> = variables.collect();
    variables.sort();
    for (name, text) in &variables {
        let keys = name.trim_start_matches(env_start).to_ascii_lowercase();
        let path: Vec<&str> = keys.split("__").collect();
        layers::merge(&mut tree, layers::leaf(&path, text, &format!("environment {name}")));
    }
    for (key, text) in overrides {
        let path: Vec<&str> = key.split('.').collect();
        layers::merge(&mut tree, layers::leaf(&path, text, &format!("flag {key}")));
    }
    settle(tree)
}

/// Reads the struct; a bad key is noted, taken out and the reading repeated, so that all are found.
fn settle<T: DeserializeOwned>(mut tree: Value) -> Result<T, ConfigError> {
    let mut problems = Vec::new();
    while problems.len() < PROBLEMS_MAX {
        let error = match serde_path_to_error::deserialize::<_, T>(tree.clone()) {
            Ok(config) if problems.is_empty() => return Ok(config),
            Ok(_) => break,
            Err(error) => error,
        };
        let message = plain(error.inner());
        let mut path = segments(error.path());
        if let Some(name) = unknown_field(&message)
            && path.last().is_none_or(|last| *last != name)
        {
            path.push(name);
        }
        let unknown = unknown_field(&message).is_some();
        if unknown && layers::secret_from_file(&mut tree, &path, &message) {
            continue;
        }
        let removed = layers::remove(&mut tree, &path);
        let origin = removed.as_ref().and_then(Value::origin).unwrap_or("not given").to_owned();
        problems.push(Problem { key: path.join("."), origin, message });
        if removed.is_none() {
            break;
        }
    }
    Err(ConfigError::Bad(problems))
}

fn segments(path: &serde_path_to_error::Path) -> Vec<String> {
    use serde_path_to_error::Segment;
    path.iter()
        .map_while(|segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { variant } => Some(variant.clone()),
            // An element of a list is told, and taken out, with the list.
            Segment::Seq { .. } | Segment::Unknown => None,
        })
        .collect()
}

fn unknown_field(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `")?;
    Some(rest.split('`').next()?.to_owned())
}

/// The innermost message: the layers around it repeat key and origin, which [`Problem`] holds
/// already.
fn plain(error: &::config::ConfigError) -> String {
    match error {
        ::config::ConfigError::At { error, .. } => plain(error),
        ::config::ConfigError::Type { unexpected, expected, .. } => {
            format!("{unexpected} where {expected} belongs")
        }
        other => other.to_string(),
    }
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
    format!("{} bad setting(s):\n{}", problems.len(), lines.join("\n"))
}

fn table(value: &mut Value) -> Option<&mut ::config::Map<String, Value>> {
    match &mut value.kind {
        ValueKind::Table(table) => Some(table),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
