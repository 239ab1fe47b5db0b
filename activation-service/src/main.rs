//! The front door of the activation service.

use std::process::ExitCode;

fn main() -> ExitCode {
    activation_service::commands::run()
}
