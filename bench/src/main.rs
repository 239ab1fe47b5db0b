//! The front door of the bench; `cargo xtask bench` builds and starts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    bench::cli::run()
}
