//! Small fleets: what must hold whatever the rates and the policy are.

mod baselines;
mod invariants;
mod papers;

use std::sync::{Arc, LazyLock};

use activation_service::domain::policy::Policy;
use fleet_simulator::fleet::Fleet;
use fleet_simulator::plan::Plan;
use fleet_simulator::play::{Outcome, play};
use fleet_simulator::rates::{Event, Rates};
use fleet_simulator::rules::{Fault, Policies, SALT};
use fleet_simulator::shares::{SHARES, Share, Shares};
use fleet_simulator::tally::{Figures, Tally};
use hardware_evidence::JunkDigests;

static POLICIES: LazyLock<Policies> = LazyLock::new(|| Policies {
    product: Arc::new(Policy::hw_v1(JunkDigests::new(&SALT))),
    variants: Vec::new(),
});

/// A fleet in which everything happens that the tables have.
fn fleet(seed: u64) -> Plan {
    let (rates, shares) = (Rates::table(1_000), Shares::table());
    Plan { computers: 200, years: 2, seed, rates, shares }
}

/// A fleet in which nothing is awkward and nothing happens but these.
fn quiet(events: &[Event]) -> Plan {
    let wanted = [Share::Linux, Share::Ethernet, Share::Tpm, Share::SameBoard, Share::FreshInstall];
    let awkward: Vec<Share> =
        SHARES.iter().map(|part| part.share).filter(|share| !wanted.contains(share)).collect();
    let (rates, shares) = (Rates::table(1_000).only(events), Shares::table());
    Plan { computers: 120, years: 2, seed: 11, rates, shares: shares.with(&awkward, false) }
}

fn played(plan: &Plan) -> Result<Outcome, Fault> {
    play(plan, &POLICIES)
}

/// The figures of a rule; empty ones, which no test takes for good, if there is no such rule.
fn figures(outcome: &Outcome, name: &str) -> Figures {
    let rule = outcome.rules.iter().find(|rule| rule.name == name);
    rule.map(|rule| rule.figures.clone()).unwrap_or_default()
}

/// The figures of a rule over all fleets.
fn overall(outcome: &Outcome, name: &str) -> Tally {
    figures(outcome, name).overall()
}

/// The figures of a rule in one fleet.
fn of(outcome: &Outcome, name: &str, fleet: Fleet) -> Tally {
    figures(outcome, name).by_fleet.remove(&fleet).unwrap_or_default()
}
