//! A port is one page, and the table of refusals has no silent row.

use syn::visit::Visit;

use crate::code::Code;
use crate::house::House;
use crate::report::Fault;

const LAW_PORT: &str = "a port has at most eight methods and no default bodies";
const LAW_TABLE: &str = "the match that maps errors to codes names every error";
const METHODS_MAX: usize = 8;

pub(crate) fn check(house: &House) -> Vec<Fault> {
    let mut faults = Vec::new();
    for source in house.rust() {
        let is_port = source.path.ends_with("/src/ports.rs") || source.path.contains("/src/ports/");
        let is_table = source.path.ends_with("/src/grpc/status.rs");
        let Ok(code) = Code::parse(source) else { continue };
        if is_port {
            for item in &code.file.items {
                if let syn::Item::Trait(item) = item {
                    check_port(&source.path, item, &mut faults);
                }
            }
        }
        if is_table {
            let mut finder = SilentArms::default();
            finder.visit_file(&code.file);
            for line in finder.lines.into_iter().filter(|line| !code.is_test_line(*line)) {
                let remedy = "name each error, so that a new one does not compile without its code";
                faults.push(Fault::new(&source.path, line, LAW_TABLE, remedy));
            }
        }
    }
    faults
}

fn check_port(file: &str, port: &syn::ItemTrait, faults: &mut Vec<Fault>) {
    let methods: Vec<&syn::TraitItemFn> = port
        .items
        .iter()
        .filter_map(|item| if let syn::TraitItem::Fn(item) = item { Some(item) } else { None })
        .collect();
    if methods.len() > METHODS_MAX {
        let remedy =
            format!("`{}` has {}: a further capability is another port", port.ident, methods.len());
        faults.push(Fault::new(file, port.ident.span().start().line, LAW_PORT, remedy));
    }
    for method in methods.iter().filter(|method| method.default.is_some()) {
        let remedy =
            format!("`{}`: what only some engines can do is another port", method.sig.ident);
        faults.push(Fault::new(file, method.sig.ident.span().start().line, LAW_PORT, remedy));
    }
}

/// Wildcard arms of matches whose other arms name variants; a match over text or numbers needs its
/// wildcard.
#[derive(Default)]
struct SilentArms {
    lines: Vec<usize>,
}

impl<'ast> Visit<'ast> for SilentArms {
    fn visit_expr_match(&mut self, item: &'ast syn::ExprMatch) {
        let names_variants = item.arms.iter().any(|arm| names_variant(&arm.pat));
        for arm in &item.arms {
            if let syn::Pat::Wild(wild) = &arm.pat
                && names_variants
            {
                self.lines.push(wild.underscore_token.span.start().line);
            }
        }
        syn::visit::visit_expr_match(self, item);
    }
}

fn names_variant(pattern: &syn::Pat) -> bool {
    match pattern {
        syn::Pat::TupleStruct(pattern) => is_own_variant(&pattern.path),
        syn::Pat::Struct(pattern) => is_own_variant(&pattern.path),
        syn::Pat::Path(pattern) => is_own_variant(&pattern.path),
        syn::Pat::Or(pattern) => pattern.cases.iter().any(names_variant),
        _ => false,
    }
}

/// `Refusal::Limit`, but not `Some`, `Ok` or `None`.
fn is_own_variant(path: &syn::Path) -> bool {
    path.segments.len() > 1
}

#[test]
fn ports_are_small_and_the_table_is_complete() -> Result<(), Box<dyn std::error::Error>> {
    crate::report::assert_kept(check(&House::load()?));
    Ok(())
}

#[test]
fn a_fat_port_and_a_silent_row_are_named() {
    let methods: String = (0..9).map(|n| format!("    fn m{n}();\n")).collect();
    let fat = format!("//! Ports.\npub trait Fat {{\n{methods}}}\n");
    let house = House::specimen(&[
        ("a/src/ports.rs", &fat),
        ("b/src/ports.rs", "//! Ports.\npub trait Soft {\n    fn m() {}\n}\n"),
        (
            "a/src/grpc/status.rs",
            "//! Codes.\nfn f(e: E) -> u8 {\n    match e {\n        E::A => 1,\n\
             _ => 2,\n    }\n}\nfn g(t: &str) -> u8 {\n    match t {\n\
             \"nl\" => 1,\n        _ => 2,\n    }\n}\n",
        ),
    ]);
    crate::report::assert_broken_at(
        &check(&house),
        &[("a/src/ports.rs", 2), ("b/src/ports.rs", 3), ("a/src/grpc/status.rs", 5)],
    );
}
