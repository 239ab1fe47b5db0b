//! How long a file, a function and a line may be.

use syn::spanned::Spanned as _;
use syn::visit::Visit;

use crate::code::{Code, test_files};
use crate::house::{House, Source};
use crate::report::Fault;

const LAW_MAIN: &str = "main.rs has at most 60 lines: read, build, run, report";
const LAW_FILE: &str = "a file has at most 400 lines, its tests not counted";
const LAW_FUNCTION: &str = "a function has at most 70 lines from signature to closing brace";
const LAW_WIDTH: &str = "a line of Rust has at most 100 columns, of a schema 120";

const MAIN_LINES_MAX: usize = 60;
const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;
/// Schemas are mostly sentences, which no tool breaks.
const SCHEMA_COLUMNS_MAX: usize = 120;

pub(crate) fn check(house: &House) -> Vec<Fault> {
    let tests = test_files(house);
    let mut faults = Vec::new();
    for source in house.files().filter(|source| source.path.ends_with(".proto")) {
        check_width(source, &mut faults);
    }
    for source in house.rust() {
        check_width(source, &mut faults);
        let code = match Code::parse(source) {
            Ok(code) => code,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        check_lines(source, &code, &mut faults);
        if !tests.contains(&source.path) {
            check_functions(source, &code, &mut faults);
        }
    }
    faults
}

fn check_lines(source: &Source, code: &Code, faults: &mut Vec<Fault>) {
    let lines = source.text.lines().count().saturating_sub(code.test_line_count());
    if source.name() == "main.rs" && lines > MAIN_LINES_MAX {
        let remedy = format!("it has {lines}: move the work into modules");
        faults.push(Fault::new(&source.path, 0, LAW_MAIN, remedy));
    }
    if lines > FILE_LINES_MAX {
        let remedy = format!("it has {lines}: split it by what its parts are about");
        faults.push(Fault::new(&source.path, 0, LAW_FILE, remedy));
    }
}

fn check_functions(source: &Source, code: &Code, faults: &mut Vec<Fault>) {
    let mut finder = FunctionFinder::default();
    finder.visit_file(&code.file);
    for (name, first, last) in finder.found {
        let lines = last + 1 - first;
        if lines > FUNCTION_LINES_MAX && !code.is_test_line(first) {
            let remedy = format!("`{name}` has {lines}: name its steps as functions");
            faults.push(Fault::new(&source.path, first, LAW_FUNCTION, remedy));
        }
    }
}

fn check_width(source: &Source, faults: &mut Vec<Fault>) {
    let is_rust = source.path.ends_with(".rs");
    let bound = if is_rust { COLUMNS_MAX } else { SCHEMA_COLUMNS_MAX };
    for (number, line) in source.lines() {
        let columns = line.chars().count();
        if columns > bound {
            let remedy =
                format!("it has {columns}: break it; cargo fmt breaks code but no comment");
            faults.push(Fault::new(&source.path, number, LAW_WIDTH, remedy));
        }
    }
}

#[derive(Default)]
struct FunctionFinder {
    /// Name, first line, last line.
    found: Vec<(String, usize, usize)>,
}

impl FunctionFinder {
    fn note(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.span().start().line;
        let last = block.brace_token.span.close().end().line;
        self.found.push((signature.ident.to_string(), first, last));
    }
}

impl<'ast> Visit<'ast> for FunctionFinder {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.note(&item.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}

#[test]
fn files_functions_and_lines_keep_their_bounds() -> Result<(), Box<dyn std::error::Error>> {
    crate::report::assert_kept(check(&House::load()?));
    Ok(())
}

#[test]
fn what_is_too_long_is_named() {
    let long_file = format!("//! Long.\n{}", "const A: u8 = 0;\n".repeat(400));
    let tested = format!(
        "//! Tested.\n#[cfg(test)]\nmod tests {{\n{}}}\n",
        "    const A: u8 = 0;\n".repeat(400)
    );
    let long_main = format!("//! Main.\n{}", "// A line.\n".repeat(60));
    let long_function = format!("//! Function.\nfn f() {{\n{}}}\n", "    let _ = 1;\n".repeat(69));
    let wide = format!("//! Wide.\nconst A: &str = \"{}\";\n", "a".repeat(83));
    let wide_schema = format!("// Wide.\n// {}\n", "a".repeat(118));
    let house = House::specimen(&[
        ("a/src/long.rs", &long_file),
        ("a/src/tested.rs", &tested),
        ("a/src/main.rs", &long_main),
        ("a/src/function.rs", &long_function),
        ("a/tests/function.rs", &long_function),
        ("a/src/wide.rs", &wide),
        ("a/wide.proto", &wide_schema),
        ("a/src/broken.rs", "fn {"),
    ]);
    crate::report::assert_broken_at(
        &check(&house),
        &[
            ("a/src/long.rs", 0),
            ("a/src/main.rs", 0),
            ("a/src/function.rs", 2),
            ("a/src/wide.rs", 2),
            ("a/wide.proto", 2),
            ("a/src/broken.rs", 1),
        ],
    );
}
