//! The figures as JSON for machines and as a table for people.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use xtask::output;

use crate::cpu;
use crate::figure::{Bar, Figure, Spread};

/// All figures of a run of the bench.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What they were made on and with.
    about: BTreeMap<String, serde_json::Value>,
    /// The figures by name, beside it.
    #[serde(flatten)]
    figures: BTreeMap<String, Figure>,
}

impl Report {
    /// An empty report of this machine.
    #[must_use]
    pub fn begin(seed: u64, command: &str) -> Self {
        let mut about = BTreeMap::new();
        about.insert("command".to_owned(), command.into());
        about.insert("processors".to_owned(), cpu::processors().into());
        about.insert("processor".to_owned(), processor().into());
        about.insert("seed".to_owned(), seed.into());
        Self { about, figures: BTreeMap::new() }
    }

    /// Adds a figure and tells it.
    pub fn add(&mut self, name: &str, figure: Figure) {
        tell(name, &figure);
        self.figures.insert(name.to_owned(), figure);
    }

    /// Writes the JSON.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(file, text).with_context(|| file.display().to_string())
    }

    /// Tells all figures in a table.
    pub fn summarise(&self) {
        output::line("");
        let head = ["figure", "ratio (min-max)", "bar", ""];
        output::line(&row(head.map(str::to_owned)));
        for (name, figure) in &self.figures {
            let lines = [
                (name.clone(), Some(figure.ratio_to_noop), figure.bar, figure.is_met),
                (
                    format!("{name}, best"),
                    figure.best_ratio_to_noop,
                    figure.best_bar,
                    figure.is_best_met,
                ),
            ];
            for (name, ratio, bar, is_met) in lines {
                let Some(ratio) = ratio else { continue };
                let refusals = figure.more.get("refusals").copied().unwrap_or_default();
                let verdict = match is_met {
                    _ if !figure.verified => "NOT VERIFIED",
                    Some(true) => "met",
                    Some(false) => "missed",
                    None => "",
                };
                let bar = bar.map_or_else(String::new, shown_bar);
                let refused =
                    if refusals > 0.0 { format!(" {refusals:.0} refused") } else { String::new() };
                output::line(&row([name, shown(ratio), bar, format!("{verdict}{refused}")]));
            }
        }
    }
}

fn tell(name: &str, figure: &Figure) {
    let ratio = shown(figure.ratio_to_noop);
    output::line(&format!("{name}: {}", figure.about));
    output::line(&format!("  ratio {ratio}"));
    if let Some(best) = figure.best_ratio_to_noop {
        output::line(&format!("  ratio at its best {}", shown(best)));
    }
    let (rate, noop) = (figure.rate.median, figure.noop_rate.median);
    output::line(&format!("  {rate:.0} a second beside {noop:.0}"));
    output::line(&format!(
        "  p50 {} p99 {} p99.9 {} us beside {} {} {}",
        figure.p50_us,
        figure.p99_us,
        figure.p999_us,
        figure.noop_p50_us,
        figure.noop_p99_us,
        figure.noop_p999_us
    ));
    let more: Vec<_> = figure.more.iter().map(|(name, it)| format!("{name} {it:.2}")).collect();
    output::line(&format!("  {}", more.join(", ")));
}

fn shown(spread: Spread) -> String {
    format!("{:.2} ({:.2}-{:.2})", spread.median, spread.min, spread.max)
}

fn shown_bar(bar: Bar) -> String {
    match bar {
        Bar::AtLeast(least) => format!(">= {least:.2}"),
        Bar::AtMost(most) => format!("<= {most:.2}"),
    }
}

fn row([name, ratio, bar, verdict]: [String; 4]) -> String {
    format!("{name:<28} {ratio:>20} {bar:>8}  {verdict}")
}

/// The model of the processor, as Linux tells it.
fn processor() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = told.lines().find(|line| line.starts_with("model name"));
    let model = line.and_then(|line| line.split_once(':'));
    model.map_or_else(String::new, |(_, model)| model.trim().to_owned())
}
