//! The front door of the fault bench; `cargo xtask faults` builds and starts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    fault_bench::cli::run()
}
