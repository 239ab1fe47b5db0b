//! Sled alone, in a process of its own: the rows that the service would write for so many
//! activations, in the same groups, with nothing around them.
//!
//! Opened and synced as the service does it (`activation-service/src/storage/sled`): the same
//! cache, no flush by a timer, all trees in one transaction a group, then `flush` and `sync_data`
//! on an own descriptor of the file. Keys of rows are laid out as those of the service
//! (`activation-service/src/storage/rows/key.rs`), values are as long as its own are on average and
//! look random.

mod books;
mod rows;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Parser};
use serde::{Deserialize, Serialize};
use xtask::output;

use books::Books;
pub use rows::RowBytes;

/// Events over which the rate at a mark is taken.
const MARK_EVENTS: u64 = 100_000;
/// The program.
const PROGRAM: &str = "bare-sled";

/// What is written.
#[derive(Clone, Debug, Args)]
pub struct BareArgs {
    /// Keys, each registered first.
    #[arg(long)]
    pub keys: u64,
    /// Activations, on the keys in turn, which lie at random places.
    #[arg(long)]
    pub activations: u64,
    /// What key ids and values are made from.
    #[arg(long)]
    pub seed: u64,
    /// Activations at which the rate of late is told.
    #[arg(long = "mark")]
    pub marks: Vec<u64>,
    /// Sizes of values.
    #[command(flatten)]
    pub rows: RowBytes,
}

/// How fast sled was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bare {
    /// Events a second over all: keys that were registered, and activations.
    pub events_per_s: f64,
    /// At the marks.
    pub marks: Vec<Mark>,
}

/// How fast it was of late when so many activations were written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Activations.
    pub activations: u64,
    /// Events a second over the last 100,000, or over all if there are not as many.
    pub events_per_s: f64,
    /// Bytes of all files there.
    pub file_bytes: u64,
}

#[derive(Parser)]
#[command(name = PROGRAM)]
struct Cli {
    /// An empty folder.
    #[arg(long)]
    folder: PathBuf,
    #[command(flatten)]
    args: BareArgs,
}

/// Starts the process on a folder beside what was built, waits for its end, and removes the folder.
///
/// # Errors
/// It fails, or does not hold what it wrote.
pub fn run(args: &BareArgs) -> Result<Bare> {
    let parent = xtask::process::root().join("target").join("bench");
    std::fs::create_dir_all(&parent)?;
    let folder = tempfile::tempdir_in(&parent).context("a folder")?;
    let mut command = Command::new(xtask::pair::binary(PROGRAM)?);
    command.arg("--folder").arg(folder.path().join("sled"));
    let BareArgs { keys, activations, seed, marks, rows } = args;
    let mut word = |name: &str, value: u64| {
        command.arg(format!("--{name}")).arg(value.to_string());
    };
    word("keys", *keys);
    word("activations", *activations);
    word("seed", *seed);
    marks.iter().for_each(|mark| word("mark", *mark));
    for (name, bytes) in rows.named() {
        word(name, bytes);
    }
    // Progress goes where that of the bench goes.
    let ended = command.stderr(std::process::Stdio::inherit()).output();
    let ended = ended.context("bare sled does not start")?;
    ensure!(ended.status.success(), "bare sled ended with {}", ended.status);
    serde_json::from_slice(&ended.stdout).context("what bare sled tells")
}

/// The process: writes, counts what it wrote, and tells it as JSON.
#[must_use]
pub fn main() -> ExitCode {
    let told = write(&Cli::parse()).and_then(|bare| Ok(serde_json::to_string(&bare)?));
    match told {
        Ok(told) => {
            output::line(&told);
            ExitCode::SUCCESS
        }
        Err(error) => {
            output::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn write(cli: &Cli) -> Result<Bare> {
    let BareArgs { keys, activations, seed, marks, rows } = &cli.args;
    let mut books = Books::open(&cli.folder, *seed, *rows)?;
    let began = Instant::now();
    for key in 0..*keys {
        books.register(key)?;
    }
    let mut told = Bare::default();
    let (mut since, mut at) = (Instant::now(), 0);
    for number in 0..*activations {
        books.activate(number % (*keys).max(1), number / (*keys).max(1))?;
        let done = number + 1;
        if marks.contains(&done) {
            let events_per_s = (done - at) as f64 / since.elapsed().as_secs_f64();
            let file_bytes = books.file_bytes()?;
            told.marks.push(Mark { activations: done, events_per_s, file_bytes });
        }
        if done.is_multiple_of(MARK_EVENTS) {
            let rate = (done - at) as f64 / since.elapsed().as_secs_f64();
            output::progress(&format!("bare sled: {done} of {activations}, {rate:.0} a second"));
            (since, at) = (Instant::now(), done);
        }
    }
    books.finish()?;
    told.events_per_s = (keys + activations) as f64 / began.elapsed().as_secs_f64();
    let (held, expected) = (books.rows_of_accounts(), 2 * keys + activations);
    ensure!(held == expected, "sled holds {held} rows of {expected}");
    Ok(told)
}
