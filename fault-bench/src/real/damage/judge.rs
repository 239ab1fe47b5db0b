//! Whether a harmed ledger was repaired or refused by name, and never taken for the old one while
//! it is another.

use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use receipt::Receipt;
use system_tests::{Person, Program, World};
use tokio::task::block_in_place;

use super::base::Base;
use super::harm::Harm;
use super::questions::reason;
use crate::real::image::Image;

/// Starts the service on the harmed ledger and asks everything.
pub(super) async fn judge(base: &Base, ledger: &Image, harm: &Harm) -> Result<()> {
    let mut world = base.world(ledger, harm.is_rollback())?;
    let is_good = verify(&world).await?;
    let started = block_in_place(|| world.pair.start_activation());
    if started.is_err() {
        refused(&world)?;
        ensure!(!is_good, "the service refuses what `ledger verify` finds good");
        return Ok(());
    }
    ensure!(!harm.is_rollback(), "it serves an older copy");
    let mut named = base.compare(&world).await?;
    if let Some(reason) = news(base, &world).await? {
        named.push(reason);
    }
    ensure!(named.is_empty() || !is_good, "verify finds good what is refused: {named:?}");
    block_in_place(|| world.pair.stop_activation())?;
    let log = log(&world)?;
    if log.contains("panicked at") {
        let is_made_again = log.contains("set aside") && named.is_empty();
        ensure!(is_made_again, "a panic without books made again: {log}");
    }
    Ok(())
}

/// What the service said before it ended is a named error and no panic.
fn refused(world: &World) -> Result<()> {
    let log = log(world)?;
    let last = log.lines().last().unwrap_or_default();
    let is_named = last.starts_with("activation-service: ") && !last.contains("panic");
    ensure!(is_named, "it ended without a named error: {log}");
    Ok(())
}

/// Counts a new computer, exactly once more than before; gives the reason if it is refused.
async fn news(base: &Base, world: &World) -> Result<Option<String>> {
    let mut client = world.activation(&Person::installer())?;
    let answer = match client.activate(base.news.clone()).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return Ok(Some(reason(&status)?)),
    };
    let (used, version) = base.before;
    ensure!(answer.used == used + 1, "used {} after {used}", answer.used);
    let proven = Receipt::decode(&answer.receipt)?.verify(&base.trusted)?.leaf;
    let new = proven.account_version;
    ensure!(new == version + 1, "version {new} after {version}");
    Ok(None)
}

/// What `ledger verify` thinks of the ledger, which it must not change.
async fn verify(world: &World) -> Result<bool> {
    let settings = world.pair.activation_settings().into_iter();
    let settings = settings.flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]);
    let scratch = world.folder().join("scratch");
    fs::create_dir_all(&scratch)?;
    let command = ["ledger", "verify", "--scratch"].map(str::to_owned);
    let scratch = scratch.display().to_string();
    let verifying = Program::ours("activation-service")?.with(command).with([scratch]);
    let said = verifying.with(settings).run().await?;
    match said.status.code() {
        Some(0) => Ok(true),
        Some(1 | 69) if said.err.lines().any(|line| line.starts_with("activation-service: ")) => {
            Ok(false)
        }
        code => bail!("`ledger verify` ends with {code:?}: {}", said.err),
    }
}

fn log(world: &World) -> Result<String> {
    let path = world.pair.activation().log();
    fs::read_to_string(path).with_context(|| path.display().to_string())
}
