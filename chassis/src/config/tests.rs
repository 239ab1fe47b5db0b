//! Settings come from the right layer, and every wrong one is named with its origin.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde::Deserialize;

use super::*;

#[derive(Debug, Serialize, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Inner {
    port: u16,
    wait_ms: u64,
    peers: Vec<String>,
    names: BTreeMap<String, Vec<String>>,
}

impl Default for Inner {
    fn default() -> Self {
        Self { port: 1, wait_ms: 5, peers: Vec::new(), names: BTreeMap::new() }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Database {
    user: String,
    password: Secret,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Outer {
    inner: Inner,
    note: String,
    pepper: Option<Secret>,
    database: Option<Database>,
    keys: BTreeMap<String, Secret>,
    cert_file: Option<PathBuf>,
}

impl Default for Outer {
    fn default() -> Self {
        let inner = Inner { wait_ms: 77, ..Inner::default() };
        Self {
            inner,
            note: String::new(),
            pepper: None,
            database: None,
            keys: BTreeMap::new(),
            cert_file: None,
        }
    }
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("text fits");
    file
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn read(text: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Outer, ConfigError> {
    let file = file(text);
    load_from(Some(file.path()), "APP__", pairs(env).into_iter(), &pairs(flags))
}

#[test]
fn flag_over_environment_over_file_over_default() {
    let text = "note = 'file'\n[inner]\nport = 2\n[inner.names]\n\"a.internal\" = ['A']";
    let env = [("APP__INNER__PORT", "3"), ("APP__INNER__PEERS", "[\"x\", \"y\"]")];
    let config = read(text, &env, &[("note", "12345")]).expect("all good");
    assert_eq!(config.inner.port, 3);
    assert_eq!(config.inner.wait_ms, 77, "a section given in part keeps the service's defaults");
    assert_eq!(config.inner.peers, ["x", "y"]);
    assert_eq!(config.inner.names["a.internal"], ["A"]);
    assert_eq!(config.note, "12345");
}

#[test]
fn every_bad_key_is_named_with_its_origin() {
    let text = "nots = 1\n[inner]\nport = 99999\n";
    let env = [("APP__INNER__WAIT_MS", "soon"), ("APP__INNER__PROT", "3")];
    let error = read(text, &env, &[("no.such", "1")]).expect_err("five faults");
    let ConfigError::Bad(problems) = error else { panic!("another error: {error}") };
    let told: Vec<String> = problems.iter().map(|p| format!("{} {}", p.key, p.origin)).collect();
    for expected in [
        "inner.port file ",
        "nots file ",
        "inner.wait_ms environment APP__INNER__WAIT_MS",
        "inner.prot environment APP__INNER__PROT",
        "no flag no.such",
    ] {
        assert!(told.iter().any(|t| t.starts_with(expected)), "{expected} is not in {told:?}");
    }
    assert_eq!(problems.len(), 5, "{problems:?}");
}

#[test]
fn a_secret_comes_as_text_or_file_and_is_never_shown() {
    let held = file("hunter2\n");
    let path = held.path().to_string_lossy().into_owned();
    let config = read("", &[("APP__PEPPER_FILE", &path)], &[]).expect("by environment");
    assert_eq!(config.pepper.as_ref().map(Secret::expose), Some("hunter2"));
    let config = read(&format!("pepper_file = '{path}'"), &[], &[]).expect("by file");
    assert_eq!(config.pepper.as_ref().map(Secret::expose), Some("hunter2"));
    assert!(!format!("{config:?}{}", render(&config).expect("it prints")).contains("hunter2"));
    assert!(render(&config).expect("it prints").contains("[redacted]"));
    let config = read(&format!("pepper_file = '{path}'"), &[("APP__PEPPER", "other")], &[]);
    assert_eq!(config.expect("the higher layer wins").pepper.expect("given").expose(), "other");
    assert!(read("pepper = '[redacted]'", &[], &[]).is_err());
    assert!(read("pepper_file = '/no/such/file'", &[], &[]).is_err());
    let config = read("cert_file = '/a/b'", &[], &[]).expect("a plain path stays a path");
    assert_eq!(config.cert_file, Some(PathBuf::from("/a/b")));
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_told() {
    let missing = load_from::<Outer>(Some(Path::new("/no/such")), "A__", std::iter::empty(), &[]);
    assert!(matches!(missing, Err(ConfigError::Unreadable { .. })));
    assert!(matches!(read("= nonsense", &[], &[]), Err(ConfigError::NotToml { .. })));
}

#[test]
fn secrets_in_optional_sections_and_maps_come_from_files_too() {
    let held = file("hunter2\n");
    let path = held.path().display();
    let text = format!(
        "[database]\nuser = 'u'\npassword_file = '{path}'\n[keys]\nk1 = {{ file = '{path}' }}\n"
    );
    let config = read(&text, &[], &[]).expect("both are read");
    assert_eq!(config.database.expect("given").password.expose(), "hunter2");
    assert_eq!(config.keys["k1"].expose(), "hunter2");
    let error = read("[database]\nuser = 'u'\n", &[], &[]).expect_err("a field is missing");
    assert!(error.to_string().contains("password"), "{error}");
    let error = read("[database]\nuser_file = 'x'\npassword = 'p'\n", &[], &[]);
    assert!(error.is_err(), "a user is no secret");
}
