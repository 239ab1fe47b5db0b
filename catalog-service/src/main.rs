//! The front door of the catalog service.

use std::process::ExitCode;

/// As in the activation service (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    catalog_service::commands::run()
}
