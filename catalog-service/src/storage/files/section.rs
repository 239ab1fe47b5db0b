//! A table of a TOML file, read field by field, with the line of each fault.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::faults::Faults;
use super::folder::SourceFile;
use crate::domain::language::LanguageTag;

/// Most characters of a title, a name or another text of one line.
pub(super) const LINE_CHARS_MAX: usize = 200;
/// Most characters of a description or a note.
pub(super) const TEXT_CHARS_MAX: usize = 2000;
/// Most entries of a list.
pub(super) const ENTRIES_MAX: usize = 500;

/// A value and the line where it stands.
#[derive(Debug, Clone)]
pub(super) struct Located<T> {
    /// The value.
    pub(super) value: T,
    /// Its line, from 1.
    pub(super) line: usize,
}

/// The file of a section: its path, and where its lines begin.
#[derive(Debug)]
pub(super) struct Lines<'s> {
    file: &'s Path,
    starts: Vec<usize>,
}

impl<'s> Lines<'s> {
    fn of(source: &'s SourceFile) -> Self {
        let newlines = source.text.match_indices('\n').map(|(at, _)| at.saturating_add(1));
        Self { file: &source.path, starts: std::iter::once(0).chain(newlines).collect() }
    }

    fn line_at(&self, byte: usize) -> usize {
        self.starts.partition_point(|&start| start <= byte).max(1)
    }
}

/// Reads a whole file: parses it, lets `read` take its fields, and tells what is left.
pub(super) fn read_file<T>(
    source: &SourceFile,
    faults: &mut Faults,
    read: impl FnOnce(&mut Section<'_>, &mut Faults) -> Option<T>,
) -> Option<T> {
    let lines = Lines::of(source);
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        let line = error.span().map_or(1, |span| lines.line_at(span.start));
        faults.add(lines.file, line, format!("not TOML: {}", first_line(error.message())));
    }
    // What was recovered from broken TOML would only cause faults that are none.
    if !errors.is_empty() {
        return None;
    }
    let mut section = Section { lines: &lines, table: root.get_ref(), line: 1, asked: Vec::new() };
    let value = read(&mut section, faults);
    section.finish(faults);
    value
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// A table of a file. Every reading method notes its own faults and answers `None` after one.
#[derive(Debug)]
pub(super) struct Section<'t> {
    lines: &'t Lines<'t>,
    table: &'t DeTable<'t>,
    line: usize,
    asked: Vec<&'static str>,
}

impl<'t> Section<'t> {
    /// Where the section begins.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// Notes a fault of this section.
    pub(super) fn fault(&self, faults: &mut Faults, line: usize, message: impl Into<String>) {
        faults.add(self.lines.file, line, message);
    }

    /// The line of a field, or of the section if it has no such field.
    pub(super) fn line_of(&self, name: &str) -> usize {
        self.table
            .get_key_value(name)
            .map_or(self.line, |(key, _)| self.lines.line_at(key.span().start))
    }

    fn get(&mut self, name: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.push(name);
        self.table.get(name)
    }

    fn required(
        &mut self,
        name: &'static str,
        faults: &mut Faults,
    ) -> Option<&'t Spanned<DeValue<'t>>> {
        let found = self.get(name);
        if found.is_none() {
            self.fault(faults, self.line, format!("`{name}` is missing"));
        }
        found
    }

    fn wrong_type(&self, name: &str, wanted: &str, faults: &mut Faults) {
        self.fault(faults, self.line_of(name), format!("`{name}` must be {wanted}"));
    }

    /// A text that must be there and not be empty.
    pub(super) fn text(
        &mut self,
        name: &'static str,
        chars_max: usize,
        faults: &mut Faults,
    ) -> Option<String> {
        let value = self.required(name, faults)?;
        self.checked_text(name, value.get_ref(), chars_max, faults)
    }

    /// A text that may be left out.
    pub(super) fn text_or_empty(
        &mut self,
        name: &'static str,
        chars_max: usize,
        faults: &mut Faults,
    ) -> Option<String> {
        match self.get(name) {
            None => Some(String::new()),
            Some(value) => self.checked_text(name, value.get_ref(), chars_max, faults),
        }
    }

    fn checked_text(
        &self,
        name: &str,
        value: &DeValue<'_>,
        chars_max: usize,
        faults: &mut Faults,
    ) -> Option<String> {
        let Some(text) = value.as_str() else {
            self.wrong_type(name, "a text", faults);
            return None;
        };
        let problem = if text.trim().is_empty() {
            "must not be empty".to_owned()
        } else if text.chars().count() > chars_max {
            format!("must have at most {chars_max} characters")
        } else if text.chars().any(|letter| letter.is_control() && letter != '\n') {
            "must not hold control characters".to_owned()
        } else if chars_max <= LINE_CHARS_MAX && text.contains('\n') {
            "must be one line".to_owned()
        } else {
            return Some(text.trim().to_owned());
        };
        self.fault(faults, self.line_of(name), format!("`{name}` {problem}"));
        None
    }

    /// A flag that must be there.
    pub(super) fn flag(&mut self, name: &'static str, faults: &mut Faults) -> Option<bool> {
        let value = self.required(name, faults)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(name, "true or false", faults);
        }
        flag
    }

    /// A whole number that must be there and in the range.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<u64>,
        faults: &mut Faults,
    ) -> Option<u64> {
        let value = self.required(name, faults)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|number| range.contains(number));
        if number.is_none() {
            let wanted = format!("a whole number from {} to {}", range.start(), range.end());
            self.wrong_type(name, &wanted, faults);
        }
        number
    }

    /// Whether the section has the field.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// A list of texts; empty if left out.
    pub(super) fn texts(
        &mut self,
        name: &'static str,
        faults: &mut Faults,
    ) -> Option<Vec<Located<String>>> {
        let Some(value) = self.get(name) else { return Some(Vec::new()) };
        let Some(array) = value.get_ref().as_array().filter(|array| array.len() <= ENTRIES_MAX)
        else {
            self.wrong_type(name, &format!("a list of at most {ENTRIES_MAX} texts"), faults);
            return None;
        };
        let mut texts = Vec::new();
        for entry in array {
            let line = self.lines.line_at(entry.span().start);
            match entry.get_ref().as_str() {
                Some(text) => texts.push(Located { value: text.to_owned(), line }),
                None => self.fault(faults, line, format!("`{name}` must hold texts only")),
            }
        }
        (texts.len() == array.len()).then_some(texts)
    }

    /// A table of the section that must be there.
    pub(super) fn section(
        &mut self,
        name: &'static str,
        faults: &mut Faults,
    ) -> Option<Section<'t>> {
        let value = self.required(name, faults)?;
        let line = self.line_of(name);
        match value.get_ref().as_table() {
            Some(table) => Some(Section { lines: self.lines, table, line, asked: Vec::new() }),
            None => {
                self.wrong_type(name, "a table", faults);
                None
            }
        }
    }

    /// A list of tables; empty if left out. Entries that are no tables are told and left out.
    pub(super) fn sections(&mut self, name: &'static str, faults: &mut Faults) -> Vec<Section<'t>> {
        let Some(value) = self.get(name) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array().filter(|array| array.len() <= ENTRIES_MAX)
        else {
            self.wrong_type(name, &format!("a list of at most {ENTRIES_MAX} tables"), faults);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for entry in array {
            let line = self.lines.line_at(entry.span().start);
            match entry.get_ref().as_table() {
                Some(table) => {
                    sections.push(Section { lines: self.lines, table, line, asked: Vec::new() });
                }
                None => self.fault(faults, line, format!("`{name}` must hold tables only")),
            }
        }
        sections
    }

    /// The names of the fields with their lines, for tables whose names are data. They count as
    /// asked for.
    pub(super) fn names(&self) -> Vec<Located<String>> {
        self.table
            .keys()
            .map(|key| Located {
                value: key.get_ref().to_string(),
                line: self.lines.line_at(key.span().start),
            })
            .collect()
    }

    /// The texts of a table whose names are data.
    pub(super) fn text_by_name(
        &self,
        name: &str,
        chars_max: usize,
        faults: &mut Faults,
    ) -> Option<String> {
        let value = self.table.get(name)?;
        self.checked_text(name, value.get_ref(), chars_max, faults)
    }

    /// The tables of a table that has one for each language: `[text.en]`, `[text.nl]`.
    pub(super) fn by_language(&self, faults: &mut Faults) -> Vec<(LanguageTag, Section<'t>)> {
        let mut found = Vec::new();
        for (key, value) in self.table {
            let line = self.lines.line_at(key.span().start);
            let name = key.get_ref();
            let language = LanguageTag::parse(name).ok().filter(|tag| tag.as_str() == name);
            match (language, value.get_ref().as_table()) {
                (None, _) => {
                    self.fault(faults, line, format!("`{name}` is not a language tag (BCP 47)"));
                }
                (_, None) => self.wrong_type(name, "a table", faults),
                (Some(language), Some(table)) => {
                    let section = Section { lines: self.lines, table, line, asked: Vec::new() };
                    found.push((language, section));
                }
            }
        }
        found
    }

    /// Tells every field that nobody asked for.
    pub(super) fn finish(self, faults: &mut Faults) {
        for key in self.table.keys() {
            if !self.asked.contains(&key.get_ref().as_ref()) {
                let line = self.lines.line_at(key.span().start);
                let known = self.asked.join(", ");
                let name = key.get_ref();
                faults.add(
                    self.lines.file,
                    line,
                    format!("`{name}` is not known here; known are: {known}"),
                );
            }
        }
    }
}
