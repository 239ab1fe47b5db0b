//! Instructions of a call, counted by callgrind: the same on a busy machine and on an idle one.
//!
//! Each process is counted twice, with few calls and with many; what is between is the calls, with
//! all that the process does for them, until sled has caught up. The files stay in `target/bench`
//! for `callgrind_annotate`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use tokio::task::block_in_place;
use xtask::pair::Process;

use super::{Figures, LIMIT_MAX, Ledger, Settings};
use crate::connection::Target;
use crate::figure::{Figure, Spread};
use crate::load::{Load, closed};
use crate::noop::{Method, Noop};
use crate::tellings::{Activations, Echo, Who};

/// Calls of the two counts.
const CALLS: [u64; 2] = [1_000, 5_000];
/// Computers that are known before unchanged ones are counted.
const KNOWN: u64 = 1_000;
const KEYS: usize = 500;
const IN_FLIGHT: usize = 32;
/// Longest time of one count; valgrind takes fifty times as long as the processor.
const TIME_MAX: Duration = Duration::from_secs(900);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    New,
    Unchanged,
}

pub(super) async fn play(settings: &Settings) -> Result<Figures> {
    let noop = noop_per_call(settings).await?;
    let mut figures = Vec::new();
    for (kind, name) in [(Kind::New, "activate"), (Kind::Unchanged, "reactivate")] {
        let [few, many] = CALLS;
        let few = counted(settings, kind, few).await?;
        let many = counted(settings, kind, many).await?;
        let ours = per_call([few, many]);
        let about = format!("instructions of {name}, {IN_FLIGHT} at once, sled included");
        let ratio = noop / ours;
        let spread = Spread { median: ratio, min: ratio, max: ratio };
        let mut figure = Figure { about, ratio_to_noop: spread, ..Figure::default() };
        figure.verified = true;
        figure.add("instructions_per_call", ours);
        figure.add("noop_instructions_per_call", noop);
        figures.push((format!("instructions_{name}"), figure));
    }
    Ok(figures)
}

fn per_call([few, many]: [u64; 2]) -> f64 {
    let [fewer, more] = CALLS;
    many.saturating_sub(few) as f64 / (more - fewer) as f64
}

/// Instructions of the whole life of an activation service that is called so often.
async fn counted(settings: &Settings, kind: Kind, calls: u64) -> Result<u64> {
    let file = file(&format!("{kind:?}-{calls}"))?;
    let mut program = valgrind(&file);
    program.push(xtask::pair::binary("activation-service")?.into_os_string());
    let process = Process { program, ..Process::default() };
    let mut ledger = Ledger::start_as(settings, KEYS, LIMIT_MAX, process).await?;
    let who = match kind {
        Kind::New => Who::New { first: 0 },
        Kind::Unchanged => {
            ledger.fill(0, KNOWN).await?;
            Who::Known { first: 0, count: KNOWN }
        }
    };
    let load = Activations::new(&ledger.tellings, who).at_most(calls);
    let run = closed(&ledger.stand.activate()?, Arc::new(load), IN_FLIGHT, TIME_MAX).await?;
    ensure!(run.answered_in_all == calls, "{} of {calls} calls", run.answered_in_all);
    ledger.stand.drain().await?;
    ledger.stand.compare(&ledger.tellings).await?;
    block_in_place(|| ledger.stand.world.pair.stop_activation())?;
    told(&file)
}

/// Instructions of the yardstick for each call.
async fn noop_per_call(settings: &Settings) -> Result<f64> {
    let ledger = Ledger::start(settings, KEYS, LIMIT_MAX).await?;
    let target = ledger.stand.activate()?;
    let new = Activations::new(&ledger.tellings, Who::New { first: 0 }).at_most(KNOWN);
    let answer = closed(&target, Arc::new(new), IN_FLIGHT, TIME_MAX).await?.sample;
    let bytes = ledger.stand.folder().join("answer");
    std::fs::write(&bytes, &answer)?;
    let mut counts = [0; 2];
    for (count, calls) in counts.iter_mut().zip(CALLS) {
        *count = noop_counted(&ledger, &target, &bytes, &answer, calls).await?;
    }
    Ok(per_call(counts))
}

async fn noop_counted(
    ledger: &Ledger,
    target: &Target,
    bytes: &Path,
    answer: &Bytes,
    calls: u64,
) -> Result<u64> {
    let file = file(&format!("Noop-{calls}"))?;
    let words = valgrind(&file);
    let (program, arguments) = words.split_first().context("valgrind")?;
    let mut command = Command::new(program);
    command.args(arguments).arg(std::env::current_exe().context("this program has no path")?);
    let noop = block_in_place(|| Noop::start_command(command, Method::Activate, bytes))?;
    let target = Target { address: noop.address(), ..target.clone() };
    let echo = Echo::at_most(&ledger.tellings, answer.clone(), calls) as Arc<dyn Load>;
    let run = closed(&target, echo, IN_FLIGHT, TIME_MAX).await?;
    ensure!(run.answered_in_all == calls, "{} of {calls} calls", run.answered_in_all);
    block_in_place(|| noop.end())?;
    told(&file)
}

fn valgrind(file: &Path) -> Vec<OsString> {
    let mut out = OsString::from("--callgrind-out-file=");
    out.push(file);
    vec!["valgrind".into(), "--quiet".into(), "--tool=callgrind".into(), out]
}

fn file(name: &str) -> Result<PathBuf> {
    let folder = xtask::process::root().join("target").join("bench");
    std::fs::create_dir_all(&folder)?;
    Ok(folder.join(format!("callgrind-{name}")))
}

/// The sum that callgrind wrote when its process ended.
fn told(file: &Path) -> Result<u64> {
    let text = std::fs::read_to_string(file).with_context(|| {
        format!("{}: is valgrind there? (Debian: apt-get install valgrind)", file.display())
    })?;
    let sum = text.lines().find_map(|line| line.strip_prefix("totals: "));
    let sum = sum.context("callgrind told no sum")?.trim().parse()?;
    ensure!(sum > 0, "callgrind counted nothing");
    Ok(sum)
}
