//! A hardware policy as a TOML file: read with every fault at once, and written in one form.

mod fields;

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use hardware_evidence::{ComponentKind, Digest, hw_v1};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use toml::Table;

use crate::domain::policy::{Demoted, PolicyFault, Rules, is_hint};
use fields::Fields;

/// The version of the file's form.
const FORMAT: u32 = 1;
/// Longest file; one with the most values is half as long.
const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// What a file may leave out, as those of the first version do.
const CHANGED_PARTS_MAX: &str = "changed_parts_max";
/// The policy that is in force without a file.
const BUILT_IN: &str = include_str!("../../policy/hw-v1.toml");

/// Why a file is no policy.
#[derive(Debug, Error)]
pub enum PolicyFileError {
    /// It cannot be read.
    #[error("{path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// It says what a policy may not say.
    #[error("{}", told(path, faults))]
    Faulty {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong with it.
        faults: Vec<PolicyFault>,
    },
}

fn told(path: &Path, faults: &[PolicyFault]) -> String {
    let lines = faults.iter().map(|fault| format!("{}: {fault}", path.display()));
    lines.collect::<Vec<_>>().join("\n")
}

/// The policy of a file; without one the built-in policy.
pub fn read(file: Option<&Path>) -> Result<Rules, PolicyFileError> {
    let Some(path) = file else {
        let path = PathBuf::from("the built-in policy");
        return parse(BUILT_IN).map_err(|faults| PolicyFileError::Faulty { path, faults });
    };
    let text = text_of(path)
        .map_err(|cause| PolicyFileError::Unreadable { path: path.to_owned(), cause })?;
    parse(&text).map_err(|faults| PolicyFileError::Faulty { path: path.to_owned(), faults })
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    match text.len() as u64 > FILE_BYTES_MAX {
        true => Err(io::Error::other(format!("a policy has at most {FILE_BYTES_MAX} bytes"))),
        false => Ok(text),
    }
}

/// The policy that a text says, or everything that is wrong with it.
pub fn parse(text: &str) -> Result<Rules, Vec<PolicyFault>> {
    let table: Table = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        vec![PolicyFault::new(format!("line {line}"), error.message())]
    })?;
    let mut fields = Fields::default();
    let known = ["format", "version", "follows", "thresholds", "kinds", "junk"];
    fields.only(&table, "", &known);
    if fields.number(&table, "", "format").is_some_and(|format| format != FORMAT) {
        fields.fault("format", format!("this version of the service reads format {FORMAT}"));
    }
    let version = fields.text(&table, "", "version").unwrap_or_default();
    let demoted = demoted(&mut fields, &table, &version);
    let mut rules = Rules {
        follows: fields.texts(&table, "", "follows"),
        kinds: kinds(&mut fields, &table),
        demoted,
        version,
        ..Rules::hw_v1()
    };
    thresholds(&mut fields, &table, &mut rules);
    let mut faults = fields.faults;
    // A section that could not be read is not judged by what it does say.
    let section = |field: &str| field.split(['.', '[']).next().unwrap_or_default().to_owned();
    let unread: Vec<String> = faults.iter().map(|fault| section(&fault.field)).collect();
    let further = rules.check().err().unwrap_or_default();
    faults.extend(further.into_iter().filter(|fault| !unread.contains(&section(&fault.field))));
    if faults.is_empty() { Ok(rules) } else { Err(faults) }
}

fn thresholds(fields: &mut Fields, table: &Table, rules: &mut Rules) {
    let Some(table) = fields.table(table, "", "thresholds") else { return };
    let mut weak_matches_max = u32::from(rules.weak_matches_max);
    let named = [
        ("threshold_percent", &mut rules.threshold_percent),
        ("points_min", &mut rules.points_min),
        ("anchor_points_min", &mut rules.anchor_points_min),
        ("weak_comparable_points", &mut rules.weak_comparable_points),
        ("weak_matches_max", &mut weak_matches_max),
    ];
    let mut known = named.each_ref().map(|(name, _)| *name).to_vec();
    known.push(CHANGED_PARTS_MAX);
    fields.only(table, "thresholds", &known);
    if table.contains_key(CHANGED_PARTS_MAX) {
        rules.changed_parts_max = fields.number(table, "thresholds", CHANGED_PARTS_MAX);
    }
    for (name, place) in named {
        if let Some(value) = fields.number(table, "thresholds", name) {
            *place = value;
        }
    }
    match u8::try_from(weak_matches_max) {
        Ok(value) => rules.weak_matches_max = value,
        Err(_) => fields.fault("thresholds.weak_matches_max", "too large"),
    }
}

fn kinds(fields: &mut Fields, table: &Table) -> [hw_v1::KindPolicy; 13] {
    let mut policies = hw_v1::TABLE;
    let Some(table) = fields.table(table, "", "kinds") else { return policies };
    for name in table.keys() {
        match ComponentKind::from_name(name) {
            None => fields.fault(format!("kinds.{name}"), "there is no such kind"),
            Some(kind) if is_hint(kind) => {
                fields.fault(format!("kinds.{name}"), "this kind is never scored: leave it out");
            }
            Some(_) => {}
        }
    }
    for policy in policies.iter_mut().filter(|policy| !is_hint(policy.kind)) {
        let name = policy.kind.name();
        let Some(of_it) = fields.table(table, "kinds", name) else { continue };
        let at = format!("kinds.{name}");
        fields.only(of_it, &at, &["points", "anchor", "decisive", "part"]);
        policy.points = fields.number(of_it, &at, "points").unwrap_or_default();
        policy.anchor = fields.flag(of_it, &at, "anchor").unwrap_or_default();
        for (name, place) in [("decisive", &mut policy.decisive), ("part", &mut policy.part)] {
            if of_it.contains_key(name) {
                *place = fields.flag(of_it, &at, name).unwrap_or_default();
            }
        }
    }
    policies
}

fn demoted(fields: &mut Fields, table: &Table, version: &str) -> Vec<Demoted> {
    let mut demoted = Vec::new();
    for (place, table) in fields.tables(table, "junk").into_iter().enumerate() {
        let at = format!("junk[{place}]");
        fields.only(table, &at, &["kind", "digest", "since"]);
        let kind = fields.text(table, &at, "kind").and_then(|name| {
            let kind = ComponentKind::from_name(&name);
            if kind.is_none() {
                fields.fault(format!("{at}.kind"), format!("there is no kind {name:?}"));
            }
            kind
        });
        let digest = fields.text(table, &at, "digest").and_then(|text| {
            let mut digest = [0; Digest::BYTES];
            let read = hex::decode_to_slice(&text, &mut digest);
            if read.is_err() {
                let digits = Digest::BYTES * 2;
                fields.fault(format!("{at}.digest"), format!("{digits} hex digits are needed"));
            }
            read.ok().map(|()| Digest(digest))
        });
        let since = match table.contains_key("since") {
            true => fields.text(table, &at, "since"),
            false => Some(version.to_owned()),
        };
        if let (Some(kind), Some(digest), Some(since)) = (kind, digest, since) {
            demoted.push(Demoted { kind, digest, since });
        }
    }
    demoted
}

/// The policy in the one form that all policies which say the same have.
#[must_use]
pub fn write(rules: &Rules) -> String {
    let quoted = |text: &String| format!("\"{text}\"");
    let follows: Vec<String> = rules.follows.iter().map(quoted).collect();
    let mut text = format!("format = {FORMAT}\nversion = \"{}\"\n", rules.version);
    text.push_str(&format!("follows = [{}]\n\n[thresholds]\n", follows.join(", ")));
    for (name, value) in [
        ("threshold_percent", rules.threshold_percent),
        ("points_min", rules.points_min),
        ("anchor_points_min", rules.anchor_points_min),
        ("weak_comparable_points", rules.weak_comparable_points),
        ("weak_matches_max", rules.weak_matches_max.into()),
    ] {
        // Writing into a text cannot fail, here and below.
        let _ = writeln!(text, "{name} = {value}");
    }
    if let Some(most) = rules.changed_parts_max {
        let _ = writeln!(text, "{CHANGED_PARTS_MAX} = {most}");
    }
    text.push_str("\n[kinds]\n");
    for policy in rules.kinds.iter().filter(|policy| !is_hint(policy.kind)) {
        let hw_v1::KindPolicy { kind, points, anchor, decisive, part } = policy;
        let _ = write!(text, "{kind} = {{ points = {points}, anchor = {anchor}");
        // What is not so is not written, so policies of the first version keep their fingerprint.
        for (name, _) in [("decisive", decisive), ("part", part)].iter().filter(|it| *it.1) {
            let _ = write!(text, ", {name} = true");
        }
        text.push_str(" }\n");
    }
    let mut demoted: Vec<&Demoted> = rules.demoted.iter().collect();
    demoted.sort_unstable();
    for Demoted { kind, digest, since } in demoted {
        let digest = digest.to_hex();
        let _ = writeln!(text, "\n[[junk]]\nkind = \"{kind}\"\ndigest = \"{digest}\"");
        let _ = writeln!(text, "since = \"{since}\"");
    }
    text
}

/// SHA-256 of the one form, hex: two policies with one fingerprint decide alike.
#[must_use]
pub fn fingerprint(rules: &Rules) -> String {
    hex::encode(Sha256::digest(write(rules)))
}

#[cfg(test)]
mod tests;
