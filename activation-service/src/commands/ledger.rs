//! `ledger stat`, `verify`, `rebuild`, `export` and `import`: looking after the ledger while no
//! service has it open.

mod report;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, value_parser};
use receipt::{PublicKey, SigningKey, TrustedKeys};

use super::progress::Progress;
use super::settings::{SettingsArgs, Source, print_line};
use super::{EXIT_FAULT, EXIT_NOT_GOOD, EXIT_STORAGE, EXIT_SYSTEM, EXIT_USAGE, Failure};
use crate::adapters::development_secrets::load_or_make;
use crate::adapters::randomness::SystemRandomness;
use crate::config::{Config, SledFolder, Storage, secret_bytes};
use crate::domain::ids::KeyId;
use crate::server;
use crate::storage::journal;
use crate::storage::journaled::upkeep::{self, Erasure, UpkeepError};
use crate::storage::sled::SledOptions;

/// Least mebibytes of accounts at once: with less, a large journal would be read for hours.
const MEMORY_MIB_MIN: u64 = 64;
/// Most mebibytes of accounts at once: a tebibyte.
const MEMORY_MIB_MAX: u64 = 1 << 20;

/// What can be done with the ledger that the settings name. The service must be stopped.
#[derive(Debug, Subcommand)]
pub(super) enum LedgerCommand {
    /// Tell chain, size and how far the books are; changes nothing.
    Stat(StatArgs),
    /// Check every frame, signature and account, and change nothing; ends with 1 at a fault.
    Verify(VerifyArgs),
    /// Set the books aside and make them again from the journal.
    Rebuild(RebuildArgs),
    /// Write a snapshot, and read it back.
    Export(FileArgs),
    /// Erase the evidence of computers beside events, for good; every receipt stays valid.
    Erase(EraseArgs),
    /// Make a new ledger from a snapshot, in a folder that is empty or not there.
    Import(FileArgs),
}

/// What `ledger stat` is asked.
#[derive(Debug, Args)]
pub(super) struct StatArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    scratch: ScratchArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// What `ledger verify` is asked.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    scratch: ScratchArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// What `ledger rebuild` is asked.
#[derive(Debug, Args)]
pub(super) struct RebuildArgs {
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// What accounts may take while they are made from the journal.
#[derive(Debug, Args)]
struct MemoryArgs {
    /// Mebibytes that accounts take in memory at once, about, from 64 to 1048576; the journal is
    /// read once for each time that they fill it, so more is faster.
    #[arg(
        long,
        value_name = "N",
        default_value_t = upkeep::ACCOUNTS_BYTES >> 20,
        value_parser = value_parser!(u64).range(MEMORY_MIB_MIN..=MEMORY_MIB_MAX),
    )]
    memory_mib: u64,
}

/// Where the books are copied to.
#[derive(Debug, Args)]
struct ScratchArgs {
    /// Folder for a copy of the books, which is opened in their place and removed; the default is
    /// that of the system for temporary files.
    #[arg(long, value_name = "FOLDER")]
    scratch: Option<PathBuf>,
}

/// What `ledger erase` is asked.
#[derive(Debug, Args)]
pub(super) struct EraseArgs {
    /// The key id, 32 hex digits.
    key: String,
    /// Account versions of the events, as ListKeyEvents shows them.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    versions: Vec<u64>,
    /// Every activation and release of the key.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// The snapshot of `ledger export` and `ledger import`.
#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// The snapshot; one that is there is never replaced.
    file: PathBuf,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(source: Source, command: LedgerCommand) -> Result<(), Failure> {
    match command {
        LedgerCommand::Stat(args) => stat(&source.and(args.settings), &args.scratch, args.json),
        LedgerCommand::Verify(args) => {
            verify(&source.and(args.settings), &args.scratch, &args.memory)
        }
        LedgerCommand::Rebuild(args) => rebuild(&source.and(args.settings), &args.memory),
        LedgerCommand::Export(args) => export(&source.and(args.settings), &args.file),
        LedgerCommand::Erase(args) => {
            let (source, erasure) = (source.and(args.settings), erasure(&args.key, args.versions));
            erase(&source, &erasure?)
        }
        LedgerCommand::Import(args) => import(&source.and(args.settings), &args.file),
    }
}

impl ScratchArgs {
    fn folder(&self) -> PathBuf {
        self.scratch.clone().unwrap_or_else(std::env::temp_dir)
    }
}

impl MemoryArgs {
    const fn bytes(&self) -> u64 {
        self.memory_mib << 20
    }
}

fn stat(source: &Source, scratch: &ScratchArgs, json: bool) -> Result<(), Failure> {
    let config = source.read()?;
    let sled = ledger(&config)?;
    let mut progress = Progress::start();
    let stat = upkeep::stat(&sled.folder, &scratch.folder(), &options(sled), &mut |step| {
        progress.tell(step);
    });
    progress.end();
    let stat = stat.map_err(|error| failure(&error))?;
    if json {
        let text = serde_json::to_string_pretty(&stat);
        return print_line(&text.map_err(|error| Failure::new(EXIT_FAULT, error))?);
    }
    print_line(&report::stat(&stat))
}

fn verify(source: &Source, scratch: &ScratchArgs, memory: &MemoryArgs) -> Result<(), Failure> {
    let config = source.read()?;
    let sled = ledger(&config)?;
    let keys = trusted(&config)?;
    let known = server::known_anchors(&config.anchors, &keys);
    let known = known.map_err(|error| Failure::new(EXIT_USAGE, error))?;
    let trust = upkeep::Trust { keys: &keys, known };
    let mut progress = Progress::start();
    let (folder, scratch, options) = (&sled.folder, Some(scratch.folder()), options(sled));
    let (scratch, memory, mut tell) =
        (scratch.as_deref(), memory.bytes(), |step| progress.tell(step));
    let found = upkeep::verify_within(folder, scratch, &options, &trust, memory, &mut tell);
    progress.end();
    let found = found.map_err(|error| failure(&error))?;
    if found.is_good() {
        return print_line(&report::good(&found));
    }
    Err(Failure::new(EXIT_NOT_GOOD, report::faults(&found)))
}

fn rebuild(source: &Source, memory: &MemoryArgs) -> Result<(), Failure> {
    let config = source.read()?;
    let sled = ledger(&config)?;
    let mut progress = Progress::start();
    let (options, mut tell) = (options(sled), |step| progress.tell(step));
    let done = upkeep::rebuild_within(&sled.folder, &options, memory.bytes(), &mut tell);
    progress.end();
    let done = done.map_err(|error| failure(&error))?;
    print_line(&report::rebuilt(&done))
}

fn export(source: &Source, file: &Path) -> Result<(), Failure> {
    let config = source.read()?;
    let sled = ledger(&config)?;
    let mut progress = Progress::start();
    let done = upkeep::export(&sled.folder, file, &mut |step| progress.tell(step));
    progress.end();
    let done = done.map_err(|error| failure(&error))?;
    let (accounts, events, bytes) = (done.accounts, done.last_sequence, done.bytes);
    let chain = done.chain_id;
    print_line(&format!(
        "wrote and read back {accounts} accounts with {events} events of chain {chain}: {bytes} \
         bytes"
    ))
}

fn erasure(key: &str, versions: Vec<u64>) -> Result<Erasure, Failure> {
    let words = "KEY: 32 lower-case hex digits, the end of productKeys/…";
    let key = KeyId::parse(key).ok_or_else(|| Failure::new(EXIT_USAGE, words))?;
    Ok(Erasure { key, versions: versions.into_iter().collect() })
}

fn erase(source: &Source, erasure: &Erasure) -> Result<(), Failure> {
    let config = source.read()?;
    let sled = ledger(&config)?;
    let journal = journal::Options::of_sizes(sled.segment_bytes, sled.reserve_bytes);
    let mut progress = Progress::start();
    let done = upkeep::erase(&sled.folder, &options(sled), &journal, erasure, &mut |step| {
        progress.tell(step);
    });
    progress.end();
    let done = done.map_err(|error| failure(&error))?;
    let mut told = format!("erased what lay beside {} events", done.erased);
    if done.already > 0 {
        told.push_str(&format!("; beside {} it was gone before", done.already));
    }
    for copy in &done.copies {
        told.push_str(&format!("\n{} may hold it still: remove it", copy.display()));
    }
    print_line(&told)
}

fn import(source: &Source, file: &Path) -> Result<(), Failure> {
    let config = source.read()?;
    let sled = ledger(&config)?;
    let key = signing_key(&config)?;
    let options = server::journaled(sled, key);
    let mut progress = Progress::start();
    let done = upkeep::import(file, &sled.folder, &options, &SystemRandomness, &mut |step| {
        progress.tell(step);
    });
    progress.end();
    let done = done.map_err(|error| failure(&error))?;
    let (accounts, events) = (done.accounts, done.events);
    let (from, chain) = (done.from_chain_id, done.chain_id);
    print_line(&format!(
        "imported and verified {accounts} accounts with {events} events of chain {from} as chain \
         {chain}"
    ))
}

/// The folder of the ledger that the settings name.
pub(super) fn ledger(config: &Config) -> Result<&SledFolder, Failure> {
    match &config.storage {
        Storage::Sled(sled) => Ok(sled),
        Storage::Memory => {
            Err(Failure::new(EXIT_USAGE, "storage = memory keeps no ledger: name a folder"))
        }
    }
}

fn options(sled: &SledFolder) -> SledOptions {
    SledOptions { cache_bytes: sled.cache_bytes }
}

fn signing_key(config: &Config) -> Result<SigningKey, Failure> {
    let secrets = &config.secrets;
    if let Some(seed) = secrets.receipt_key.as_ref().and_then(secret_bytes) {
        return Ok(SigningKey::from_seed(&seed));
    }
    let Some(folder) = &secrets.development_folder else {
        let words = "secrets.receipt_key: required, 64 hex digits; give secrets.receipt_key_file";
        return Err(Failure::new(EXIT_USAGE, words));
    };
    let made = load_or_make(folder).map_err(|error| Failure::new(EXIT_SYSTEM, error))?;
    Ok(SigningKey::from_seed(&made.receipt_key))
}

/// The key in force, and those that were in force before.
fn trusted(config: &Config) -> Result<TrustedKeys, Failure> {
    let usage = |error: receipt::KeyError| Failure::new(EXIT_USAGE, error);
    let mut trusted = TrustedKeys::default();
    for key in &config.secrets.receipt_public_keys {
        let key: PublicKey = key.parse().map_err(usage)?;
        trusted.trust(key).map_err(usage)?;
    }
    let secrets = &config.secrets;
    // Whoever only checks needs no secret: public keys suffice.
    if secrets.receipt_key.is_some()
        || secrets.development_folder.is_some()
        || secrets.receipt_public_keys.is_empty()
    {
        trusted.trust(signing_key(config)?.public_key()).map_err(usage)?;
    }
    Ok(trusted)
}

fn failure(error: &UpkeepError) -> Failure {
    Failure::new(EXIT_STORAGE, error)
}
