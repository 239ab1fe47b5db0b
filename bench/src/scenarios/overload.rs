//! The commit slowed down from outside, and twice and ten times as much offered as it can take.
//!
//! The delivered binary runs with a library before the C library's that makes each sync of the
//! journal wait; nothing in the service knows of it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use xtask::pair::Process;

use super::{Figures, LIMIT_MAX, Ledger, Settings, new_computers};
use crate::cpu;
use crate::figure::{Bar, Figure, Spread};
use crate::load::{Load, closed};
use crate::pacer::open;
use crate::tellings::Activations;

/// Callers at once at full load.
const IN_FLIGHT: usize = 512;
/// What each sync waits; with batches of at most 128 about 2,000 activations a second are left.
const SLOW_SYNC_US: u32 = 64_000;
/// How many times the full rate is offered.
const TIMES: [u32; 2] = [2, 10];
/// What the p99 of those who are admitted may be, beside that at full load.
const BAR: Bar = Bar::AtMost(2.0);

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    let environment = vec![
        (OsString::from("LD_PRELOAD"), build()?.into_os_string()),
        (OsString::from("SLOW_SYNC_US"), OsString::from(SLOW_SYNC_US.to_string())),
    ];
    let process = Process { environment, ..Process::default() };
    let ledger = Ledger::start_as(settings, settings.keys, LIMIT_MAX, process).await?;
    let target = ledger.stand.activate()?;
    let mut turns = 1..;
    let mut load = || {
        let turn = turns.next().context("a turn")?;
        let load = Activations::new(&ledger.tellings, new_computers(turn)).patient();
        anyhow::Ok(Arc::new(load) as Arc<dyn Load>)
    };
    let full = closed(&target, load()?, IN_FLIGHT, settings.length).await?;
    let full_p99 = full.latency.value_at_quantile(0.99);
    ledger.stand.drain().await?;
    let mut figures = Vec::new();
    for times in TIMES {
        let rate = full.rate() * f64::from(times);
        let (mut ratios, mut runs, mut memory) = (Vec::new(), Vec::new(), 0);
        for _ in 0..settings.rounds {
            let run = open(&target, load()?, rate, settings.length).await?;
            ratios.push(run.latency.value_at_quantile(0.99) as f64 / full_p99.max(1) as f64);
            memory = memory.max(cpu::resident_bytes(ledger.stand.pid()?)?);
            runs.push(run);
            ledger.stand.drain().await?;
        }
        let last = runs.last().context("a round")?;
        let of = |quantile| last.latency.value_at_quantile(quantile);
        let full_rate = full.rate();
        let about = format!(
            "{times} times {full_rate:.0} a second offered; the ratio is that of p99 of those who \
             are admitted to p99 at full load"
        );
        let mut figure = Figure {
            about,
            ratio_to_noop: Spread::of(ratios)?,
            rate: Spread::of(runs.iter().map(crate::run::Run::rate))?,
            p50_us: of(0.5),
            p99_us: of(0.99),
            p999_us: of(0.999),
            ..Figure::default()
        }
        .with_bar(BAR);
        let seconds = settings.length.as_secs_f64();
        let offered = (last.answered_in_all + last.refusals) as f64 / seconds;
        figure.add("full_rate_per_s", full_rate);
        figure.add("full_p99_us", full_p99 as f64);
        figure.add("asked_per_s", rate);
        figure.add("offered_per_s", offered);
        figure.add("refused_per_s", last.refusals as f64 / seconds);
        figure.add("refusal_p50_us", last.refusal_latency.value_at_quantile(0.5) as f64);
        figure.add("refusal_p99_us", last.refusal_latency.value_at_quantile(0.99) as f64);
        figure.add("rss_mib", memory as f64 / 1_048_576.0);
        figures.push((format!("overload_{times}"), figure));
    }
    ledger.verify(figures).await
}

/// Builds the library.
fn build() -> Result<PathBuf> {
    let root = xtask::process::root();
    let library = root.join("target").join("bench").join("slow_sync.so");
    std::fs::create_dir_all(root.join("target").join("bench"))?;
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden", "-o"]);
    command.arg(&library).arg(root.join("bench").join("shim").join("slow_sync.c"));
    xtask::process::read(&mut command).context("the library needs a C compiler")?;
    Ok(library)
}
