//! The steps of `cargo xtask test`.

use std::process::Command;

use anyhow::Result;

use super::tools::Tools;
use crate::faults::{FaultsArgs, run_bench};
use crate::instructions::{InstructionsArgs, ensure_instrument, run_instrument};
use crate::process::{cargo, root, run};

/// One step.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) run: fn() -> Result<()>,
}

pub(super) const STEPS: [Step; 12] = [
    Step { name: "format", about: "every file is as cargo fmt writes it", run: format },
    Step { name: "tidy", about: "the laws of the house hold", run: tidy },
    Step { name: "tools", about: "grpcurl, buf, grpcio and valgrind are there", run: tools },
    Step { name: "schemas", about: "buf finds no fault in proto", run: schemas },
    Step { name: "vectors", about: "another language makes the same bytes", run: vectors },
    Step { name: "lints", about: "clippy finds no fault in any target", run: lints },
    Step { name: "build", about: "all binaries, which the system tests start", run: build },
    Step { name: "tests", about: "the tests of all crates", run: tests },
    Step {
        name: "faults",
        about: "no promise is broken, every deliberate bug noticed",
        run: faults,
    },
    Step { name: "costs", about: "no part costs 5 % more instructions than recorded", run: costs },
    Step { name: "doctests", about: "the examples in the documentation", run: doctests },
    Step { name: "docs", about: "the documentation has no dead link", run: docs },
];

fn format() -> Result<()> {
    run(cargo().args(["fmt", "--all", "--", "--check"]))
}

/// Runs before the long steps, for most faults that people make are found here; `tests` runs it
/// again.
fn tidy() -> Result<()> {
    run(cargo().args(["test", "--locked", "--package", "system-tests", "--test", "tidy"]))
}

fn tools() -> Result<()> {
    ensure_instrument()?;
    Tools::ensure().map(drop)
}

fn schemas() -> Result<()> {
    let tools = Tools::ensure()?;
    run(Command::new(tools.buf).arg("lint").current_dir(root().join("proto")))
}

/// Recipe and receipts are for authors in any language; Python stands for them, without packages
/// for the one and with a package for signatures for the other.
fn vectors() -> Result<()> {
    run(Command::new("python3").arg(root().join("hardware-evidence/vectors/check.py")))?;
    let verify = root().join("receipt/vectors/verify.py");
    run(Command::new(Tools::ensure()?.python).arg(verify).arg("--vectors"))
}

fn lints() -> Result<()> {
    let arguments = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    run(cargo().args(arguments))
}

fn build() -> Result<()> {
    run(cargo().args(["build", "--locked", "--workspace", "--bins"]))
}

fn tests() -> Result<()> {
    let tools = Tools::ensure()?;
    let arguments =
        ["test", "--locked", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"];
    run(cargo().args(arguments).envs(tools.environment()))
}

/// The quick plan; `cargo xtask faults --full` is for hours.
fn faults() -> Result<()> {
    let report = root().join("target/faults/quick.json");
    let words = ["--quick".into(), "--json".into(), report.display().to_string()];
    run_bench(&FaultsArgs::of(words.to_vec()))
}

/// Builds the activation service once more, optimised but not at link time.
fn costs() -> Result<()> {
    run_instrument(&InstructionsArgs::default())
}

fn doctests() -> Result<()> {
    run(cargo().args(["test", "--locked", "--workspace", "--doc"]))
}

fn docs() -> Result<()> {
    let arguments = ["doc", "--locked", "--workspace", "--no-deps"];
    run(cargo().args(arguments).env("RUSTDOCFLAGS", "-D warnings"))
}
