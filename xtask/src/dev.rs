//! `cargo xtask dev`: builds both services, starts them as real processes, walks through the main
//! job and goes on serving.

mod actors;
mod computer;
mod counting;
mod pane;
mod partner;
mod refusals;
mod report;
mod setup;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::output;
use crate::pair::{Pair, PairOptions, Security};
use crate::process::{cargo, root, run as run_program};
use actors::Cast;
use report::Report;

/// Ports that people find again; with `--once` any free ones.
const ACTIVATION_PORT: u16 = 50_052;
const CATALOG_PORT: u16 = 50_051;

/// How to walk.
#[derive(Args, Clone, Debug)]
pub struct DevArgs {
    /// End after the walk instead of serving until ctrl-c.
    #[arg(long)]
    once: bool,
    /// Print one JSON document instead of text.
    #[arg(long)]
    json: bool,
    /// The folder for stores, logs and identities; it is emptied first.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Walks, and fails at the first step that is not as the rules say.
///
/// # Errors
/// The services cannot be built or started, or a step came out otherwise.
pub fn run(args: &DevArgs) -> Result<()> {
    let mut report = Report::new(args.json);
    report.note("Building both services …");
    run_program(cargo().args(["build", "--locked", "--quiet", "--bins"]).args([
        "--package",
        "activation-service",
        "--package",
        "catalog-service",
        "--package",
        "installer-client",
    ]))?;
    let folder = args.folder.clone().unwrap_or_else(|| root().join("target").join("dev"));
    if folder.exists() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    let mut options = PairOptions::new(&folder, Security::Plain);
    // The walk waits for keys to become known, so the outbox looks more often than it would.
    options.catalog_settings.push(("outbox.interval_ms".to_owned(), "100".to_owned()));
    if !args.once {
        options.activation_port = free_or_any(ACTIVATION_PORT);
        options.catalog_port = free_or_any(CATALOG_PORT);
    }
    let pair = Pair::start(options)?;
    report.services(pair.catalog().address()?, pair.activation().address()?);

    let runtime = tokio::runtime::Runtime::new().context("no runtime for the walk")?;
    runtime.block_on(walk(&pair, &mut report))?;
    report.paste(pair.catalog().address()?, pair.activation().address()?, &pair.certs());
    report.finish();
    if !args.once {
        output::line("Both services go on serving; ctrl-c ends them.");
        runtime.block_on(tokio::signal::ctrl_c()).context("cannot wait for ctrl-c")?;
    }
    Ok(())
}

async fn walk(pair: &Pair, report: &mut Report) -> Result<()> {
    let cast = Cast::new(pair.catalog().address()?, pair.activation().address()?)?;
    let keys = setup::prepare(&cast, report).await?;
    partner::benefits(&cast, report).await?;
    pane::three_steps(&cast, report).await?;
    let key = pane::reveal(&cast, report).await?;
    computer::this_one(&cast, &keys, report).await?;
    counting::recorded_swaps(&cast, &key, report).await?;
    counting::every_activation(&cast, report).await?;
    partner::not_downloadable(&cast, report).await?;
    partner::without_activation(&cast, report).await?;
    refusals::associations(&cast, report).await?;
    refusals::platform(&cast, report).await
}

/// The port, unless another program has it.
fn free_or_any(port: u16) -> u16 {
    match std::net::TcpListener::bind(("127.0.0.1", port)) {
        Ok(_free_again) => port,
        Err(_) => 0,
    }
}
