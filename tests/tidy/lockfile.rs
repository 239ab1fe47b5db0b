//! The lock file: no version with a known hole, one version where two would be a fault, licences we
//! may use.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::process::Command;

use crate::house::{House, root};
use crate::report::Fault;

const LAW_HOLE: &str = "no version with a known hole";
const LAW_AVOID: &str = "no crate that is given up or cannot be mended";
const LAW_SINGLE: &str = "one version of what two versions of would not fit together";
const LAW_SOURCE: &str = "every crate comes from crates.io";
const LAW_LICENCE: &str = "every crate has a licence that deny.toml allows";

const LOCK: &str = "Cargo.lock";
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Name, the least version without the hole in its line of versions, and the advisory.
/// Lines are `major`, or `0.minor`; a line below the first one named is refused, one above the last
/// is fine.
const HOLES: [(&str, &str, &str); 24] = [
    ("h2", "0.4.16", "RUSTSEC-2026-0258"),
    ("tonic", "0.12.3", "RUSTSEC-2024-0376"),
    ("prost", "0.6.1", "RUSTSEC-2020-0002"),
    ("rustls", "0.23.18", "RUSTSEC-2024-0399"),
    ("rustls-webpki", "0.103.13", "RUSTSEC-2026-0104"),
    ("aws-lc-sys", "0.39.0", "RUSTSEC-2026-0044"),
    ("ring", "0.17.12", "RUSTSEC-2025-0009"),
    ("tokio", "1.44.2", "RUSTSEC-2025-0023"),
    ("bytes", "1.11.1", "RUSTSEC-2026-0007"),
    ("crossbeam-epoch", "0.9.20", "RUSTSEC-2026-0204"),
    ("jsonwebtoken", "10.3.0", "CVE-2026-25537"),
    ("ed25519-dalek", "2.0.0", "RUSTSEC-2022-0093"),
    ("curve25519-dalek", "4.1.3", "RUSTSEC-2024-0344"),
    ("tracing-subscriber", "0.3.20", "RUSTSEC-2025-0055"),
    ("rand", "0.8.6", "unsound with a custom logger"),
    ("rand", "0.9.3", "unsound with a custom logger"),
    ("rand", "0.10.1", "unsound with a custom logger"),
    ("lru", "0.18.2", "RUSTSEC database of 2026-08-20"),
    ("time", "0.3.47", "RUSTSEC database of 2026-08-20"),
    ("crossbeam-utils", "0.8.7", "RUSTSEC-2022-0041"),
    ("smallvec", "1.6.1", "RUSTSEC-2021-0003"),
    ("idna", "1.0.0", "RUSTSEC-2024-0421"),
    ("sqlx", "0.8.1", "RUSTSEC-2024-0363"),
    ("openssl", "0.10.72", "RUSTSEC-2025-0022"),
];

/// Crates that we do not take, and what to take instead.
const AVOIDED: [(&str, &str); 8] = [
    ("rustls-pemfile", "rustls-pki-types reads PEM (RUSTSEC-2025-0134)"),
    ("bincode", "write the format down (RUSTSEC-2025-0141)"),
    ("rsa", "Ed25519 or P-256 (RUSTSEC-2023-0071, no fix)"),
    ("serde_yaml", "TOML"),
    ("atty", "std::io::IsTerminal (RUSTSEC-2021-0145)"),
    ("dotenv", "settings come through chassis (RUSTSEC-2021-0141)"),
    ("structopt", "clap"),
    ("ansi_term", "plain text (RUSTSEC-2021-0139)"),
];

const SINGLE: [&str; 16] = [
    "h2",
    "http",
    "http-body",
    "hyper",
    "hyper-util",
    "metrics",
    "prost",
    "prost-types",
    "ring",
    "rustls",
    "rustls-webpki",
    "sqlx",
    "tokio",
    "tonic",
    "tower",
    "tracing",
];

struct Locked {
    name: String,
    version: String,
    source: Option<String>,
    line: usize,
}

pub(crate) fn check(house: &House) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages(house) {
        let mut fault = |law, remedy| faults.push(Fault::new(LOCK, package.line, law, remedy));
        let Locked { name, version, .. } = &package;
        if let Some((least, advisory)) = hole(name, version) {
            fault(LAW_HOLE, format!("{name} {version}: take {least} or later ({advisory})"));
        }
        if let Some((_, instead)) = AVOIDED.iter().find(|(avoided, _)| avoided == name) {
            fault(LAW_AVOID, format!("{name}: {instead}"));
        }
        if package.source.as_deref().is_some_and(|source| source != REGISTRY) {
            fault(LAW_SOURCE, format!("{name}: take a released version"));
        }
        versions.entry(package.name).or_default().insert(package.version);
    }
    for name in SINGLE {
        let found = versions.get(name).cloned().unwrap_or_default();
        if found.len() > 1 {
            let list: Vec<String> = found.into_iter().collect();
            let remedy = format!("{name} {}: settle on one", list.join(" and "));
            faults.push(Fault::new(LOCK, 0, LAW_SINGLE, remedy));
        }
    }
    faults
}

/// The hole that this version has, with the least version of its line that has it no more.
fn hole(name: &str, version: &str) -> Option<(&'static str, &'static str)> {
    let rows: Vec<_> = HOLES.iter().filter(|(holed, ..)| *holed == name).collect();
    let own = numbers(version);
    let same_line = rows.iter().find(|(_, least, _)| line_of(&numbers(least)) == line_of(&own));
    let row = same_line.or_else(|| rows.iter().find(|(_, least, _)| own < numbers(least)))?;
    (own < numbers(row.1)).then_some((row.1, row.2))
}

/// `1.44.2` is in line 1, `0.4.16` in line 0.4.
fn line_of(version: &[u64]) -> Vec<u64> {
    let digits = if version.first() == Some(&0) { 2 } else { 1 };
    version.iter().take(digits).copied().collect()
}

fn numbers(version: &str) -> Vec<u64> {
    let release = version.split(['-', '+']).next().unwrap_or_default();
    release.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn packages(house: &House) -> Vec<Locked> {
    let mut found: Vec<Locked> = Vec::new();
    let Some(lock) = house.get(LOCK) else { return found };
    for (line, text) in lock.lines() {
        let Some((key, value)) = text.split_once(" = ") else { continue };
        let value = value.trim_matches('"').to_owned();
        match (key, found.last_mut()) {
            ("name", _) => {
                found.push(Locked { name: value, version: String::new(), source: None, line });
            }
            ("version", Some(package)) => package.version = value,
            ("source", Some(package)) => package.source = Some(value),
            _ => {}
        }
    }
    found
}

/// Checks each package's licence expression against the list of deny.toml.
fn check_licences(packages: &[(String, String)], allowed: &BTreeSet<String>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, expression) in packages {
        if !is_allowed(expression, allowed) {
            let remedy =
                format!("{name} is under `{expression}`: replace it, or decide and allow it");
            faults.push(Fault::new(LOCK, 0, LAW_LICENCE, remedy));
        }
    }
    faults
}

/// `A OR B` needs one allowed, `A AND B` both; brackets bind as usual, `/` is an old way to write
/// OR.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut at = 0;
    any_of(&words, &mut at, allowed) && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut holds = all_of(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        holds |= all_of(words, at, allowed);
    }
    holds
}

fn all_of(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut holds = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        holds &= one(words, at, allowed);
    }
    holds
}

fn one(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let holds = any_of(words, at, allowed);
        *at += 1;
        return holds;
    }
    let mut name = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1).copied().unwrap_or_default();
        name = format!("{name} WITH {exception}");
        *at += 2;
    }
    allowed.contains(&name)
}

#[test]
fn locked_versions_are_sound() -> Result<(), Box<dyn Error>> {
    let house = House::load()?;
    assert!(packages(&house).len() > 50, "Cargo.lock is committed and read");
    crate::report::assert_kept(check(&house));
    Ok(())
}

#[test]
fn licences_are_those_that_deny_toml_allows() -> Result<(), Box<dyn Error>> {
    let house = House::load()?;
    let deny = house.get("deny.toml").ok_or("deny.toml is missing")?;
    let deny: toml::Table = deny.text.parse()?;
    let allow = deny.get("licenses").and_then(|l| l.get("allow")).and_then(|a| a.as_array());
    let allow = allow.ok_or("deny.toml allows no licence")?;
    let allowed: BTreeSet<String> =
        allow.iter().filter_map(|name| name.as_str()).map(str::to_owned).collect();

    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root()?)
        .output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let text = |package: &serde_json::Value, key: &str| {
        package.get(key).and_then(|value| value.as_str()).unwrap_or("none").to_owned()
    };
    let packages = metadata.get("packages").and_then(|p| p.as_array()).ok_or("no packages")?;
    let licences: Vec<(String, String)> =
        packages.iter().map(|p| (text(p, "name"), text(p, "license"))).collect();
    crate::report::assert_kept(check_licences(&licences, &allowed));
    Ok(())
}

#[test]
fn unsound_locks_are_named() {
    let row = |name: &str, version: &str, source: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{source}\"\n\n"
        )
    };
    let lock = [
        row("h2", "0.4.15", REGISTRY),
        row("h2", "0.4.20", REGISTRY),
        row("rand", "0.8.6", REGISTRY),
        row("rand", "0.9.2", REGISTRY),
        row("rand", "0.11.0", REGISTRY),
        row("rand", "0.7.3", REGISTRY),
        row("rsa", "0.9.0", REGISTRY),
        row("fork", "1.0.0", "git+https://example.com/fork"),
        row("jsonwebtoken", "11.1.0", REGISTRY),
    ]
    .concat();
    crate::report::assert_broken_at(
        &check(&House::specimen(&[(LOCK, &lock)])),
        &[(LOCK, 2), (LOCK, 0), (LOCK, 17), (LOCK, 27), (LOCK, 32), (LOCK, 37)],
    );
}

#[test]
fn a_licence_that_is_not_allowed_is_named() {
    let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
    let allowed = BTreeSet::from(allowed);
    let packages = [
        ("a", "MIT/Apache-2.0"),
        ("b", "(GPL-3.0-only OR MIT) AND Apache-2.0"),
        ("c", "MIT AND GPL-3.0-only"),
        ("d", "Apache-2.0 WITH LLVM-exception"),
        ("e", "none"),
    ];
    let packages = packages.map(|(name, licence)| (name.to_owned(), licence.to_owned()));
    let remedies: Vec<String> =
        check_licences(&packages, &allowed).into_iter().map(|fault| fault.remedy).collect();
    assert_eq!(remedies.len(), 2, "{remedies:?}");
    assert!(remedies.iter().all(|text| text.starts_with("c ") || text.starts_with("e ")));
}
