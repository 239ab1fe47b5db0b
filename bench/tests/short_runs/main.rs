//! Runs of a second: the command works, and no run counts in which a service refuses or says what
//! is not so. The services must be built: `cargo build --workspace --bins`.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bench::bare::{BareArgs, RowBytes};
use bench::computers::Computers;
use bench::connection::Target;
use bench::keys::Keys;
use bench::load::closed;
use bench::noop::{Method, Noop};
use bench::pacer::open;
use bench::stand::Stand;
use bench::tellings::{Activations, Echo, Tellings, Who};

const BENCH: &str = env!("CARGO_BIN_EXE_bench");
const SHORT: Duration = Duration::from_millis(500);
const KEYS: usize = 20;
const CALLERS: usize = 8;

/// Starts a service and makes keys that it does not know yet.
async fn stand() -> Result<(Stand, Arc<Tellings>)> {
    let stand = Stand::start(true).await?;
    let computers = Computers::new(1, stand.world.salt())?;
    let tellings = Tellings::new(Keys::issue(1, KEYS)?, computers);
    Ok((stand, tellings))
}

fn new_computers(tellings: &Arc<Tellings>) -> Arc<Activations> {
    Arc::new(Activations::new(tellings, Who::New { first: 0 }))
}

#[test]
fn the_command_measures_verifies_and_writes_what_it_found() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let json = folder.path().join("figures.json");
    let words = ["activate", "single", "--seconds", "0.5", "--rounds", "1", "--keys", "100"];
    let ended = Command::new(BENCH).args(words).arg("--json").arg(&json).output()?;
    let told = String::from_utf8_lossy(&ended.stdout);
    ensure!(ended.status.success(), "{told}\n{}", String::from_utf8_lossy(&ended.stderr));
    assert!(told.contains("activate_128, best"), "{told}");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&json)?)?;
    for figure in ["activate_128", "activate_512", "single"] {
        let figure = report.get(figure).with_context(|| format!("{figure} in {report}"))?;
        assert_eq!(figure["verified"], true);
        for part in ["median", "min", "max"] {
            let ratio = figure["ratio_to_noop"][part].as_f64().unwrap_or_default();
            assert!(ratio > 0.0, "{figure}");
        }
        assert!(figure["rate"]["median"].as_f64().unwrap_or_default() > 0.0);
        assert!(figure["p50_us"].as_u64() <= figure["p99_us"].as_u64());
        assert!(figure["more"]["counts_verified"].as_f64().unwrap_or_default() > 0.0);
    }
    Ok(())
}

#[test]
fn one_large_ledger_grows_starts_again_and_is_rebuilt() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let json = folder.path().join("figures.json");
    let words = "growth restart rebuild --seconds 0.5 --rounds 1 --keys 40 --small 60 --large 200";
    let ended = Command::new(BENCH).args(words.split(' ')).arg("--json").arg(&json).output()?;
    let told = String::from_utf8_lossy(&ended.stdout);
    ensure!(ended.status.success(), "{told}\n{}", String::from_utf8_lossy(&ended.stderr));
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&json)?)?;
    let more = |figure: &str, name: &str| report[figure]["more"][name].as_f64().unwrap_or_default();
    for figure in ["growth_60", "growth_200", "growth", "restart", "rebuild", "rebuild_in_memory"] {
        assert_eq!(report[figure]["verified"], true, "{figure} in {report}");
        assert!(report[figure]["ratio_to_noop"]["median"].as_f64().unwrap_or_default() > 0.0);
    }
    for name in ["in_memory_events_per_s", "sled_events_per_s", "bare_sled_events_per_s"] {
        assert!(more("rebuild", name) > 0.0, "{name} in {report}");
    }
    // The same ledger: what the rounds added was started again and rebuilt too.
    let counted = more("growth", "counts_verified");
    assert!(counted > 200.0, "{report}");
    assert_eq!(more("restart", "counts_verified"), counted);
    assert_eq!(more("rebuild", "events"), counted + 40.0);
    Ok(())
}

#[test]
fn bare_sled_tells_its_rate_and_its_bytes() -> Result<()> {
    let rows =
        RowBytes { head_bytes: 200, registered_bytes: 29, event_bytes: 280, lookup_bytes: 20 };
    let args = BareArgs { keys: 10, activations: 300, seed: 1, marks: vec![100, 300], rows };
    let told = bench::bare::run(&args)?;
    let marks: Vec<_> = told.marks.iter().map(|mark| mark.activations).collect();
    assert_eq!(marks, [100, 300]);
    assert!(told.events_per_s > 0.0);
    assert!(told.marks.iter().all(|mark| mark.events_per_s > 0.0 && mark.file_bytes > 0));
    Ok(())
}

#[test]
fn an_unknown_figure_is_refused() -> Result<()> {
    let ended = Command::new(BENCH).arg("nonsense").output()?;
    assert!(!ended.status.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_refuses_is_no_result() -> Result<()> {
    // The keys were never registered.
    let (stand, tellings) = stand().await?;
    let target = stand.activate()?;
    let refused = closed(&target, new_computers(&tellings), CALLERS, SHORT).await;
    let why = format!("{:#}", refused.err().context("it refuses")?);
    assert!(why.contains("was refused"), "{why}");
    let refused = open(&target, new_computers(&tellings), 100.0, SHORT).await;
    assert!(refused.is_err());
    assert_eq!(tellings.counted_in_all(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_says_what_is_not_so_is_no_result() -> Result<()> {
    let (stand, tellings) = stand().await?;
    stand.register(&tellings, 1_000).await?;
    let target = stand.activate()?;
    let honest = closed(&target, new_computers(&tellings), CALLERS, SHORT).await?;
    assert_eq!(tellings.counted_in_all(), honest.answered_in_all);
    stand.compare(&tellings).await?;

    // The yardstick gives the same answer to whoever asks, and counts nothing.
    let answer = stand.folder().join("answer");
    std::fs::write(&answer, &honest.sample)?;
    let liar = Noop::start_program(Path::new(BENCH), Method::Activate, &answer)?;
    let target = Target { address: liar.address(), ..target };
    closed(&target, Echo::new(&tellings, honest.sample.clone()), CALLERS, SHORT).await?;
    stand.compare(&tellings).await.context("the yardstick tells nobody of a count")?;
    closed(&target, new_computers(&tellings), CALLERS, SHORT).await?;
    let found = stand.compare(&tellings).await;
    let why = format!("{:#}", found.err().context("counts that are told and not held")?);
    assert!(why.contains("clients were told of"), "{why}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_load_keeps_its_rate_and_counts_from_when_a_call_was_due() -> Result<()> {
    let (stand, tellings) = stand().await?;
    stand.register(&tellings, 1_000).await?;
    let load = Arc::new(Activations::new(&tellings, Who::New { first: 0 }).at_most(50));
    let run = open(&stand.activate()?, load, 200.0, SHORT).await?;
    assert_eq!((run.answered_in_all, run.refusals), (50, 0));
    assert_eq!(run.latency.len(), 50);
    stand.verify(&tellings).await
}
