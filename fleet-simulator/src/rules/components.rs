//! Peers that register a set of component values and ask how many of a report's values are in it,
//! as Keygen does.
//!
//! Keygen finds the machine by a fingerprint of its own first and then asks its components; here
//! the best of all machines is taken, which spares it every error of that fingerprint. `MATCH_MOST`
//! is half of what was reported, rounded up, as in its source.

use hardware_evidence::ComponentKind as Kind;

use super::{Answer, Fault, Report, Rule};
use crate::dice::mix;

/// How many values must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchingStrategy {
    /// One.
    Any,
    /// Two.
    Two,
    /// Half of those reported.
    Most,
    /// All of those reported.
    All,
}

impl MatchingStrategy {
    /// The baselines: each strategy with all hardware values, and with values of one unit only.
    pub const ALL: [(&'static str, Self, bool); 8] = [
        ("keygen_any", Self::Any, false),
        ("keygen_two", Self::Two, false),
        ("keygen_most", Self::Most, false),
        ("keygen_all", Self::All, false),
        ("keygen_any_unit_values", Self::Any, true),
        ("keygen_two_unit_values", Self::Two, true),
        ("keygen_most_unit_values", Self::Most, true),
        ("keygen_all_unit_values", Self::All, true),
    ];

    /// Least matches of so many reported values.
    #[must_use]
    pub const fn needed(self, reported: usize) -> usize {
        match self {
            Self::Any => 1,
            Self::Two => 2,
            Self::Most => reported.div_ceil(2),
            Self::All => reported,
        }
    }
}

/// A key that knows computers by sets of values.
pub struct Registered {
    strategy: MatchingStrategy,
    unit_kinds_only: bool,
    machines: Vec<Vec<u64>>,
}

impl Registered {
    /// A fresh key.
    #[must_use]
    pub const fn new(strategy: MatchingStrategy, unit_kinds_only: bool) -> Self {
        Self { strategy, unit_kinds_only, machines: Vec::new() }
    }

    /// The values of a report that are components, each as a number, sorted.
    fn fingerprints(&self, report: &Report) -> Vec<u64> {
        let is_component = |kind: Kind| match kind {
            Kind::BoardSerial | Kind::SystemUuid | Kind::OsDisk | Kind::Nic => true,
            Kind::TpmEk | Kind::ChassisSerial => true,
            Kind::BoardModel | Kind::Cpu | Kind::Gpu | Kind::RamRange => !self.unit_kinds_only,
            Kind::OsInstallId | Kind::BiosVersion | Kind::OperatorHandle => false,
        };
        let components = report.reading.values.iter().filter(|(kind, _)| is_component(*kind));
        let mut all: Vec<u64> = components.map(|(kind, value)| number(*kind, value)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl Rule for Registered {
    fn answer(&mut self, report: &Report) -> Result<Answer, Fault> {
        let reported = self.fingerprints(report);
        if reported.is_empty() {
            return Ok(Answer::Refused);
        }
        let needed = self.strategy.needed(reported.len());
        let matching = |machine: &Vec<u64>| {
            reported.iter().filter(|value| machine.binary_search(value).is_ok()).count()
        };
        if self.machines.iter().any(|machine| matching(machine) >= needed) {
            return Ok(Answer::NotCounted);
        }
        self.machines.push(reported);
        Ok(Answer::Counted)
    }
}

/// A number for a value of a kind; that two values share one is not to be expected.
fn number(kind: Kind, value: &str) -> u64 {
    value.bytes().fold(mix(u64::from(kind.number())), |all, byte| mix(all ^ u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use activation_service::domain::terms::Platform;

    use super::*;
    use crate::reading::Reading;

    fn report(serial: &str, disk: &str, address: &str) -> Report {
        let values = vec![
            (Kind::BoardSerial, serial.to_owned()),
            (Kind::OsDisk, disk.to_owned()),
            (Kind::Nic, address.to_owned()),
        ];
        let reading = Reading { values, active_address: None };
        Report::new(reading, Platform::Linux).expect("evidence")
    }

    #[test]
    fn each_strategy_asks_for_its_number_of_matches() {
        let address = ["a4:bb:6d:00:00:01", "a4:bb:6d:00:00:02"];
        let known = report("B1234", "D1234", address[0]);
        let by_matches = [
            report("B9", "D9", address[1]),
            report("B1234", "D9", address[1]),
            report("B1234", "D1234", address[1]),
            known.clone(),
        ];
        for (strategy, least) in [
            (MatchingStrategy::Any, 1),
            (MatchingStrategy::Two, 2),
            (MatchingStrategy::Most, 2),
            (MatchingStrategy::All, 3),
        ] {
            for (matches, report) in by_matches.iter().enumerate() {
                let mut rule = Registered::new(strategy, false);
                assert_eq!(rule.answer(&known).expect("answer"), Answer::Counted);
                let expected = if matches >= least { Answer::NotCounted } else { Answer::Counted };
                assert_eq!(rule.answer(report).expect("answer"), expected, "{strategy:?}");
            }
        }
    }
}
