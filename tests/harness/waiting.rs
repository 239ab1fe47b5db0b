//! Waits for conditions with a bound: asks again and again, never for a fixed time.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Longest wait for anything that a healthy pair does within a moment, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(20);

/// Asks until there is an answer.
///
/// # Errors
/// The question itself fails, or nothing came of it within [`PATIENCE`].
pub async fn eventually<T, F>(what: &str, mut ask: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let start = Instant::now();
    let asking = async {
        let mut again = interval(PERIOD);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            again.tick().await;
            if let Some(answer) = ask().await? {
                return anyhow::Ok(answer);
            }
        }
    };
    let answer = timeout(PATIENCE, asking).await;
    answer.with_context(|| format!("{what}: not within {:?}", start.elapsed()))?
}
