//! Values that became placeholders, and what they are to counts that were made before.

use hardware_evidence::ComponentKind as K;

use super::*;
use crate::domain::specimens::{junk, part};

fn demoting(kind: K, since: &str) -> Rules {
    let demoted = vec![Demoted { kind, digest: part(kind, 1), since: since.to_owned() }];
    let follows = vec!["hw-v1".to_owned(), "b".to_owned()];
    Rules { version: "c".to_owned(), follows, demoted, ..Rules::hw_v1() }
}

fn policy(rules: Rules) -> Policy {
    Policy::new(rules, junk()).expect("a policy")
}

#[test]
fn a_demoted_value_abstains_and_still_tells_for_counts_made_before() {
    let policy = policy(demoting(K::Nic, "b"));
    let value = part(K::Nic, 1);
    assert!(policy.is_junk(K::Nic, &value));
    assert!(!policy.is_junk(K::Nic, &part(K::Nic, 2)));
    assert!(!policy.is_junk(K::OsDisk, &value), "a value of one kind only");
    for (version, tells) in [("hw-v1", true), ("b", false), ("c", false), ("unknown", true)] {
        let then = policy.as_of(version);
        assert_eq!(then.is_some_and(|then| !then.is_junk(K::Nic, &value)), tells, "{version}");
    }
    assert!(Policy::hw_v1(junk()).as_of("a").is_none());
}

#[test]
fn points_are_told_of_versions_that_are_known() {
    let rules = Rules { kinds: other_points(), ..demoting(K::Nic, "c") };
    assert_eq!(rules.points_under("c", K::OsDisk), Some(30));
    assert_eq!(rules.points_under("hw-v1", K::OsDisk), Some(20));
    assert_eq!(rules.points_under("b", K::OsDisk), None);
}

fn other_points() -> [KindPolicy; 13] {
    hw_v1::TABLE.map(|it| match it.kind {
        K::OsDisk => KindPolicy { points: 30, ..it },
        K::BoardSerial => KindPolicy { points: 14, ..it },
        _ => it,
    })
}
