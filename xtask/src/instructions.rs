//! `cargo xtask instructions`: what a decision costs on a key with many computers, in instructions,
//! which are the same on a busy machine and on an idle one.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use crate::output;
use crate::process::{cargo, root, run};

/// Computers of the small key and of the large one.
const COMPUTERS: [u32; 2] = [5, 5_000];
/// Rounds of four decisions that are counted.
const ROUNDS: u32 = 250;
/// Decisions of a round.
const DECISIONS: u64 = 4;
/// Most that the large key may cost, in hundredths of the small one.
const RATIO_PERCENT_MAX: u64 = 200;

/// What is counted.
#[derive(Args)]
pub struct InstructionsArgs {}

/// Counts with valgrind, and fails where the large key costs more than twice as much.
///
/// # Errors
/// valgrind is missing, something does not build, or a ratio is above its bar.
pub fn run_instrument(_: &InstructionsArgs) -> Result<()> {
    let example = ["build", "--locked", "--release", "-p", "activation-service"];
    run(cargo().args(example).args(["--example", "deciding"]))?;
    let program = root().join("target/release/examples/deciding");
    output::line("instructions of one decision      5 computers   5,000 computers   ratio");
    let mut is_met = true;
    for (what, name) in [("decide", "decided"), ("record", "decided, and taken in by a copy")] {
        let [few, many] = COMPUTERS;
        let (small, large) = (counted(&program, few, what)?, counted(&program, many, what)?);
        let percent = large * 100 / small.max(1);
        is_met &= percent <= RATIO_PERCENT_MAX;
        let ratio = format!("{}.{:02}", percent / 100, percent % 100);
        output::line(&format!("{name:<32}{small:>13}{large:>18}{ratio:>8}"));
    }
    ensure!(is_met, "a key with 5,000 computers costs more than twice as much as one with 5");
    Ok(())
}

/// Instructions of one decision.
fn counted(program: &Path, computers: u32, what: &str) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--collect-atstart=no", "--callgrind-out-file=/dev/null"]);
    valgrind.arg("--toggle-collect=*deciding::measured*").arg(program);
    let output = valgrind
        .args([&computers.to_string(), &ROUNDS.to_string(), what])
        .output()
        .context("valgrind does not start: install it (Debian: apt-get install valgrind)")?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("valgrind ended with {}:\n{told}", output.status);
    }
    let line = told.lines().find_map(|line| line.split_once("Collected :"));
    let (_, number) = line.with_context(|| format!("valgrind told no figure:\n{told}"))?;
    let all: u64 = number.trim().parse().context("the figure of valgrind")?;
    ensure!(all > 0, "valgrind counted nothing: the name of the function was not found");
    Ok(all / (u64::from(ROUNDS) * DECISIONS))
}
