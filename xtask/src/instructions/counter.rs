//! Counts the instructions of one part with callgrind.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::process::run;

/// Installs valgrind where it is missing and the system has packages.
///
/// # Errors
/// It is missing and cannot be installed.
pub fn ensure_instrument() -> Result<()> {
    if Command::new("valgrind").arg("--version").output().is_ok() {
        return Ok(());
    }
    let install = ["install", "--yes", "--no-install-recommends", "valgrind"];
    run(Command::new("apt-get").args(install)).context("valgrind is needed, of any version")
}

/// Instructions of one operation of a part.
pub(super) fn counted(program: &Path, part: &str, rounds: u32) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--collect-atstart=no", "--callgrind-out-file=/dev/null"]);
    valgrind.arg("--toggle-collect=counted::measured*").arg(program);
    let output = valgrind.args([part, &rounds.to_string()]).output().context("valgrind")?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("valgrind ended with {}:\n{told}", output.status);
    }
    let all = number(&told, "Collected :").with_context(|| format!("no figure:\n{told}"))?;
    ensure!(all > 0, "valgrind counted nothing: the name of the function was not found");
    let said = String::from_utf8_lossy(&output.stdout);
    let operations = number(&said, "operations").context("the number of operations")?;
    ensure!(operations > 0, "{part} did nothing");
    Ok(all / operations)
}

/// The number at the end of the line with these words.
fn number(text: &str, words: &str) -> Option<u64> {
    text.lines().find_map(|line| line.split_once(words)?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_where_valgrind_and_the_program_tell_them() {
        let told = "==1== Events    : Ir\n==1== Collected : 123456\n==1==\n";
        assert_eq!(number(told, "Collected :"), Some(123_456));
        assert_eq!(number("operations 640\n", "operations"), Some(640));
        assert_eq!(number("nothing", "operations"), None);
    }
}
