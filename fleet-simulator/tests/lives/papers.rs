//! docs/fleet.md says what is simulated: every rate and every share with its source.

use fleet_simulator::fleet::Fleet;
use fleet_simulator::rates::RATES;
use fleet_simulator::shares::SHARES;

const PAPER: &str = include_str!("../../../docs/fleet.md");

/// A row of a table of the paper; the figures are hundredths.
fn row(name: &str, figures: &[u32; 6], source: &str) -> String {
    let figures = figures.map(|figure| (f64::from(figure) / 100.0).to_string()).join(" | ");
    format!("| {name} | {figures} | {source} |")
}

#[test]
fn the_paper_has_every_rate_and_every_share_as_they_are_played() {
    let rates = RATES.iter().map(|rate| row(rate.name, &rate.yearly, rate.source));
    let shares = SHARES.iter().map(|part| row(part.name, &part.of_10_000, part.source));
    let lines: Vec<&str> = PAPER.lines().collect();
    let missing: Vec<String> =
        rates.chain(shares).filter(|row| !lines.contains(&row.as_str())).collect();
    assert!(missing.is_empty(), "docs/fleet.md has not:\n{}", missing.join("\n"));
}

#[test]
fn the_paper_explains_every_source_and_has_every_kind_of_fleet() {
    let named = RATES.iter().map(|rate| rate.source).chain(SHARES.iter().map(|part| part.source));
    let sources = named.flat_map(|source| source.split('[').skip(1));
    let mut sources: Vec<&str> = sources.filter_map(|rest| rest.split(']').next()).collect();
    sources.sort_unstable();
    sources.dedup();
    assert!(sources.len() > 5, "{sources:?}");
    for source in sources {
        assert!(PAPER.contains(&format!("\n| {source} | ")), "nothing says what {source} is");
    }
    for fleet in Fleet::ALL {
        assert!(
            PAPER.contains(&format!("\n| {} | ", fleet.name())),
            "{} has no figures",
            fleet.name()
        );
    }
}
