//! Which lines of a Rust file are test code, for most laws speak about the rest.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use syn::spanned::Spanned as _;
use syn::visit::Visit;

use crate::house::{House, Source};
use crate::report::Fault;

/// Every file must be readable by the laws.
const LAW: &str = "a Rust file can be parsed";

/// A parsed file and its test code.
pub(crate) struct Code {
    pub(crate) file: syn::File,
    test_lines: Vec<RangeInclusive<usize>>,
    /// Modules declared as `#[cfg(test)] mod name;`, which lie in files of their own.
    test_modules: Vec<String>,
}

impl Code {
    pub(crate) fn parse(source: &Source) -> Result<Self, Fault> {
        let file = syn::parse_file(&source.text).map_err(|error| {
            Fault::new(&source.path, error.span().start().line, LAW, error.to_string())
        })?;
        let mut finder = TestFinder::default();
        finder.visit_file(&file);
        Ok(Self { file, test_lines: finder.lines, test_modules: finder.modules })
    }

    /// Whether the line lies in an item that only tests compile.
    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.test_lines.iter().any(|lines| lines.contains(&line))
    }

    /// How many lines lie in such items.
    pub(crate) fn test_line_count(&self) -> usize {
        let lines: BTreeSet<usize> = self.test_lines.iter().cloned().flatten().collect();
        lines.len()
    }
}

/// The files that hold nothing but test code.
pub(crate) fn test_files(house: &House) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = Vec::new();
    for source in house.rust() {
        if in_test_folder(&source.path) {
            found.insert(source.path.clone());
        }
        let Ok(code) = Code::parse(source) else { continue };
        for module in &code.test_modules {
            let stem = format!("{}/{module}", module_folder(&source.path));
            found.insert(format!("{stem}.rs"));
            folders.push(format!("{stem}/"));
        }
    }
    for source in house.rust() {
        if folders.iter().any(|folder| source.path.starts_with(folder)) {
            found.insert(source.path.clone());
        }
    }
    found
}

/// The folder in which the file's own modules lie.
pub(crate) fn module_folder(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
        _ => format!("{folder}/{}", name.trim_end_matches(".rs")),
    }
}

fn in_test_folder(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/")
}

#[derive(Default)]
struct TestFinder {
    lines: Vec<RangeInclusive<usize>>,
    modules: Vec<String>,
}

impl TestFinder {
    fn note(&mut self, attrs: &[syn::Attribute], item: &impl syn::spanned::Spanned) -> bool {
        let Some(first) = attrs.iter().find(|attr| is_test_attribute(attr)) else { return false };
        let start = first.span().start().line.min(item.span().start().line);
        self.lines.push(start..=item.span().end().line);
        true
    }
}

impl<'ast> Visit<'ast> for TestFinder {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attrs = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Struct(item) => &item.attrs,
            syn::Item::Enum(item) => &item.attrs,
            syn::Item::Const(item) => &item.attrs,
            syn::Item::Static(item) => &item.attrs,
            syn::Item::Trait(item) => &item.attrs,
            syn::Item::Type(item) => &item.attrs,
            syn::Item::Macro(item) => &item.attrs,
            _ => return syn::visit::visit_item(self, item),
        };
        let is_test = self.note(attrs, item);
        if is_test {
            if let syn::Item::Mod(syn::ItemMod { ident, content: None, .. }) = item {
                self.modules.push(ident.to_string());
            }
        } else {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.attrs, item);
    }
}

/// `#[test]`, `#[tokio::test]`, `#[cfg(test)]` and `#[cfg(any(test, …))]`.
fn is_test_attribute(attr: &syn::Attribute) -> bool {
    if attr.path().segments.last().is_some_and(|segment| segment.ident == "test") {
        return true;
    }
    let syn::Meta::List(list) = &attr.meta else { return false };
    let text = list.tokens.to_string();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    attr.path().is_ident("cfg") && words.contains(&"test") && !words.contains(&"not")
}

#[cfg(test)]
mod specimens {
    //! Test code is told from the rest, line by line.

    use super::*;

    const SPECIMEN: &str = "//! A file.\n\
        fn real() {}\n\
        #[cfg(test)]\n\
        mod tests {\n\
            fn helper() {}\n\
        }\n\
        #[cfg(test)]\n\
        mod table;\n\
        #[cfg(not(test))]\n\
        fn also_real() {}\n";

    #[test]
    fn test_code_is_found() -> Result<(), Fault> {
        let house = House::specimen(&[
            ("a/src/rule.rs", SPECIMEN),
            ("a/src/rule/table.rs", "//! Rows.\n"),
            ("a/tests/wire/main.rs", "//! Wire.\n"),
        ]);
        let code = Code::parse(&Source { path: "x.rs".into(), text: SPECIMEN.into() })?;
        let lines: Vec<usize> = (1..=10).filter(|line| code.is_test_line(*line)).collect();
        assert_eq!(lines, [3, 4, 5, 6, 7, 8]);
        assert_eq!(code.test_line_count(), 6);
        let files: Vec<String> = test_files(&house).into_iter().collect();
        assert_eq!(files, ["a/src/rule/table.rs", "a/tests/wire/main.rs"]);
        Ok(())
    }
}
