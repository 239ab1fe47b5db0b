//! The explanation of a decision as the API shows it.

use proto::activation::v1 as pb;

use crate::domain::event::{Explanation, Outcome};
use crate::domain::matching::KindVerdict;
use crate::domain::policy::Rules;

/// The domain has left out already what the caller may not learn. An earlier decision may be of a
/// policy whose points are not known here any more.
pub(super) fn explanation(rules: &Rules, explanation: Explanation) -> pb::Explanation {
    let version = &explanation.policy_version;
    let kinds = explanation.kinds.into_iter().map(|(kind, verdict)| pb::KindExplanation {
        kind: i32::from(kind.number()),
        verdict: verdict_number(verdict),
        points: rules.points_under(version, kind).unwrap_or_default(),
    });
    let kinds = kinds.collect();
    pb::Explanation {
        policy_version: explanation.policy_version,
        score: explanation.score,
        threshold: explanation.threshold,
        kinds,
        weak: explanation.weak,
        clone_suspected: explanation.clone_suspected,
    }
}

pub(super) fn outcome_number(outcome: Outcome) -> i32 {
    wire_outcome(outcome).into()
}

/// The name of the outcome on the metrics page, without the prefix of the enumeration.
pub(super) fn outcome_name(outcome: Outcome) -> &'static str {
    wire_outcome(outcome).as_str_name().trim_start_matches("ACTIVATION_OUTCOME_")
}

const fn wire_outcome(outcome: Outcome) -> pb::ActivationOutcome {
    match outcome {
        Outcome::CountedNewComputer => pb::ActivationOutcome::CountedNewComputer,
        Outcome::NotCountedSameComputer => pb::ActivationOutcome::NotCountedSameComputer,
        Outcome::CountedSignificantChange => pb::ActivationOutcome::CountedSignificantChange,
        Outcome::CountedEveryActivation => pb::ActivationOutcome::CountedEveryActivation,
    }
}

fn verdict_number(verdict: KindVerdict) -> i32 {
    match verdict {
        KindVerdict::Matched => pb::KindVerdict::Matched,
        KindVerdict::Changed => pb::KindVerdict::Changed,
        KindVerdict::Absent => pb::KindVerdict::Absent,
        KindVerdict::Junk => pb::KindVerdict::Junk,
    }
    .into()
}
