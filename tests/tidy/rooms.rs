//! The rooms of a service and who may know whom.

use std::collections::BTreeSet;

use crate::code::{Code, test_files};
use crate::house::{House, Source};
use crate::paths::{NamedPath, declared_modules, paths};
use crate::report::Fault;

const LAW_ROOM: &str = "every file of a service stands in a room of the floor plan";
const LAW_INSIDE: &str = "a room sees only the rooms that the floor plan allows";
const LAW_CRATE: &str = "a room uses only the crates that the floor plan allows";

/// The twins: same rooms, same file names.
const SERVICES: [&str; 2] = ["activation-service", "catalog-service"];

/// Crates that speak to a wire, an engine or a process; the core and its use cases know none of
/// them.
const OUTSIDE: [&str; 24] = [
    "axum",
    "chassis",
    "config",
    "http",
    "http_body",
    "http_body_util",
    "hyper",
    "hyper_util",
    "metrics_exporter_prometheus",
    "prost",
    "prost_reflect",
    "prost_types",
    "proto",
    "protox",
    "rusqlite",
    "rustls",
    "sled",
    "sqlx",
    "tonic",
    "tonic_health",
    "tonic_prost",
    "tonic_reflection",
    "tonic_types",
    "tower",
];
/// What an engine never needs: it speaks to a disk, not to callers.
const WIRE: [&str; 11] = [
    "axum",
    "http",
    "hyper",
    "prost_types",
    "proto",
    "protox",
    "tonic",
    "tonic_health",
    "tonic_reflection",
    "tonic_types",
    "tower",
];
const ENGINES: [&str; 3] = ["rusqlite", "sled", "sqlx"];
/// All that the core may import.
const CORE: [&str; 10] = [
    "alloc",
    "core",
    "hardware_evidence",
    "hmac",
    "product_key",
    "receipt",
    "sha2",
    "smallvec",
    "std",
    "thiserror",
];

enum Crates {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

struct Room {
    name: &'static str,
    sees: &'static [&'static str],
    crates: Crates,
}

/// The floor plan. `server` alone sees both the wire and the engines.
const ROOMS: [Room; 10] = [
    Room { name: "domain", sees: &[], crates: Crates::Only(&CORE) },
    Room { name: "ports", sees: &["domain"], crates: Crates::AllBut(&OUTSIDE) },
    Room { name: "mutants", sees: &[], crates: Crates::Only(&CORE) },
    Room { name: "app", sees: &["domain", "mutants", "ports"], crates: Crates::AllBut(&OUTSIDE) },
    Room {
        name: "storage",
        sees: &["config", "domain", "mutants", "ports"],
        crates: Crates::AllBut(&WIRE),
    },
    Room {
        name: "adapters",
        sees: &["config", "domain", "ports"],
        crates: Crates::AllBut(&["proto", "tonic", "sled", "sqlx"]),
    },
    Room { name: "grpc", sees: &["app", "domain", "ports"], crates: Crates::AllBut(&ENGINES) },
    Room { name: "config", sees: &["domain"], crates: Crates::AllBut(&ENGINES) },
    Room {
        name: "server",
        sees: &["adapters", "app", "config", "domain", "grpc", "ports", "storage"],
        crates: Crates::AllBut(&[]),
    },
    Room {
        name: "commands",
        // Commands that work on a stopped service's store read its secrets and draw ids as it does.
        sees: &["adapters", "config", "domain", "ports", "server", "storage"],
        crates: Crates::AllBut(&[]),
    },
];

/// Files that may use crates which their room may not, each with its reason.
const EXCEPTIONS: [(&str, &[&str]); 1] = [
    // It is a client of the other service, so it speaks that service's protocol.
    ("catalog-service/src/adapters/activation", &["proto", "tonic"]),
];

pub(crate) fn check(house: &House) -> Vec<Fault> {
    let tests = test_files(house);
    let crates = known_crates(house);
    let mut faults = Vec::new();
    for service in SERVICES {
        let src = format!("{service}/src/");
        for source in house.rust().filter(|source| source.path.starts_with(&src)) {
            if !tests.contains(&source.path) {
                check_file(source, &src, &crates, &mut faults);
            }
        }
    }
    faults
}

fn check_file(source: &Source, src: &str, crates: &BTreeSet<String>, faults: &mut Vec<Fault>) {
    let inside = source.path.trim_start_matches(src);
    if ["main.rs", "lib.rs"].contains(&inside) {
        return;
    }
    let module = module_path(inside);
    let name = module.first().map_or("", String::as_str);
    let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
        let rooms: Vec<&str> = ROOMS.iter().map(|room| room.name).collect();
        let remedy = format!("move it into one of {}", rooms.join(", "));
        faults.push(Fault::new(&source.path, 0, LAW_ROOM, remedy));
        return;
    };
    let Ok(code) = Code::parse(source) else { return };
    let declared = declared_modules(source);
    for path in paths(source) {
        if code.is_test_line(path.line) {
            continue;
        }
        if let Some(seen) = room_of(&path, &module) {
            if seen != room.name && is_room(&seen) && !room.sees.contains(&seen.as_str()) {
                let remedy = format!("`{}` must not know `{seen}`", room.name);
                faults.push(Fault::new(&source.path, path.line, LAW_INSIDE, remedy));
            }
        } else if crates.contains(path.first())
            && !declared.contains(path.first())
            && !may_use(room, &source.path, path.first())
        {
            let remedy = format!("`{}` must not use the crate `{}`", room.name, path.first());
            faults.push(Fault::new(&source.path, path.line, LAW_CRATE, remedy));
        }
    }
}

fn is_room(name: &str) -> bool {
    ROOMS.iter().any(|room| room.name == name)
}

fn may_use(room: &Room, file: &str, name: &str) -> bool {
    let excepted = EXCEPTIONS.iter().any(|(f, names)| file.starts_with(f) && names.contains(&name));
    excepted
        || match room.crates {
            Crates::Only(allowed) => allowed.contains(&name),
            Crates::AllBut(banned) => !banned.contains(&name),
        }
}

/// `domain/matching.rs` → `["domain", "matching"]`.
fn module_path(inside: &str) -> Vec<String> {
    let stem = inside.trim_end_matches(".rs").trim_end_matches("/mod");
    stem.split('/').map(str::to_owned).collect()
}

/// The top module of this service that a path leads into, if it stays inside the service.
fn room_of(path: &NamedPath, module: &[String]) -> Option<String> {
    let mut segments = path.segments.iter();
    let mut base: Vec<&String> = match segments.next()?.as_str() {
        "crate" => Vec::new(),
        "self" => module.iter().collect(),
        "super" => module.iter().take(module.len().saturating_sub(1)).collect(),
        _ => return None,
    };
    for segment in segments {
        match segment.as_str() {
            "super" => drop(base.pop()),
            _ => base.push(segment),
        }
    }
    Some(base.first().map_or_else(String::new, |name| (*name).clone()))
}

/// Every crate that could be named: those of the lock file, and the ones that come with the
/// compiler.
fn known_crates(house: &House) -> BTreeSet<String> {
    let lock = house.get("Cargo.lock").map_or("", |source| source.text.as_str());
    let locked = lock.lines().filter_map(|line| line.strip_prefix("name = "));
    let mut names: BTreeSet<String> =
        locked.map(|name| name.trim_matches('"').replace('-', "_")).collect();
    names.extend(["std", "core", "alloc"].map(str::to_owned));
    names.extend(OUTSIDE.map(str::to_owned));
    names
}

#[test]
fn every_room_knows_only_whom_it_may() -> Result<(), Box<dyn std::error::Error>> {
    crate::report::assert_kept(check(&House::load()?));
    Ok(())
}

#[test]
fn a_room_that_looks_through_the_wrong_door_is_named() {
    let house = House::specimen(&[
        ("Cargo.lock", "name = \"jiff\"\nname = \"tonic\"\nname = \"tracing\"\n"),
        ("activation-service/src/lib.rs", "//! All.\npub mod domain;\nuse tonic::Status;\n"),
        (
            "activation-service/src/domain/matching.rs",
            "//! Rules.\nuse std::fmt;\nuse jiff::Timestamp;\nuse super::account::Account;\n\
             use crate::app::activate;\nfn f() { let _ = vec![tonic::Code::Ok]; }\n\
             #[cfg(test)]\nmod tests {\n    use tonic::Status;\n}\n",
        ),
        ("catalog-service/src/grpc/mod.rs", "//! Wire.\nuse super::{app, storage::files};\n"),
        ("catalog-service/src/storage/files.rs", "//! Files.\nuse tonic::Status;\n"),
        ("catalog-service/src/adapters/activation.rs", "//! Client.\nuse tonic::Status;\n"),
        ("catalog-service/src/adapters/clock.rs", "//! Clock.\nuse tonic::Status;\n"),
        ("catalog-service/src/outbox.rs", "//! Nowhere.\n"),
    ]);
    crate::report::assert_broken_at(
        &check(&house),
        &[
            ("activation-service/src/domain/matching.rs", 3),
            ("activation-service/src/domain/matching.rs", 5),
            ("activation-service/src/domain/matching.rs", 6),
            ("catalog-service/src/grpc/mod.rs", 2),
            ("catalog-service/src/storage/files.rs", 2),
            ("catalog-service/src/adapters/clock.rs", 2),
            ("catalog-service/src/outbox.rs", 0),
        ],
    );
}
