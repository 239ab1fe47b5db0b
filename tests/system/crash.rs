//! Either service is killed at any moment of the walk and started again: nothing acknowledged is
//! lost, nothing is counted twice, catalog and ledger agree. The fault bench plays many of them.
//!
//! `SEED=… ROUNDS=…` replay a failure or go on for longer.

use anyhow::{Context as _, Result};
use system_tests::{World, crash, seed_from_environment};

/// Rounds; each in a world of its own.
const ROUNDS: u64 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_is_counted_twice() -> Result<()> {
    let seed = seed_from_environment()?;
    let rounds = match std::env::var_os("ROUNDS") {
        Some(text) => text.to_string_lossy().parse().context("ROUNDS is a number")?,
        None => ROUNDS,
    };
    for number in 0..rounds {
        let round = seed.wrapping_add(number);
        let mut world = World::start_with(crash::options()).await?;
        let walk = crash::walk(&mut world, round).await;
        let walk = walk.with_context(|| format!("replay with SEED={round} ROUNDS=1"))?;
        println!("SEED={round}: {walk:?}");
    }
    Ok(())
}
