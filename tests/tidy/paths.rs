//! Every path that a Rust file names, in `use` trees, in types, in expressions and inside macros.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

use crate::house::Source;

/// One path, such as `crate::domain::Account`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NamedPath {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
}

impl NamedPath {
    pub(crate) fn first(&self) -> &str {
        self.segments.first().map_or("", String::as_str)
    }

    pub(crate) fn ends_with(&self, ending: &[&str]) -> bool {
        self.segments.len() >= ending.len()
            && self.segments.iter().rev().zip(ending.iter().rev()).all(|(a, b)| a == b)
    }
}

/// The paths of two segments or more, and the single names that `use` and `extern crate` bring in.
pub(crate) fn paths(source: &Source) -> Vec<NamedPath> {
    let mut found = Vec::new();
    if let Ok(tokens) = source.text.parse::<TokenStream>() {
        collect(tokens, &[], false, &mut found);
    }
    found
}

/// Modules that the file declares; a path that starts with one of them is not a crate.
pub(crate) fn declared_modules(source: &Source) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, line) in source.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        for pair in words.windows(2) {
            if let ["mod", name] = pair {
                found.insert(name.trim_end_matches([';', '{']).to_owned());
            }
        }
    }
    found
}

fn collect(tokens: TokenStream, prefix: &[String], in_use: bool, found: &mut Vec<NamedPath>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    let mut using = in_use;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Ident(ident) if *ident == "use" || *ident == "extern" => using = true,
            TokenTree::Ident(ident) if *ident == "crate" && using && at > 0 => {
                // `extern crate name` names the crate next; `use crate::…` is a path.
                at = read_path(&tokens, at, prefix, using, found);
                continue;
            }
            TokenTree::Ident(_) if !is_continued(&tokens, at) => {
                at = read_path(&tokens, at, prefix, using, found);
                continue;
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => using = in_use,
            TokenTree::Group(group) => collect(group.stream(), prefix, using, found),
            _ => {}
        }
        at += 1;
    }
}

/// Reads the path that starts here and returns the index behind it.
fn read_path(
    tokens: &[TokenTree],
    start: usize,
    prefix: &[String],
    using: bool,
    found: &mut Vec<NamedPath>,
) -> usize {
    let mut segments = prefix.to_vec();
    let mut line = 0;
    let mut at = start;
    while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
        if line == 0 {
            line = ident.span().start().line;
        }
        segments.push(ident.to_string());
        at += 1;
        if !is_colons(tokens, at) {
            break;
        }
        if let Some(TokenTree::Group(group)) = tokens.get(at + 2) {
            collect(group.stream(), &segments, using, found);
            return at + 3;
        }
        if !matches!(tokens.get(at + 2), Some(TokenTree::Ident(_))) {
            break;
        }
        at += 2;
    }
    if segments.len() > 1 || using {
        found.push(NamedPath { line, segments });
    }
    at
}

/// Whether an ident goes on a path that something else began: `Vec::<u8>::new`, but not
/// `::tonic::Status`.
fn is_continued(tokens: &[TokenTree], at: usize) -> bool {
    if at < 2 || !is_colons(tokens, at - 2) {
        return false;
    }
    match at.checked_sub(3).and_then(|before| tokens.get(before)) {
        Some(TokenTree::Punct(punct)) => punct.as_char() == '>',
        Some(TokenTree::Ident(ident)) => {
            !["use", "as", "in", "return", "dyn", "impl", "for", "mut"]
                .iter()
                .any(|word| *ident == word)
        }
        _ => false,
    }
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |token: Option<&TokenTree>| {
        let Some(TokenTree::Punct(punct)) = token else { return false };
        punct.as_char() == ':'
    };
    colon(tokens.get(at)) && colon(tokens.get(at + 1))
}

#[test]
fn paths_are_found_wherever_they_hide() {
    let text = "//! A file.\n\
        use crate::{domain::{Account, error}, grpc};\n\
        use ::tonic::Status;\n\
        use sled;\n\
        fn f(x: prost::Message) -> Vec<u8> {\n\
            vec![http::Uri::default(), Vec::<u8>::new()]\n\
        }\n\
        mod bytes {}\n";
    let source = Source { path: "x.rs".into(), text: text.into() };
    let found: Vec<(usize, String)> =
        paths(&source).into_iter().map(|path| (path.line, path.segments.join("::"))).collect();
    let wanted = [
        (2, "crate::domain::Account"),
        (2, "crate::domain::error"),
        (2, "crate::grpc"),
        (3, "tonic::Status"),
        (4, "sled"),
        (5, "prost::Message"),
        (6, "http::Uri::default"),
    ];
    assert_eq!(found, wanted.map(|(line, path)| (line, path.to_owned())));
    assert!(declared_modules(&source).contains("bytes"));
}
