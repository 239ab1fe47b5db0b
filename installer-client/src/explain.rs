//! What a service would decide on one computer after it has counted another, explained without one.

use hardware_evidence::matching::{self, Comparison, KindVerdict, Relation, Rule, Worth};
use hardware_evidence::{ComponentKind, Evidence, Finding};

/// The decision between two computers, on a key that holds a count of the first one alone and
/// tolerates changes of hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfflineVerdict {
    /// The same computer without significant change: not counted.
    SameComputer {
        /// It rests on one anchor and little else, which is good a few times for each count.
        weak: bool,
    },
    /// The same computer with significant changes: counted once more.
    SignificantChange,
    /// Another computer: counted.
    NewComputer,
    /// The second computer shows too little by itself.
    ReportTooSmall,
    /// They share an anchor, and too little of them can be compared.
    ComparableTooSmall,
}

/// A decision with all that it rests on.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The decision.
    pub verdict: OfflineVerdict,
    /// The comparison.
    pub comparison: Comparison,
    /// What the first computer is worth by itself.
    pub baseline: Worth,
    /// What the second computer is worth by itself.
    pub report: Worth,
    /// Each kind, where a placeholder is told from what is missing.
    pub kinds: Vec<(ComponentKind, KindVerdict)>,
    /// The same computer with another installation of the operating system. It was installed again,
    /// or else it is a clone; which, only the history tells, in which clones take turns.
    pub other_installation: bool,
}

impl OfflineVerdict {
    /// The outcome or the reason of the refusal, as the API has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SameComputer { .. } => "NOT_COUNTED_SAME_COMPUTER",
            Self::SignificantChange => "COUNTED_SIGNIFICANT_CHANGE",
            Self::NewComputer => "COUNTED_NEW_COMPUTER",
            Self::ReportTooSmall | Self::ComparableTooSmall => "INSUFFICIENT_EVIDENCE",
        }
    }
}

/// Compares a computer, as it was counted, with one as it shows itself now.
#[must_use]
pub fn explain(
    rule: &impl Rule,
    baseline: &Evidence,
    report: &Evidence,
    handle_allowed: bool,
) -> Explained {
    let (counted, shown) = (baseline.components(), report.components());
    let comparison = matching::compare(rule, counted.as_slice(), shown.as_slice(), handle_allowed);
    let worth = matching::worth(rule, shown.as_slice(), handle_allowed);
    let verdict = verdict(rule, &comparison, worth);
    let kinds = comparison.kinds.iter().map(|(kind, verdict)| {
        (*kind, with_junk(*verdict, baseline.finding(*kind), report.finding(*kind)))
    });
    let changed = comparison.kinds.contains(&(ComponentKind::OsInstallId, KindVerdict::Changed));
    Explained {
        verdict,
        baseline: matching::worth(rule, counted.as_slice(), handle_allowed),
        report: worth,
        kinds: kinds.collect(),
        other_installation: changed && matches!(verdict, OfflineVerdict::SameComputer { .. }),
        comparison,
    }
}

/// The order of the service: enough by itself, then unchanged, then too little to compare, then
/// changed, then new.
fn verdict(rule: &impl Rule, comparison: &Comparison, report: Worth) -> OfflineVerdict {
    let enough = report.is_enough(rule);
    if !enough && !report.handle {
        return OfflineVerdict::ReportTooSmall;
    }
    if !comparison.anchored() || (comparison.handle.is_none() && !enough) {
        return OfflineVerdict::NewComputer;
    }
    match comparison.relation(rule) {
        Relation::Unchanged { weak } => OfflineVerdict::SameComputer { weak },
        Relation::Changed => OfflineVerdict::SignificantChange,
        // A handle suffices alone, so too little hardware beside it is no obstacle.
        Relation::TooLittle if report.handle => OfflineVerdict::NewComputer,
        Relation::TooLittle => OfflineVerdict::ComparableTooSmall,
        Relation::Unrelated => OfflineVerdict::NewComputer,
    }
}

/// A client sends no junk, so the comparison takes it for absent; who has both computers at hand
/// can tell.
fn with_junk(verdict: KindVerdict, baseline: &Finding, report: &Finding) -> KindVerdict {
    match (verdict, report, baseline) {
        (KindVerdict::Absent, Finding::Junk, _)
        | (KindVerdict::Absent, Finding::Present(_), Finding::Junk) => KindVerdict::Junk,
        (verdict, ..) => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Profile, RECORDED_DESKTOP};
    use ComponentKind as K;
    use hardware_evidence::DeploymentSalt;
    use hardware_evidence::hw_v1::HwV1;

    fn desktop() -> Profile {
        Profile::from_json(RECORDED_DESKTOP).unwrap()
    }

    fn between(baseline: &Profile, report: &Profile, handle_allowed: bool) -> Explained {
        let salt = DeploymentSalt::new([0; 32]);
        let evidence = |profile: &Profile| profile.evidence(&salt).unwrap();
        explain(&HwV1::new(None), &evidence(baseline), &evidence(report), handle_allowed)
    }

    #[test]
    fn each_decision_has_its_case() {
        let same = OfflineVerdict::SameComputer { weak: false };
        let swapped = |kinds: &[K]| {
            kinds.iter().fold(desktop(), |profile, kind| {
                let other = match kind {
                    K::Nic => "a4:c3:f0:00:00:01",
                    K::SystemUuid => "4c4c4544-0042-3510-8056-b4c04f564a32",
                    K::TpmEk => "1d1c7a0e93b84f26e1a07b5c48d2936f0b8e6d4a7c15f3920e4b8d6a1f7c3052",
                    _ => "ANOTHER-1",
                };
                profile.with(*kind, [other])
            })
        };
        let board = [K::BoardSerial, K::SystemUuid, K::Nic, K::TpmEk];
        let only = |kind: K| Profile::new().with(kind, desktop().raw(kind).to_vec());
        for (report, verdict, score) in [
            (desktop(), same, 100),
            (swapped(&[K::OsDisk]), same, 80),
            (swapped(&board), OfflineVerdict::SignificantChange, 41),
            (swapped(&[&board[..], &[K::OsDisk]].concat()), OfflineVerdict::NewComputer, 21),
            (only(K::BoardSerial), OfflineVerdict::ReportTooSmall, 100),
            (
                only(K::BoardSerial).with(K::Cpu, desktop().raw(K::Cpu).to_vec()),
                OfflineVerdict::ComparableTooSmall,
                100,
            ),
        ] {
            let explained = between(&desktop(), &report, false);
            assert_eq!((explained.verdict, explained.comparison.score()), (verdict, score));
        }
    }

    #[test]
    fn junk_on_either_side_is_told_from_absence() {
        let kind = K::BoardSerial;
        let (junk, absent) = (desktop().with(kind, ["None"]), desktop().without(kind));
        for (baseline, report, verdict) in [
            (desktop(), junk.clone(), KindVerdict::Junk),
            (junk.clone(), desktop(), KindVerdict::Junk),
            (junk.clone(), junk.clone(), KindVerdict::Junk),
            (absent.clone(), junk, KindVerdict::Junk),
            (desktop(), absent, KindVerdict::Absent),
            (desktop(), desktop(), KindVerdict::Matched),
        ] {
            assert!(between(&baseline, &report, false).kinds.contains(&(kind, verdict)));
        }
    }

    #[test]
    fn handles_decide_only_where_they_are_allowed() {
        let here = Profile::new().with_operator_handle("rack-7");
        let other = desktop().with_operator_handle("rack-8");
        let explained = between(&here, &here, true);
        assert_eq!(explained.verdict, OfflineVerdict::SameComputer { weak: false });
        assert_eq!(between(&here, &here, false).verdict, OfflineVerdict::ReportTooSmall);
        let both = desktop().with_operator_handle("rack-7");
        assert_eq!(between(&both, &other, true).verdict, OfflineVerdict::NewComputer);
    }

    #[test]
    fn another_installation_on_the_same_hardware_is_noted() {
        let again = desktop().with(K::OsInstallId, ["c0a4f3c1d2e54768899aabbccddeeff0"]);
        let explained = between(&desktop(), &again, false);
        assert!(explained.other_installation);
        assert_eq!(explained.comparison.score(), 100);
        assert!(!between(&desktop(), &desktop(), false).other_installation);
    }
}
