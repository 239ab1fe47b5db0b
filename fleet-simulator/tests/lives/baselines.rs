//! Peers fail where they must, and only there: each in a world in which one thing happens.

use fleet_simulator::fleet::Fleet;
use fleet_simulator::rates::{Event, Rates};
use fleet_simulator::rules::Fault;
use fleet_simulator::shares::Share;
use fleet_simulator::tally::Tally;

use super::{fleet, of, overall, played, quiet};

fn misses_most(tally: &Tally) -> bool {
    tally.missed_counts * 10 > tally.true_counts * 8
}

#[test]
fn a_machine_id_counts_every_reinstallation_and_nothing_else() -> Result<(), Fault> {
    let outcome = played(&quiet(&[Event::Reinstalled]))?;
    let machine_id = overall(&outcome, "machine_id");
    assert!(machine_id.unchanged > 20);
    assert_eq!(machine_id.false_counts, machine_id.unchanged);
    for name in ["board_serial", "mac", "hash_of_everything", "keygen_all"] {
        let tally = overall(&outcome, name);
        assert!(tally.unchanged > 20, "{name}");
        assert_eq!(tally.false_counts, 0, "{name}");
    }
    Ok(())
}

#[test]
fn a_machine_id_misses_computers_made_from_one_image() -> Result<(), Fault> {
    let mut plan = quiet(&[]);
    plan.shares = plan.shares.with(&[Share::ImageUnprepared], true);
    let machine_id = overall(&played(&plan)?, "machine_id");
    assert!(misses_most(&machine_id), "{machine_id:?}");
    Ok(())
}

#[test]
fn a_board_serial_takes_all_placeholders_for_one_computer() -> Result<(), Fault> {
    let mut plan = quiet(&[]);
    plan.shares = plan.shares.with(&[Share::SerialJunk], true);
    let outcome = played(&plan)?;
    let boards = of(&outcome, "board_serial", Fleet::WhiteBoxes);
    assert!(misses_most(&boards), "{boards:?}");
    let addresses = of(&outcome, "mac", Fleet::WhiteBoxes);
    assert!(addresses.true_counts > 0);
    assert_eq!(addresses.missed_counts, 0);
    Ok(())
}

#[test]
fn an_address_is_a_docks_on_a_dock_unless_one_looks_closer() -> Result<(), Fault> {
    let mut plan = fleet(3);
    plan.rates = Rates::table(1_000).only(&[Event::ProductInstalled]);
    let outcome = played(&plan)?;
    let docked = of(&outcome, "mac", Fleet::Docked);
    assert!(docked.missed_counts > 0, "two computers were on one dock: {docked:?}");
    assert!(docked.false_counts > 0, "one computer was on and off a dock: {docked:?}");
    let careful = of(&outcome, "mac_with_care", Fleet::Docked);
    assert!(careful.missed_counts + careful.false_counts < docked.missed_counts, "{careful:?}");
    Ok(())
}

#[test]
fn a_hash_counts_every_other_part_and_matching_any_none() -> Result<(), Fault> {
    let outcome = played(&quiet(&[Event::ProductInstalled, Event::DiskReplaced]))?;
    assert!(overall(&outcome, "hash_of_everything").false_counts > 0);
    assert!(overall(&outcome, "keygen_all_unit_values").false_counts > 0);
    assert!(overall(&outcome, "keygen_any_unit_values").unchanged > 20);
    assert_eq!(overall(&outcome, "keygen_any_unit_values").false_counts, 0);
    let twins = overall(&outcome, "keygen_any");
    assert!(misses_most(&twins), "twins share a model: {twins:?}");
    Ok(())
}
