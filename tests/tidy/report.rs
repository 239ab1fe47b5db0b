//! What a broken law looks like to the person who broke it.

use std::fmt;

/// One place where a law is broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    /// The file, relative to the root of the repository.
    pub(crate) file: String,
    /// The line, counted from one; zero where the whole file is meant.
    pub(crate) line: usize,
    /// The law.
    pub(crate) law: &'static str,
    /// What to do about it.
    pub(crate) remedy: String,
}

impl Fault {
    pub(crate) fn new(
        file: &str,
        line: usize,
        law: &'static str,
        remedy: impl Into<String>,
    ) -> Self {
        Self { file: file.to_owned(), line, law, remedy: remedy.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}:{}", self.file, self.line)?;
        writeln!(out, "  law:    {}", self.law)?;
        write!(out, "  remedy: {}", self.remedy)
    }
}

/// Fails the test with every fault, for a person mends them in one go.
pub(crate) fn assert_kept(mut faults: Vec<Fault>) {
    faults.sort();
    faults.dedup();
    let listed: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{} broken:\n{}", faults.len(), listed.join("\n"));
}

/// Fails the test unless the specimen breaks the law exactly at these places: a law that cannot
/// fail is no law.
pub(crate) fn assert_broken_at(faults: &[Fault], places: &[(&str, usize)]) {
    let mut found: Vec<(&str, usize)> = faults.iter().map(|f| (f.file.as_str(), f.line)).collect();
    let mut wanted = places.to_vec();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted, "{faults:#?}");
}
