//! `check`: whether a content folder can be served, before anybody serves it.

use std::path::PathBuf;

use clap::Args;

use super::settings::print_line;
use super::{EXIT_NOT_GOOD, Failure};
use crate::storage::files;

/// What is checked.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The folder.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn run(args: &CheckArgs) -> Result<(), Failure> {
    match files::check(&args.folder) {
        Ok(content) => print_line(&format!(
            "in order: {} families, {} products, {} offers",
            content.families().len(),
            content.products().len(),
            content.offers().len()
        )),
        Err(faults) => {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            print_line(&lines.join("\n"))?;
            Err(Failure::new(EXIT_NOT_GOOD, format!("{} faults", faults.len())))
        }
    }
}
