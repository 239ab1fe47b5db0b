//! The front door of the repository's own commands: `cargo xtask dev`, `cargo xtask test` and more.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::cli::run()
}
