//! `cargo xtask instructions`: what the parts of an activation cost in instructions, which are the
//! same on a busy machine and on an idle one, beside what is recorded in the repository.

mod counter;
mod record;

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use clap::Args;

use crate::output;
use crate::process::{cargo, root, run};
pub use counter::ensure_instrument;
use record::{Judgement, Record};

/// The parts, how many rounds of each are counted, and what they are.
const PARTS: [(&str, u32, &str); 7] = [
    ("decide", 250, "decided, on a key of 5 computers"),
    ("decide-5000", 250, "decided, on a key of 5,000 computers"),
    ("record", 250, "decided and taken in by a copy, 5 computers"),
    ("record-5000", 250, "decided and taken in by a copy, 5,000"),
    ("encode", 20, "encoded as a leaf, sealed, its receipt encoded"),
    ("commit", 20, "the same, in the journal and visible"),
    ("activate", 12, "Activate, from a request's bytes to its answer's"),
];
/// Parts with few computers and with many, of which the latter cost at most twice as much.
const PAIRS: [[&str; 2]; 2] = [["decide", "decide-5000"], ["record", "record-5000"]];
/// Most that a large key may cost, in hundredths of a small one.
const RATIO_PERCENT_MAX: u64 = 200;

/// What is counted.
#[derive(Args, Default)]
pub struct InstructionsArgs {
    /// Write what is counted down as the new record, in `bench/instructions.json`.
    #[arg(long)]
    record: bool,
}

/// Counts with valgrind, and fails where a part costs more than 5 % more than is recorded, or where
/// the large key costs more than twice as much.
///
/// # Errors
/// valgrind is missing, something does not build, or a part is above its bar.
pub fn run_instrument(args: &InstructionsArgs) -> Result<()> {
    ensure_instrument()?;
    let example = ["build", "--locked", "--profile", "counted", "-p", "activation-service"];
    run(cargo().args(example).args(["--example", "counted"]))?;
    let program = root().join("target/counted/examples/counted");
    let mut counted = Vec::new();
    for (part, rounds, _) in PARTS {
        counted.push((part, counter::counted(&program, part, rounds)?));
    }
    for [few, many] in PAIRS {
        let of = |part| counted.iter().find(|(name, _)| *name == part).map_or(0, |(_, it)| *it);
        let (small, large) = (of(few), of(many));
        let is_met = large * 100 <= small * RATIO_PERCENT_MAX;
        ensure!(is_met, "{many} costs {large} instructions, more than twice the {small} of {few}");
    }
    if args.record {
        Record::of(&counted)?.write(&file())?;
        output::line(&format!("recorded in {}", file().display()));
        return Ok(());
    }
    compare(&Record::read(&file())?, &counted)
}

fn file() -> PathBuf {
    root().join("bench").join("instructions.json")
}

/// Tells every part, and fails where one is dearer than it may be.
fn compare(record: &Record, counted: &[(&str, u64)]) -> Result<()> {
    let heads = ("instructions of", "recorded", "now", "change");
    output::line(&format!("{:<52}{:>10}{:>10}{:>9}", heads.0, heads.1, heads.2, heads.3));
    let (mut worse, mut better) = (Vec::new(), false);
    for ((part, now), (_, _, about)) in counted.iter().zip(PARTS) {
        let recorded = record.instructions(part)?;
        let change = (*now as f64 / recorded.max(1) as f64 - 1.0) * 100.0;
        output::line(&format!("{about:<52}{recorded:>10}{now:>10}{change:>+8.1}%"));
        match record::judge(recorded, *now) {
            Judgement::Worse => worse.push(*part),
            Judgement::Better => better = true,
            Judgement::Same => {}
        }
    }
    if let Some(other) = record.other_compiler()? {
        output::line(&format!("the record is of another compiler: {other}"));
    }
    if !worse.is_empty() {
        let parts = worse.join(", ");
        bail!(
            "more than 5 % dearer than recorded: {parts}. If it is worth that, record it with \
             `cargo xtask instructions --record` and say why in the change"
        );
    }
    if better {
        output::line("more than 5 % cheaper: keep it with `cargo xtask instructions --record`");
    }
    Ok(())
}
