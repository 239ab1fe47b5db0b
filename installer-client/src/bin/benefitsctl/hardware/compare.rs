//! `hardware compare`: what a service would decide between two computers, and why.

use hardware_evidence::hw_v1::{self, HwV1};
use hardware_evidence::matching::KindVerdict;
use hardware_evidence::{ComponentKind, Evidence, JunkDigests};
use installer_client::{Explained, OfflineVerdict, RecordedComputer, explain};
use serde_json::{Value, json};

use super::{STDIN, read, salt_of_file, show};
use crate::args::HardwareCompareArgs;
use crate::error::CliError;
use crate::names;
use crate::output::Printer;

pub(super) fn run(args: &HardwareCompareArgs, printer: &Printer) -> Result<(), CliError> {
    let stdin = std::path::Path::new(STDIN);
    if args.baseline == stdin && args.report == stdin {
        return Err(CliError::Usage("one of the two can be standard input, not both".into()));
    }
    let salt = args.salt_file.as_deref().map(salt_of_file).transpose()?;
    let recorded = |path: &std::path::Path| {
        let fault = |fault| CliError::Recorded { path: path.to_owned(), fault };
        RecordedComputer::read(&read(path)?).map_err(fault)
    };
    let (baseline, report) = (recorded(&args.baseline)?, recorded(&args.report)?);
    let fault = |fault| CliError::Recorded { path: args.report.clone(), fault };
    let (baseline, report) = baseline.comparable(&report, salt.as_ref()).map_err(fault)?;
    let rule = HwV1::new(salt.as_ref().map(JunkDigests::new));
    let explained = explain(&rule, &baseline, &report, args.handle_allowed);
    if printer.wants_json()? {
        return printer.json(&as_json(&explained, &baseline, &report));
    }
    let comparison = &explained.comparison;
    printer.fields(&[
        ("decision", explained.verdict.name().to_owned()),
        ("because", because(&explained)),
        ("score", format!("{} %, {} % are needed", comparison.score(), hw_v1::THRESHOLDS.percent)),
        (
            "points matched",
            format!("{} of {} comparable", comparison.matched, comparison.comparable),
        ),
        (
            "points of A, of B",
            format!("{}, {}", explained.baseline.points, explained.report.points),
        ),
        ("anchors matched", format!("{}, {} points", comparison.anchors, comparison.anchor_points)),
        ("other installation", names::yes_no(explained.other_installation)),
        ("policy", hw_v1::VERSION.to_owned()),
    ])?;
    printer.table(
        &["KIND", "VERDICT", "POINTS", "ANCHOR", "A", "B"],
        &rows(&explained, &baseline, &report),
    )
}

/// The rule that decided, in a sentence.
fn because(explained: &Explained) -> String {
    let (comparison, lines) = (&explained.comparison, hw_v1::THRESHOLDS);
    let (matched, comparable) = (comparison.matched, comparison.comparable);
    let points_min = lines.points_min;
    match explained.verdict {
        OfflineVerdict::SameComputer { .. } if comparison.handle == Some(true) => {
            "both carry the same handle, which suffices alone".to_owned()
        }
        OfflineVerdict::SameComputer { weak: false } => format!(
            "an anchor matches, and {matched} of {comparable} comparable points do, at least {} %",
            lines.percent
        ),
        OfflineVerdict::SameComputer { weak: true } => format!(
            "enough matches, but on one anchor and fewer than {} points: good {} times a count",
            lines.weak_comparable_points,
            hw_v1::WEAK_MATCHES_MAX
        ),
        OfflineVerdict::SignificantChange => format!(
            "anchors of {} points match, but less than {} % of the comparable points",
            comparison.anchor_points, lines.percent
        ),
        OfflineVerdict::NewComputer if comparison.handle == Some(false) => {
            "the two carry different handles".to_owned()
        }
        OfflineVerdict::NewComputer => {
            format!("no anchors of at least {} points match", lines.anchor_points_min)
        }
        OfflineVerdict::ReportTooSmall => format!(
            "B shows {} points and {} anchors; an anchor and {points_min} points are needed: run \
             as administrator, or have an operator assign a handle",
            explained.report.points, explained.report.anchors
        ),
        OfflineVerdict::ComparableTooSmall => format!(
            "an anchor matches, but only {comparable} points can be compared; {points_min} and \
             half of A's {} are needed: run as administrator",
            comparison.baseline_points
        ),
    }
}

fn verdict(verdict: KindVerdict) -> &'static str {
    match verdict {
        KindVerdict::Matched => "matched",
        KindVerdict::Changed => "changed",
        KindVerdict::Absent => "absent",
        KindVerdict::Junk => "junk",
    }
}

fn rows(explained: &Explained, baseline: &Evidence, report: &Evidence) -> Vec<Vec<String>> {
    let row = |(kind, found): &(ComponentKind, KindVerdict)| {
        vec![
            kind.name().to_owned(),
            verdict(*found).to_owned(),
            hw_v1::points(*kind).to_string(),
            names::yes_no(hw_v1::is_anchor(*kind)),
            show::state(baseline.finding(*kind)).to_owned(),
            show::state(report.finding(*kind)).to_owned(),
        ]
    };
    explained.kinds.iter().map(row).collect()
}

fn as_json(explained: &Explained, baseline: &Evidence, report: &Evidence) -> Value {
    let comparison = &explained.comparison;
    let kind = |(kind, found): &(ComponentKind, KindVerdict)| {
        json!({
            "kind": kind.name(),
            "verdict": verdict(*found),
            "points": hw_v1::points(*kind),
            "anchor": hw_v1::is_anchor(*kind),
            "baseline": show::state(baseline.finding(*kind)),
            "report": show::state(report.finding(*kind)),
        })
    };
    let lines = hw_v1::THRESHOLDS;
    json!({
        "policyVersion": hw_v1::VERSION,
        "verdict": explained.verdict.name(),
        "because": because(explained),
        "weak": explained.verdict == OfflineVerdict::SameComputer { weak: true },
        "otherInstallation": explained.other_installation,
        "score": comparison.score(),
        "threshold": lines.percent,
        "matchedPoints": comparison.matched,
        "comparablePoints": comparison.comparable,
        "comparablePointsMin": lines.points_min.max(comparison.baseline_points.div_ceil(2)),
        "baselinePoints": explained.baseline.points,
        "reportPoints": explained.report.points,
        "anchorsMatched": comparison.anchors,
        "anchorPointsMatched": comparison.anchor_points,
        "kinds": explained.kinds.iter().map(kind).collect::<Vec<_>>(),
    })
}
