//! Sums, determinism, and what cannot be wrong where nothing happens.

use std::error::Error;

use fleet_simulator::fleet::Fleet;
use fleet_simulator::rates::{Event, Rates};
use fleet_simulator::report::Report;
use fleet_simulator::rules::{Fault, PRODUCT};
use fleet_simulator::tally::Tally;
use serde_json::Value;

use super::{figures, fleet, of, overall, played, quiet};

fn json(seed: u64) -> Result<String, Box<dyn Error>> {
    let plan = fleet(seed);
    let report = Report::new(&plan, "policy", &played(&plan)?);
    Ok(serde_json::to_string(&report)?)
}

#[test]
fn the_same_seed_gives_the_same_report_and_another_seed_another() -> Result<(), Box<dyn Error>> {
    let first = json(5)?;
    assert_eq!(first, json(5)?);
    assert_ne!(first, json(6)?);
    Ok(())
}

#[test]
fn the_report_has_what_readers_of_its_json_look_for() -> Result<(), Box<dyn Error>> {
    let report: Value = serde_json::from_str(&json(5)?)?;
    let rates = ["false_count_rate", "missed_count_rate", "insufficient_rate"];
    let has_rates = |of: &Value| rates.iter().all(|rate| of[rate].is_f64());
    assert!(has_rates(&report));
    for fleet in Fleet::ALL {
        assert!(has_rates(&report["by_fleet"][fleet.name()]), "{}", fleet.name());
    }
    for peer in ["board_serial", "mac", "machine_id", "hash_of_everything", "keygen_most"] {
        assert!(has_rates(&report["baselines"][peer]), "{peer}");
    }
    assert!(report["bars"]["times_better"].is_f64());
    Ok(())
}

#[test]
fn every_activation_of_every_rule_is_judged_once_and_every_error_has_a_cause() -> Result<(), Fault>
{
    let outcome = played(&fleet(7))?;
    let product = figures(&outcome, PRODUCT);
    let all = product.overall();
    assert!(all.activations > 400);
    for rule in &outcome.rules {
        assert_eq!(rule.figures.overall().activations, all.activations, "{}", rule.name);
        for tally in rule.figures.by_fleet.values() {
            let Tally { true_counts, unchanged, late_counts, owed, refused_for_good, .. } = tally;
            let judged = true_counts + unchanged + late_counts + owed + refused_for_good;
            assert_eq!(judged, tally.activations, "{}", rule.name);
            assert!(tally.missed_counts <= tally.true_counts, "{}", rule.name);
            assert!(tally.false_counts <= tally.unchanged, "{}", rule.name);
            assert!(tally.refused_for_good <= tally.refused, "{}", rule.name);
            assert!(tally.refused <= tally.activations, "{}", rule.name);
        }
    }
    assert_eq!(product.missed_causes.values().sum::<u64>(), all.missed_counts);
    assert_eq!(product.false_causes.values().sum::<u64>(), all.false_counts);
    assert_eq!(product.refused_causes.values().sum::<u64>(), all.refused);
    let floor = outcome.seen.scored.floor().error_sum;
    assert!(outcome.seen.with_hints.floor().error_sum <= floor, "more to go by does no harm");
    Ok(())
}

#[test]
fn without_rates_every_computer_is_counted_once_and_that_is_all() -> Result<(), Fault> {
    let mut plan = quiet(&Event::ALL);
    plan.rates = Rates::table(0);
    let outcome = played(&plan)?;
    for rule in &outcome.rules {
        let all = rule.figures.overall();
        assert_eq!(all.activations, plan.computers, "{}", rule.name);
        assert_eq!((all.unchanged, all.late_counts, all.owed), (0, 0, 0), "{}", rule.name);
    }
    let product = overall(&outcome, PRODUCT);
    assert_eq!((product.missed_counts, product.false_counts), (0, 0));
    assert_eq!(product.true_counts + product.refused_for_good, plan.computers);
    Ok(())
}

#[test]
fn hardware_that_stays_as_it_is_is_never_counted_again() -> Result<(), Fault> {
    let events = [Event::ProductInstalled, Event::Reinstalled, Event::Upgraded];
    let outcome = played(&quiet(&events))?;
    // A guest that shows its UUID alone is a weak match each time, and those have a quota.
    for fleet in Fleet::ALL.into_iter().filter(|fleet| *fleet != Fleet::Guests) {
        let tally = of(&outcome, PRODUCT, fleet);
        assert!(tally.unchanged > 10, "{fleet:?} was activated again");
        assert_eq!((tally.missed_counts, tally.false_counts), (0, 0), "{fleet:?}");
    }
    Ok(())
}

#[test]
fn new_computers_are_told_from_old_ones_by_every_rule_that_looks_at_units() -> Result<(), Fault> {
    let outcome = played(&quiet(&[Event::ComputerReplaced]))?;
    assert!(outcome.seen.scored.floor().error_sum < f64::EPSILON);
    for name in [PRODUCT, "machine_id", "hash_of_everything", "keygen_all_unit_values"] {
        let tally = overall(&outcome, name);
        assert!(tally.true_counts > 0, "{name}");
        assert_eq!((tally.missed_counts, tally.false_counts), (0, 0), "{name}");
    }
    Ok(())
}
