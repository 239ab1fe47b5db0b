//! Plots as SVG, drawn from the JSON of runs of the bench.

mod drawing;
mod told;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use xtask::output;

pub use drawing::{Axis, Chart, Kind, Line, draw};
pub use told::Told;

/// The plots, each with the figures that it is drawn from.
type Draw = fn(&Told) -> Option<Chart>;
const PLOTS: [(&str, Draw); 4] = [
    ("rate-against-ledger", Told::rate_against_ledger),
    ("memory-against-ledger", Told::memory_against_ledger),
    ("latency-against-load", Told::latency_against_load),
    ("beside-peers", Told::beside_peers),
];

/// What is drawn, and where.
#[derive(Args)]
pub struct PlotArgs {
    /// JSON of runs; a figure that is in several of them is taken from the last.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The folder of the plots; it is made if it does not exist.
    #[arg(long, value_name = "FOLDER", default_value = "docs/plots")]
    out: PathBuf,
}

/// Draws every plot whose figures are in the files.
///
/// # Errors
/// A file cannot be read, has none of these figures, or a plot cannot be written.
pub fn plot(args: &PlotArgs) -> Result<()> {
    let drawn = plot_all(&args.files, &args.out)?;
    for file in &drawn {
        output::line(&file.display().to_string());
    }
    ensure!(!drawn.is_empty(), "none of growth, latency and peers is in these files");
    Ok(())
}

/// The same; gives the plots that were drawn.
///
/// # Errors
/// As above, but that nothing can be drawn.
pub fn plot_all(files: &[PathBuf], out: &Path) -> Result<Vec<PathBuf>> {
    let mut told = Told::default();
    for file in files {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        told.add(&text).with_context(|| file.display().to_string())?;
    }
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let mut drawn = Vec::new();
    for (name, chart) in PLOTS {
        let Some(chart) = chart(&told) else { continue };
        let file = out.join(format!("{name}.svg"));
        std::fs::write(&file, draw(&chart)?).with_context(|| file.display().to_string())?;
        drawn.push(file);
    }
    Ok(drawn)
}

#[cfg(test)]
mod tests;
