//! Papers that must stay true: the two commands, what CI runs, and every setting and figure with
//! its meaning.

use syn::visit::Visit;

use crate::code::{Code, test_files};
use crate::house::{House, Source};
use crate::report::Fault;

const LAW_COMMANDS: &str = "README.md gives the two commands";
const LAW_CI: &str = "CI runs what people run: .ci/run is `exec cargo xtask test` and nothing else";
const LAW_SETTING: &str = "every setting has a row in docs/operations.md";
const LAW_FIGURE: &str = "every figure of the metrics page has a row in docs/operations.md";
const LAW_PAPER: &str = "the papers that every reader looks for are there";
const LAW_LINK: &str = "a link between papers leads somewhere";

const COMMANDS: [&str; 2] = ["cargo xtask dev", "cargo xtask test"];
const CI_LINES: [&str; 2] = ["set -eu", "exec cargo xtask test"];
const SETTINGS: &str = "docs/operations.md";
const FIGURES: [&str; 3] = ["counter!(", "gauge!(", "histogram!("];
const PAPERS: [&str; 10] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "LICENSE",
    "docs/style.md",
    "docs/dependencies.md",
    "docs/operations.md",
    "deny.toml",
];

pub(crate) fn check(house: &House) -> Vec<Fault> {
    let mut faults = Vec::new();
    for paper in PAPERS.iter().filter(|paper| house.get(paper).is_none()) {
        faults.push(Fault::new(paper, 0, LAW_PAPER, "write it"));
    }
    if let Some(readme) = house.get("README.md") {
        for command in COMMANDS.iter().filter(|command| !readme.text.contains(*command)) {
            faults.push(Fault::new("README.md", 0, LAW_COMMANDS, format!("add `{command}`")));
        }
    }
    check_ci(house, &mut faults);
    check_settings(house, &mut faults);
    check_figures(house, &mut faults);
    for source in house.files().filter(|source| source.path.ends_with(".md")) {
        check_links(house, source, &mut faults);
    }
    faults
}

fn check_ci(house: &House, faults: &mut Vec<Fault>) {
    let text = house.get(".ci/run").map_or("", |source| source.text.as_str());
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    if lines != CI_LINES {
        let remedy = format!("its lines are {}", CI_LINES.join(" and "));
        faults.push(Fault::new(".ci/run", 0, LAW_CI, remedy));
    }
}

fn check_settings(house: &House, faults: &mut Vec<Fault>) {
    let Some(paper) = house.get(SETTINGS) else { return };
    let documented: Vec<&str> = paper.text.split('`').skip(1).step_by(2).collect();
    let tests = test_files(house);
    for source in house.rust().filter(|source| is_config(&source.path)) {
        if tests.contains(&source.path) {
            continue;
        }
        let Ok(code) = Code::parse(source) else { continue };
        let mut finder = FieldFinder::default();
        finder.visit_file(&code.file);
        for (name, line) in finder.fields {
            let is_documented =
                documented.iter().any(|text| text.split('.').any(|part| part == name));
            if !is_documented && !code.is_test_line(line) {
                let remedy = format!("add `section.{name}` with meaning, default and bound");
                faults.push(Fault::new(&source.path, line, LAW_SETTING, remedy));
            }
        }
    }
}

fn check_figures(house: &House, faults: &mut Vec<Fault>) {
    let Some(paper) = house.get(SETTINGS) else { return };
    for source in house.rust().filter(|source| source.path.contains("/src/")) {
        for (number, line) in source.lines() {
            let found =
                FIGURES.iter().find_map(|call| line.split_once(&format!("metrics::{call}")));
            let name = found.and_then(|(_, rest)| rest.strip_prefix('"')?.split('"').next());
            let Some(name) = name else { continue };
            if !paper.text.contains(&format!("`{name}")) {
                let remedy = format!("add `{name}` and what it counts");
                faults.push(Fault::new(&source.path, number, LAW_FIGURE, remedy));
            }
        }
    }
}

/// Where settings are declared: the services' `config`, and the sections that the chassis knows.
fn is_config(path: &str) -> bool {
    let service = path.split_once("-service/src/").map(|(_, inside)| inside);
    service.is_some_and(|inside| inside == "config.rs" || inside.starts_with("config/"))
        || path.starts_with("chassis/src/")
}

/// Fields of the structs that are read from files, which refuse unknown fields.
#[derive(Default)]
struct FieldFinder {
    fields: Vec<(String, usize)>,
}

impl<'ast> Visit<'ast> for FieldFinder {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let is_read = item.attrs.iter().any(|attr| {
            let syn::Meta::List(list) = &attr.meta else { return false };
            attr.path().is_ident("serde") && list.tokens.to_string().contains("deny_unknown_fields")
        });
        for field in item.fields.iter().filter(|_| is_read) {
            if let Some(ident) = &field.ident {
                self.fields.push((ident.to_string(), ident.span().start().line));
            }
        }
    }
}

/// Links of the form `[text](path)` that stay inside the repository.
fn check_links(house: &House, source: &Source, faults: &mut Vec<Fault>) {
    // Walkthroughs of products are content, which the catalog's own checker reads.
    if source.path.starts_with("catalog-service/catalog/") && source.name() != "README.md" {
        return;
    }
    for (number, line) in source.lines() {
        for link in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            let target = resolve(&source.path, path);
            if house.get(&target).is_none() && !house.has_folder(&target) {
                let remedy = format!("`{path}` is not there: mend or drop the link");
                faults.push(Fault::new(&source.path, number, LAW_LINK, remedy));
            }
        }
    }
}

fn resolve(from: &str, link: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if link.starts_with('/') {
        parts.clear();
    }
    for part in link.trim_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn papers_are_true() -> Result<(), Box<dyn std::error::Error>> {
    crate::report::assert_kept(check(&House::load()?));
    Ok(())
}

#[test]
fn papers_that_are_not_true_are_named() {
    let config = "//! Settings.\n#[serde(default, deny_unknown_fields)]\n\
        pub struct Config {\n    pub listen: u8,\n    pub secret_file: u8,\n}\n\
        pub struct Other {\n    pub not_read: u8,\n}\n";
    let mut files: Vec<(&str, &str)> =
        PAPERS.iter().skip(1).map(|paper| (*paper, "A paper.\n")).collect();
    files.retain(|(path, _)| *path != "SECURITY.md" && *path != SETTINGS);
    files.extend([
        ("README.md", "Run `cargo xtask dev`.\nSee [there](docs/nowhere.md) and [law](docs).\n"),
        (SETTINGS, "| `serve.listen` | where |\n"),
        (".ci/run", "#!/bin/sh\nset -eu\ncargo test\n"),
        ("catalog-service/src/config.rs", config),
        ("chassis/src/run.rs", "//! Runs.\nfn f() {\n    metrics::counter!(\"calls_total\");\n}\n"),
    ]);
    crate::report::assert_broken_at(
        &check(&House::specimen(&files)),
        &[
            ("SECURITY.md", 0),
            ("README.md", 0),
            ("README.md", 2),
            (".ci/run", 0),
            ("catalog-service/src/config.rs", 5),
            ("chassis/src/run.rs", 3),
        ],
    );
}
