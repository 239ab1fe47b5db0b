//! P5 on the real binary: it tells its heads outside, and does not start on an older copy of its
//! own ledger.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use system_tests::{Computer, World, WorldOptions};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn p5_an_older_copy_of_the_ledger_does_not_start() -> Result<()> {
    let outside = TempDir::new()?;
    let file = outside.path().join("anchors");
    let anchors = vec![("anchors.file", file.display().to_string())];
    let mut world =
        World::start_with(WorldOptions { activation: anchors, ..WorldOptions::default() }).await?;
    let key = world.key_with_limit(5).await?;
    world.activate(&key, &Computer::recorded()?).await?;
    world.pair.stop_activation()?;
    let first = newest(&file)?;
    let (ledger, copy) = (world.folder().join("ledger"), outside.path().join("copy"));
    copy_folder(&ledger, &copy)?;

    world.pair.start_activation()?;
    ensure!(newest(&file)?.0 == first.0, "the start tells the head that is there");
    world.activate(&key, &Computer::numbered(2)?).await?;
    world.pair.stop_activation()?;
    let second = newest(&file)?;
    ensure!(second.0 > first.0, "the stop tells the newest head: {second:?}");
    let log = std::fs::read_to_string(world.pair.activation().log())?;
    ensure!(log.contains(&second.1) && log.contains("\"target\":\"anchor\""), "the log has it too");

    std::fs::remove_dir_all(&ledger)?;
    copy_folder(&copy, &ledger)?;
    let refused = world.pair.start_activation().err().context("it started on an older copy")?;
    let refused = format!("{refused:#}");
    let (held, holds) = (second.0, first.0);
    ensure!(refused.contains(&format!("the anchor names event {held} of chain")), "{refused}");
    ensure!(refused.contains(&format!("the journal holds {holds} events")), "{refused}");

    // Whoever has decided that the copy is the ledger from now on says so by an anchor file of its
    // own.
    std::fs::rename(&file, outside.path().join("anchors-of-the-lost-disk"))?;
    world.pair.start_activation()?;
    ensure!(world.key(&key.name).await?.used == 1, "what the copy held");
    Ok(())
}

/// Sequence and text of the newest line.
fn newest(file: &Path) -> Result<(u64, String)> {
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().last().context("an anchor")?;
    let sequence = line.split(' ').find_map(|word| word.strip_prefix("sequence="));
    Ok((sequence.context("a sequence")?.parse()?, line.to_owned()))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
