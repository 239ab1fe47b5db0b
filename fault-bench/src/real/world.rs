//! Both real services in a folder that is quick to write, and a runtime to call them from.

use std::path::Path;

use anyhow::{Context as _, Result};
use system_tests::{World, WorldOptions};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A folder in memory, where there is one: what survives a power cut is told by what was synced
/// and not by the disk, so a slow disk would show nothing more.
const MEMORY: &str = "/dev/shm";

/// A folder for a world.
///
/// # Errors
/// It cannot be made.
pub fn folder() -> Result<TempDir> {
    let memory = Path::new(MEMORY);
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.context("a folder for the run")
}

/// Plays a story on a runtime of its own and ends whatever it left running.
///
/// # Errors
/// Those of the story, or there is no runtime.
pub fn play<T>(story: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime: Runtime = runtime.context("a runtime")?;
    let told = runtime.block_on(story);
    runtime.shutdown_background();
    told
}

/// Starts both services in a folder; the options say what differs from the delivered ones.
///
/// # Errors
/// They do not start; the error shows what they said.
pub async fn start(folder: TempDir, options: WorldOptions) -> Result<World> {
    World::start_in(folder, options).await
}
