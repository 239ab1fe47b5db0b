//! What the parts cost when it was last written down, and how far that may be passed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::process::read;

/// Version of the file.
const FORMAT: u32 = 1;
/// How far a part may be from the record, in hundredths.
const CHANGE_PERCENT_MAX: u64 = 5;

/// The file `bench/instructions.json`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Version of the file.
    format: u32,
    /// What `rustc --version` said: another compiler makes other instructions.
    compiler: String,
    /// The day, UTC.
    date: String,
    /// Instructions of an operation, by part.
    instructions: BTreeMap<String, u64>,
}

/// A part beside its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// More than 5 % dearer.
    Worse,
    /// More than 5 % cheaper.
    Better,
    /// Neither.
    Same,
}

/// What is to be said of a part that costs so much now.
pub(super) fn judge(recorded: u64, now: u64) -> Judgement {
    if now * 100 > recorded * (100 + CHANGE_PERCENT_MAX) {
        Judgement::Worse
    } else if now * 100 < recorded * (100 - CHANGE_PERCENT_MAX) {
        Judgement::Better
    } else {
        Judgement::Same
    }
}

impl Record {
    /// What was counted today with this compiler.
    pub(super) fn of(counted: &[(&str, u64)]) -> Result<Self> {
        let instructions = counted.iter().map(|(part, it)| ((*part).to_owned(), *it)).collect();
        let date = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
        Ok(Self { format: FORMAT, compiler: compiler()?, date, instructions })
    }

    pub(super) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| {
            let command = "`cargo xtask instructions --record` makes it";
            format!("{} is missing: {command}", file.display())
        })?;
        serde_json::from_str(&text).with_context(|| format!("{}", file.display()))
    }

    pub(super) fn write(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(file, text).with_context(|| format!("{}", file.display()))
    }

    /// What a part cost.
    pub(super) fn instructions(&self, part: &str) -> Result<u64> {
        let found = self.instructions.get(part).copied();
        found.with_context(|| {
            format!("{part} is not in the record: `cargo xtask instructions --record`")
        })
    }

    /// The compiler of the record, if it is not the one in use.
    pub(super) fn other_compiler(&self) -> Result<Option<&str>> {
        Ok((self.compiler != compiler()?).then_some(self.compiler.as_str()))
    }
}

fn compiler() -> Result<String> {
    let said = read(Command::new("rustc").arg("--version"))?;
    Ok(said.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_hundredths_either_way_are_the_same() {
        for now in [9_500, 10_000, 10_500] {
            assert_eq!(judge(10_000, now), Judgement::Same, "{now}");
        }
        assert_eq!(judge(10_000, 10_501), Judgement::Worse);
        assert_eq!(judge(10_000, 9_499), Judgement::Better);
        assert_eq!(judge(0, 1), Judgement::Worse, "nothing is a record of nothing");
    }

    #[test]
    fn what_is_written_is_read_again_and_knows_its_compiler() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("record.json");
        let record = Record::of(&[("decide", 14_895)]).expect("a compiler");
        record.write(&file).expect("it is written");
        let again = Record::read(&file).expect("it is read");
        assert_eq!(again, record);
        assert_eq!(again.instructions("decide").expect("recorded"), 14_895);
        assert!(again.instructions("encode").is_err(), "a part without a record is no success");
        assert_eq!(again.other_compiler().expect("a compiler"), None);
        let older = Record { compiler: "rustc 1.0.0".to_owned(), ..record };
        assert_eq!(older.other_compiler().expect("a compiler"), Some("rustc 1.0.0"));
    }
}
