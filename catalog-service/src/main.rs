//! The front door of the catalog service.

use std::process::ExitCode;

fn main() -> ExitCode {
    catalog_service::commands::run()
}
