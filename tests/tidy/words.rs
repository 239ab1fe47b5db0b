//! Words that must not stand where they stand: business in the chassis, promises in code, paths of
//! one machine.

use crate::house::{House, root};
use crate::report::Fault;

const LAW_CHASSIS: &str = "the chassis knows no noun of the business";
const LAW_PROMISE: &str = "no stub and no note to self is left behind";
const LAW_MACHINE: &str = "no file names a path of the machine it was written on";

/// Roots of the business's nouns; a word of the chassis must not begin with one of them.
const BUSINESS: [&str; 8] =
    ["product", "seat", "benefit", "receipt", "activation", "activate", "catalog", "licence"];
/// Words that begin alike and mean something else.
const HARMLESS: [&str; 2] = ["production", "productive"];
/// Spelled in halves so that this file keeps its own law.
const PROMISES: [(&str, &str); 6] = [
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X:"),
    ("to", "do!("),
    ("unimple", "mented!("),
    ("HA", "CK:"),
];

pub(crate) fn check(house: &House, machine_paths: &[String]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for source in house.files() {
        let in_chassis = source.path.starts_with("chassis/")
            && (source.path.ends_with(".rs") || source.path.ends_with(".toml"));
        let is_code = [".rs", ".proto", ".toml", ".py", ".sql"]
            .iter()
            .any(|ending| source.path.ends_with(ending));
        for (number, line) in source.lines() {
            if in_chassis && let Some(word) = business_word(line) {
                let remedy = format!("`{word}`: let the services pass it in");
                faults.push(Fault::new(&source.path, number, LAW_CHASSIS, remedy));
            }
            if is_code && PROMISES.iter().any(|(a, b)| line.contains(&format!("{a}{b}"))) {
                let remedy = "do it now, or file it as an issue and take the note out";
                faults.push(Fault::new(&source.path, number, LAW_PROMISE, remedy));
            }
            if machine_paths.iter().any(|path| line.contains(path)) {
                let remedy = "name files from the root of the repository";
                faults.push(Fault::new(&source.path, number, LAW_MACHINE, remedy));
            }
        }
    }
    faults
}

fn business_word(line: &str) -> Option<String> {
    let lower = line.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    words
        .find(|word| BUSINESS.iter().any(|root| word.starts_with(root)) && !HARMLESS.contains(word))
        .map(str::to_owned)
}

#[test]
fn words_stand_where_they_belong() -> Result<(), Box<dyn std::error::Error>> {
    let root = root()?;
    let mut machine_paths = vec![format!("{}/", root.display())];
    machine_paths.extend(root.parent().map(|parent| format!("{}/", parent.display())));
    // A clone in the root of a disk has a parent of one slash, which every path contains.
    machine_paths.retain(|path| path.trim_matches('/').len() > 1);
    crate::report::assert_kept(check(&House::load()?, &machine_paths));
    Ok(())
}

#[test]
fn misplaced_words_are_named() {
    let promise =
        format!("//! A file.\n// {}{} later.\nfn f() {{ {}{}) }}\n", "TO", "DO", "to", "do!(");
    let house = House::specimen(&[
        ("chassis/src/lib.rs", "//! In production.\n// A Product-key.\nfn catalog_of() {}\n"),
        ("app/src/lib.rs", &promise),
        ("docs/run.md", "Look into /nowhere/main/docs.\n"),
    ]);
    crate::report::assert_broken_at(
        &check(&house, &["/nowhere/main/".to_owned()]),
        &[
            ("chassis/src/lib.rs", 2),
            ("chassis/src/lib.rs", 3),
            ("app/src/lib.rs", 2),
            ("app/src/lib.rs", 3),
            ("docs/run.md", 1),
        ],
    );
}
