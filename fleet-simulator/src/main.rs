//! The front door of the fleet simulator; `cargo xtask fleet` builds and starts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    fleet_simulator::cli::run()
}
