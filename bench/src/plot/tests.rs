//! Plots of runs whose figures are known: each is well formed and carries them.

use super::*;

/// A figure as a run of the bench writes it.
fn figure(rate: f64, p99_us: u64, rss_mib: f64) -> crate::figure::Figure {
    use crate::figure::Spread;
    let spread = |median: f64| Spread { median, min: median, max: median };
    let mut figure = crate::figure::Figure {
        about: "a < b & \"c\"".to_owned(),
        rate: spread(rate),
        noop_rate: spread(40_000.0),
        p50_us: 1_500,
        p99_us,
        p999_us: 98_000,
        verified: true,
        ..crate::figure::Figure::default()
    };
    figure.add("rss_mib", rss_mib);
    figure
}

/// A file of a run with these figures.
fn run(folder: &Path, name: &str, figures: &[(&str, crate::figure::Figure)]) -> Result<PathBuf> {
    let mut report = crate::report::Report::begin(1, "cargo xtask bench");
    for (name, figure) in figures {
        report.add(name, figure.clone());
    }
    let file = folder.join(name);
    report.write(&file)?;
    Ok(file)
}

/// The texts of an SVG, after every element in it was found closed in its order.
fn texts(svg: &str) -> Result<Vec<String>> {
    let (mut open, mut texts, mut rest) = (Vec::new(), Vec::new(), svg);
    while let Some((text, after)) = rest.split_once('<') {
        let (tag, after) = after.split_once('>').context("an element that ends")?;
        ensure!(!text.contains('>') && !tag.contains('<'), "{text}<{tag}");
        if !text.trim().is_empty() {
            texts.push(text.trim().to_owned());
        }
        let name = |tag: &str| tag.split_whitespace().next().unwrap_or_default().to_owned();
        match tag.strip_prefix('/') {
            Some(closed) => ensure!(open.pop().as_deref() == Some(closed), "</{closed}>"),
            None if tag.ends_with('/') || tag.starts_with(['?', '!']) => {}
            None => open.push(name(tag)),
        }
        ensure!(tag.matches('"').count().is_multiple_of(2), "{tag}");
        rest = after;
    }
    ensure!(open.is_empty() && rest.trim().is_empty(), "{open:?} stay open");
    ensure!(svg.trim_start().starts_with("<svg"), "an SVG");
    Ok(texts)
}

fn read(file: &Path) -> Result<Vec<String>> {
    let svg = std::fs::read_to_string(file)?;
    texts(&svg).with_context(|| file.display().to_string())
}

#[test]
fn every_plot_is_well_formed_and_carries_its_figures() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let growth = [
        ("growth_100000", figure(21_500.0, 9_000, 180.0)),
        ("growth_10000000", figure(19_700.0, 9_500, 512.0)),
        ("growth", figure(1.0, 1, 1.0)),
    ];
    let latency =
        [("latency_50", figure(9_000.0, 4_250, 1.0)), ("latency_80", figure(9_000.0, 31_700, 1.0))];
    let peers = [("peers_postgresql", figure(20_400.0, 1, 1.0))];
    let files = [
        run(folder.path(), "a.json", &growth)?,
        run(folder.path(), "b.json", &latency)?,
        run(folder.path(), "c.json", &peers)?,
    ];
    let out = folder.path().join("plots");
    let drawn = plot_all(&files, &out)?;
    let names: Vec<_> = drawn.iter().filter_map(|file| file.file_stem()?.to_str()).collect();
    assert_eq!(names, PLOTS.map(|(name, _)| name));
    for (file, told) in drawn.iter().zip([
        ["21.5 k", "19.7 k", "40 k", "Rate against the size of the ledger"],
        ["180", "512", "RSS in MiB", "under load"],
        ["4.25", "31.7", "98", "p99.9"],
        ["ours: 20.4 k", "postgresql: 40 k", "a second", "20 k"],
    ]) {
        let texts = read(file)?;
        for told in told {
            assert!(texts.iter().any(|text| text == told), "{told} in {texts:?}");
        }
    }
    Ok(())
}

#[test]
fn a_later_run_counts_and_what_is_not_verified_is_no_figure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let unverified = crate::figure::Figure { verified: false, ..figure(7.0, 1, 1.0) };
    let files = [
        run(folder.path(), "a.json", &[("growth_100", figure(111.0, 1, 1.0))])?,
        run(folder.path(), "b.json", &[("growth_100", figure(222.0, 1, 1.0))])?,
        run(folder.path(), "c.json", &[("growth_100", unverified.clone())])?,
    ];
    let drawn = plot_all(&files, folder.path())?;
    let texts = read(drawn.first().context("a plot")?)?;
    assert!(texts.contains(&"222".to_owned()) && !texts.contains(&"111".to_owned()), "{texts:?}");
    let nothing = run(folder.path(), "d.json", &[("peers_etcd", unverified)])?;
    assert!(plot_all(&[nothing], folder.path())?.is_empty());
    Ok(())
}

#[test]
fn what_is_no_report_is_told_with_its_file() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("notes.json");
    std::fs::write(&file, r#"{"growth_5": {"rate": 3}}"#)?;
    let error = plot_all(&[file], folder.path()).expect_err("no report");
    assert!(format!("{error:#}").contains("notes.json"), "{error:#}");
    Ok(())
}
