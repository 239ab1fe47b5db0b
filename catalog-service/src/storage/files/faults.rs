//! Collects the faults of a content folder while checking goes on.

use std::path::Path;

use crate::ports::ContentFault;

/// Most faults that are listed; more of them tell nobody more.
pub const FAULTS_MAX: usize = 1000;

/// The faults found so far.
#[derive(Debug, Default)]
pub(super) struct Faults {
    list: Vec<ContentFault>,
    unlisted: usize,
}

impl Faults {
    /// Notes a fault.
    pub(super) fn add(&mut self, file: &Path, line: usize, message: impl Into<String>) {
        if self.list.len() < FAULTS_MAX {
            let message = message.into();
            self.list.push(ContentFault { file: file.to_owned(), line, message });
        } else {
            self.unlisted = self.unlisted.saturating_add(1);
        }
    }

    /// The value if there was no fault, else the faults by file and line, each once.
    pub(super) fn into_result<T>(mut self, value: T) -> Result<T, Vec<ContentFault>> {
        if self.list.is_empty() {
            return Ok(value);
        }
        self.list.sort_by(|left, right| {
            (&left.file, left.line, &left.message).cmp(&(&right.file, right.line, &right.message))
        });
        self.list.dedup();
        if self.unlisted > 0 {
            let message = format!("{} more faults are not listed", self.unlisted);
            self.list.push(ContentFault { file: ".".into(), line: 1, message });
        }
        Err(self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_sorted_told_once_and_bounded() {
        let mut faults = Faults::default();
        faults.add(Path::new("b"), 1, "x");
        faults.add(Path::new("a"), 2, "x");
        faults.add(Path::new("a"), 1, "x");
        faults.add(Path::new("a"), 1, "x");
        let listed = faults.into_result(()).expect_err("there are faults");
        let places: Vec<(&Path, usize)> =
            listed.iter().map(|fault| (fault.file.as_path(), fault.line)).collect();
        assert_eq!(places, [(Path::new("a"), 1), (Path::new("a"), 2), (Path::new("b"), 1)]);

        let mut many = Faults::default();
        for line in 0..FAULTS_MAX + 5 {
            many.add(Path::new("a"), line, "x");
        }
        let listed = many.into_result(()).expect_err("there are faults");
        assert_eq!(listed.len(), FAULTS_MAX + 1);
        assert_eq!(listed.last().expect("a last one").message, "5 more faults are not listed");
    }
}
