//! Looking at the counts that share an anchor finds what looking at all of them finds.

use hardware_evidence::ComponentKind as K;
use proptest::prelude::*;

use super::*;
use crate::domain::evidence::Component;
use crate::domain::specimens::drawn::{any_account, any_evidence, held};
use crate::domain::specimens::{FULL, Key, policy, terms};

/// Fails unless the index finds what a comparison with every count held finds.
pub(in crate::domain::activate) fn same_as_a_scan(
    policy: &Policy,
    account: &Account,
    report: &Evidence,
) -> Result<(), TestCaseError> {
    let handle_allowed = account.head.terms.handle_allowed;
    let found = candidates(policy, account, report);
    let scanned = among(policy, account.held(), report, handle_allowed);
    prop_assert!(found.compared <= scanned.compared);
    prop_assert_eq!(Candidates { compared: scanned.compared, ..found }, scanned);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_index_finds_what_a_scan_finds(account in any_account(30), report in any_evidence()) {
        same_as_a_scan(policy(), &account, &report)?;
    }
}

/// Values that nothing else has, as real digests are.
fn stranger(number: u32) -> Evidence {
    let component = |kind: &K| {
        let mut digest = [kind.number(); 16];
        let spread = u64::from(number + 1).wrapping_mul(0xd134_2543_de82_ef95);
        digest[..8].copy_from_slice(&spread.to_be_bytes());
        Component::new(*kind, 1, vec![Digest(digest)]).expect("valid")
    };
    Evidence::new(FULL.iter().map(component).collect()).expect("valid")
}

#[test]
fn a_decision_looks_at_no_more_counts_on_a_key_of_5000_computers_than_on_one_of_5() {
    let compared = |computers: u32| {
        let mut account = Key::new(terms(10_000)).account;
        account.counts = (2..).zip((0..computers).map(stranger)).map(|(n, e)| held(n, e)).collect();
        let reports = [stranger(3), stranger(77_777)];
        reports.map(|report| candidates(policy(), &account, &report).compared)
    };
    assert_eq!(compared(5), [1, 0], "the computer itself, and nothing for a new one");
    assert_eq!(compared(5_000), [1, 0]);
}
