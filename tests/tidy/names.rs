//! Names that say nothing, and the first line that says what a file is for.

use crate::house::House;
use crate::report::Fault;

const LAW_PURPOSE: &str = "every Rust file opens with `//!` and one sentence of purpose";
const LAW_NAME: &str = "no file, folder or module has a name that says nothing";
const EMPTY_NAMES: [&str; 8] =
    ["util", "utils", "common", "helper", "helpers", "misc", "shared", "stuff"];

pub(crate) fn check(house: &House) -> Vec<Fault> {
    let mut faults = Vec::new();
    for source in house.rust() {
        if !opens_with_purpose(&source.text) {
            let remedy = "write `//! What this file is for.` as its first line";
            faults.push(Fault::new(&source.path, 1, LAW_PURPOSE, remedy));
        }
        let remedy = |name: &str| format!("`{name}` invites everything: name what it holds");
        for part in source.path.trim_end_matches(".rs").split('/') {
            if EMPTY_NAMES.contains(&part) {
                faults.push(Fault::new(&source.path, 0, LAW_NAME, remedy(part)));
            }
        }
        for (number, line) in source.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let Some(name) = declared_module(&words).filter(|name| EMPTY_NAMES.contains(name)) {
                faults.push(Fault::new(&source.path, number, LAW_NAME, remedy(name)));
            }
        }
    }
    faults
}

/// The first paragraph of the file's doc, which begins on its first line, ends as a sentence does.
fn opens_with_purpose(text: &str) -> bool {
    let first: Vec<&str> = text
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    let sentence = first.join(" ");
    sentence.split_whitespace().count() >= 2 && sentence.ends_with(['.', ':', '?', '!'])
}

fn declared_module<'a>(words: &[&'a str]) -> Option<&'a str> {
    match words {
        ["mod", name, ..] | ["pub" | "pub(crate)" | "pub(super)", "mod", name, ..] => {
            Some(name.trim_end_matches([';', '{']))
        }
        _ => None,
    }
}

#[test]
fn files_say_what_they_are_for() -> Result<(), Box<dyn std::error::Error>> {
    crate::report::assert_kept(check(&House::load()?));
    Ok(())
}

#[test]
fn a_name_that_says_nothing_is_named() {
    let house = House::specimen(&[
        ("a/src/good.rs", "//! Holds what\n//! is good.\n"),
        ("a/src/silent.rs", "fn f() {}\n"),
        ("a/src/unfinished.rs", "//! Holds what\n"),
        ("a/src/helpers.rs", "//! Holds things.\n"),
        ("a/common/src/lib.rs", "//! Holds things.\n"),
        ("a/src/lib.rs", "//! Holds modules.\npub mod utils;\nmod good;\n"),
    ]);
    crate::report::assert_broken_at(
        &check(&house),
        &[
            ("a/src/silent.rs", 1),
            ("a/src/unfinished.rs", 1),
            ("a/src/helpers.rs", 0),
            ("a/common/src/lib.rs", 0),
            ("a/src/lib.rs", 2),
        ],
    );
}
