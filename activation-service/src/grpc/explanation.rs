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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_named_alike_inside_and_on_the_wire() {
        for number in 1..=4 {
            let outcome = Outcome::from_number(number).expect("an outcome");
            let wire = pb::ActivationOutcome::try_from(outcome_number(outcome)).expect("a value");
            assert_eq!(wire.as_str_name(), format!("ACTIVATION_OUTCOME_{}", outcome.name()));
        }
        assert_eq!(Outcome::from_number(5), None, "a new outcome needs a place here");
    }
}
