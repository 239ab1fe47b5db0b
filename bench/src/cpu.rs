//! What processes used of the processors and of the memory, as the system tells it (Linux).

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Ticks of the system's clock in a second; the same on every Linux that we run on.
const TICKS_A_SECOND: u64 = 100;

/// Time that a process had on processors since it began.
///
/// # Errors
/// It does not run.
pub fn used_by(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| path.clone())?;
    // The name in brackets may hold anything; what follows it are numbers.
    let (_, rest) = stat.rsplit_once(')').with_context(|| path.clone())?;
    let ticks: u64 = numbers(rest.split_whitespace().skip(11).take(2))?.iter().sum();
    Ok(ticks_to_time(ticks))
}

/// Time that all processes together had on processors since the system began.
///
/// # Errors
/// The system does not tell.
pub fn used_by_all() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("a line for all processors")?;
    // user, nice, system, idle, iowait, irq, softirq, steal; guests are in user already.
    let fields = numbers(line.split_whitespace().skip(1).take(8))?;
    let idle: u64 = fields.iter().skip(3).take(2).sum();
    Ok(ticks_to_time(fields.iter().sum::<u64>() - idle))
}

/// Bytes of memory that a process has.
///
/// # Errors
/// It does not run.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 =
        line.and_then(|line| line.split_whitespace().next()).context("VmRSS")?.parse()?;
    Ok(kib * 1024)
}

/// Processors of this machine.
#[must_use]
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn numbers<'a>(words: impl Iterator<Item = &'a str>) -> Result<Vec<u64>> {
    words.map(|word| Ok(word.parse()?)).collect()
}

fn ticks_to_time(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1_000 / TICKS_A_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_something_and_less_than_all() -> Result<()> {
        let own = std::process::id();
        assert!(used_by(own)? <= used_by_all()?);
        assert!(resident_bytes(own)? > 0);
        assert!(used_by(u32::MAX).is_err());
        Ok(())
    }
}
