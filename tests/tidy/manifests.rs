//! What the manifests promise: lints for all, versions in one place, and no crate without a reason.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::house::{House, Source};
use crate::report::Fault;

const LAW_LINTS: &str = "every crate takes the lints of the workspace, which forbid unsafe code";
const LAW_VERSIONS: &str = "versions stand in the root manifest only, and each of them is used";
const LAW_INSIDE: &str = "dependencies come from the registry or lie inside the repository";
const LAW_REASON: &str = "every dependency has a line in docs/dependencies.md";
const LAW_CRATES: &str = "our crates depend on each other in one direction";
const LAW_RECURSION: &str = "prost keeps its recursion limit";
const LAW_BANS: &str = "a banned call has its reason beside it";

const REASONS: &str = "docs/dependencies.md";
const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Which of our crates each crate may use outside of tests.
const MAY_USE: [(&str, &[&str]); 13] = [
    ("proto", &[]),
    ("chassis", &[]),
    ("product-key", &[]),
    ("hardware-evidence", &[]),
    ("receipt", &[]),
    ("activation-service", &["proto", "chassis", "product-key", "hardware-evidence", "receipt"]),
    ("catalog-service", &["proto", "chassis", "product-key"]),
    ("installer-client", &["proto", "product-key", "hardware-evidence", "receipt"]),
    ("bench", &OURS),
    ("fault-bench", &OURS),
    ("fleet-simulator", &["activation-service", "hardware-evidence"]),
    ("system-tests", &OURS),
    ("xtask", &OURS),
];
const OURS: [&str; 13] = [
    "proto",
    "chassis",
    "product-key",
    "hardware-evidence",
    "receipt",
    "activation-service",
    "catalog-service",
    "installer-client",
    "bench",
    "fault-bench",
    "fleet-simulator",
    "system-tests",
    "xtask",
];

pub(crate) fn check(house: &House) -> Vec<Fault> {
    let mut faults = Vec::new();
    let Some(root) = parse(house, "Cargo.toml", &mut faults) else { return faults };
    let declared = table(&root, &["workspace", "dependencies"]);
    let mut used = BTreeSet::new();
    let forbids = table(&root, &["workspace", "lints", "rust"])
        .get("unsafe_code")
        .and_then(Value::as_str)
        .is_some_and(|level| level == "forbid");
    if !forbids {
        faults.push(Fault::new("Cargo.toml", 0, LAW_LINTS, "set unsafe_code = \"forbid\""));
    }
    for member in members(&root) {
        let path = format!("{member}/Cargo.toml");
        let Some(manifest) = parse(house, &path, &mut faults) else { continue };
        check_member(house, &path, &manifest, &mut used, &mut faults);
    }
    check_declared(house, &declared, &used, &mut faults);
    check_bans(house, &mut faults);
    faults
}

fn check_member(
    house: &House,
    path: &str,
    manifest: &Table,
    used: &mut BTreeSet<String>,
    faults: &mut Vec<Fault>,
) {
    let inherits = table(manifest, &["lints"]).get("workspace").and_then(Value::as_bool);
    if inherits != Some(true) {
        faults.push(Fault::new(path, 0, LAW_LINTS, "add `[lints]` with `workspace = true`"));
    }
    let name = table(manifest, &["package"]);
    let name = name.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let may_use: &[&str] =
        MAY_USE.iter().find(|(own, _)| *own == name).map_or(&[], |(_, others)| *others);
    for section in SECTIONS {
        for (dependency, spec) in table(manifest, &[section]) {
            let line = line_of(house, path, &dependency);
            let inherited = spec.as_table().and_then(|spec| spec.get("workspace")).is_some();
            if !inherited {
                let remedy =
                    format!("`{dependency}`: declare it in the root, use workspace = true");
                faults.push(Fault::new(path, line, LAW_VERSIONS, remedy));
            }
            let is_ours = OURS.contains(&dependency.as_str());
            if is_ours && section != "dev-dependencies" && !may_use.contains(&dependency.as_str()) {
                let remedy = format!("`{name}` must not depend on `{dependency}`");
                faults.push(Fault::new(path, line, LAW_CRATES, remedy));
            }
            used.insert(dependency);
        }
    }
}

fn check_declared(
    house: &House,
    declared: &Table,
    used: &BTreeSet<String>,
    faults: &mut Vec<Fault>,
) {
    let reasons = crates_with_reason(house);
    for (name, spec) in declared {
        let line = line_of(house, "Cargo.toml", name);
        let mut fault =
            |law, remedy: String| faults.push(Fault::new("Cargo.toml", line, law, remedy));
        if !used.contains(name) && !OURS.contains(&name.as_str()) {
            fault(LAW_VERSIONS, format!("no crate uses `{name}`: take it out"));
        }
        let spec = spec.as_table().cloned().unwrap_or_default();
        if spec.contains_key("git") {
            fault(LAW_INSIDE, format!("`{name}`: take a released version"));
        }
        if let Some(path) = spec.get("path").and_then(Value::as_str) {
            if path.starts_with(['/', '.']) || path.contains("..") {
                fault(LAW_INSIDE, format!("`{name}`: a path stays inside the repository"));
            }
            continue;
        }
        let features = spec.get("features").and_then(Value::as_array).cloned().unwrap_or_default();
        if features.iter().any(|feature| feature.as_str() == Some("no-recursion-limit")) {
            fault(LAW_RECURSION, "deep messages would exhaust the stack: take it out".to_owned());
        }
        if used.contains(name) && !reasons.contains(name) {
            fault(LAW_REASON, format!("tell there what `{name}` is for and how well it is kept"));
        }
    }
}

fn check_bans(house: &House, faults: &mut Vec<Fault>) {
    let Some(clippy) = parse(house, "clippy.toml", faults) else { return };
    let bans = clippy.get("disallowed-methods").and_then(Value::as_array);
    for ban in bans.into_iter().flatten() {
        let ban = ban.as_table().cloned().unwrap_or_default();
        let reason = ban.get("reason").and_then(Value::as_str).unwrap_or_default();
        if reason.is_empty() {
            let path = ban.get("path").and_then(Value::as_str).unwrap_or("an entry");
            let remedy = format!("`{path}`: add `reason`, with what to call instead");
            faults.push(Fault::new("clippy.toml", 0, LAW_BANS, remedy));
        }
    }
}

/// The names in the first cells of the tables of docs/dependencies.md.
fn crates_with_reason(house: &House) -> BTreeSet<String> {
    let text = house.get(REASONS).map_or("", |source| source.text.as_str());
    let cells = text.lines().filter_map(|line| line.trim().strip_prefix('|')?.split('|').next());
    cells
        .flat_map(|cell| cell.split([',', ' ', '`']))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn members(root: &Table) -> Vec<String> {
    let members = table(root, &["workspace"]).get("members").and_then(Value::as_array).cloned();
    let members = members.unwrap_or_default();
    members.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn parse(house: &House, path: &str, faults: &mut Vec<Fault>) -> Option<Table> {
    let source = house.get(path)?;
    match source.text.parse::<Table>() {
        Ok(table) => Some(table),
        Err(error) => {
            faults.push(Fault::new(path, 0, LAW_VERSIONS, error.to_string()));
            None
        }
    }
}

/// The table at the end of the path, empty where there is none.
fn table(from: &Table, path: &[&str]) -> Table {
    let mut at = from.clone();
    for key in path {
        at = at.get(*key).and_then(Value::as_table).cloned().unwrap_or_default();
    }
    at
}

fn line_of(house: &House, path: &str, name: &str) -> usize {
    let starts =
        |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '.', '=']));
    let found = house.get(path).and_then(|source: &Source| {
        source.lines().find(|(_, line)| starts(line)).map(|(number, _)| number)
    });
    found.unwrap_or(0)
}

#[test]
fn manifests_keep_their_promises() -> Result<(), Box<dyn std::error::Error>> {
    crate::report::assert_kept(check(&House::load()?));
    Ok(())
}

#[test]
fn broken_promises_are_named() {
    let root = "[workspace]\nmembers = [\"chassis\", \"proto\"]\n[workspace.dependencies]\n\
        proto = { path = \"proto\" }\n\
        far = { path = \"../far\" }\n\
        forked = { git = \"https://example.com/x\" }\n\
        prost = { version = \"1\", features = [\"no-recursion-limit\"] }\n\
        unused = \"1\"\n";
    let chassis = "[package]\nname = \"chassis\"\n[dependencies]\nproto.workspace = true\n\
        far.workspace = true\nforked.workspace = true\nprost.workspace = true\nloose = \"1\"\n";
    let house = House::specimen(&[
        ("Cargo.toml", root),
        ("chassis/Cargo.toml", chassis),
        ("proto/Cargo.toml", "[package]\nname = \"proto\"\n[lints]\nworkspace = true\n"),
        ("clippy.toml", "disallowed-methods = [{ path = \"a::b\" }]\n"),
        ("docs/dependencies.md", "| crate | what for |\n|---|---|\n| `forked` | x |\n"),
    ]);
    let faults = check(&house);
    let by_law: BTreeMap<&str, usize> = faults.iter().fold(BTreeMap::new(), |mut all, fault| {
        *all.entry(fault.law).or_default() += 1;
        all
    });
    let wanted = BTreeMap::from([
        (LAW_LINTS, 2),
        (LAW_VERSIONS, 2),
        (LAW_INSIDE, 2),
        (LAW_REASON, 1),
        (LAW_CRATES, 1),
        (LAW_RECURSION, 1),
        (LAW_BANS, 1),
    ]);
    assert_eq!(by_law, wanted, "{faults:#?}");
}
