//! The front door of the activation service.

use std::process::ExitCode;

/// Half of what an activation cost was the allocator of glibc (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    activation_service::commands::run()
}
