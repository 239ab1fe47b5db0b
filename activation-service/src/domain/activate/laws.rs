//! Laws that hold for every key and every report.

use std::sync::atomic::{AtomicUsize, Ordering};

use hardware_evidence::ComponentKind;
use proptest::prelude::*;

use super::*;
use crate::domain::event::RequestStamp;
use crate::domain::evidence::Component;
use crate::domain::ids::{ActivationId, RequestId};
use crate::domain::matching::{Relation, compare};
use crate::domain::policy::Policy;
use crate::domain::specimens::drawn::{any_account, any_evidence};
use crate::domain::specimens::{PRODUCT, origin, policy, strict_policy};
use crate::domain::terms::Platform;

/// Cases of each law.
const CASES: u32 = 2_000;
/// Most counts of a key: with more, few reports are of a new computer.
const COUNTS_MAX: usize = 5;
/// Reports that are not judged new are drawn again.
const REJECTS_MAX: u32 = 20 * CASES;

/// The built-in policy, or the one with all that a policy can say.
fn policies(strict: bool) -> &'static Policy {
    if strict { strict_policy() } else { policy() }
}

/// What a report comes to on a key.
fn judged(policy: &Policy, account: &Account, report: &Evidence) -> Result<Granted, Refusal> {
    let command = command(report);
    match decide(policy, account, &command).result {
        Ok(Answer::Activated(granted)) => Ok(granted),
        Ok(other) => panic!("no activation: {other:?}"),
        Err(refusal) => Err(refusal),
    }
}

fn command(report: &Evidence) -> Activate {
    let (id, platform) = (RequestId([1; 16]), Platform::Windows);
    Activate {
        product: PRODUCT.to_owned(),
        evidence: Arc::new(report.clone()),
        platform,
        request: RequestStamp::activate(id, PRODUCT, report, platform),
        new_activation: ActivationId([1; 16]),
        origin: origin(),
    }
}

fn outcome(policy: &Policy, account: &Account, report: &Evidence) -> Option<Outcome> {
    judged(policy, account, report).ok().map(|granted| granted.outcome)
}

/// The same digests of the same kinds, in the order of `dice`.
fn shuffled(report: &Evidence, dice: &[u32]) -> Evidence {
    let die = |place: usize| dice.get(place % dice.len()).copied().unwrap_or_default();
    let mut components: Vec<_> = report.components().iter().enumerate().collect();
    components.sort_by_key(|(place, _)| die(*place));
    let component = |(place, component): (usize, &Component)| {
        let mut digests = component.digests().to_vec();
        digests.rotate_left(die(place) as usize % component.digests().len());
        digests.extend(digests.first().copied().filter(|_| component.kind().is_set()));
        Component::new(component.kind(), component.recipe(), digests).expect("as before")
    };
    Evidence::new(components.into_iter().map(component).collect()).expect("as before")
}

/// The report without what the bits of `mask` choose: single digests of sets too.
fn less(report: &Evidence, mask: u64) -> Option<Evidence> {
    let mut place = 0;
    let mut kept = Vec::new();
    for component in report.components() {
        let mut digests = component.digests().to_vec();
        digests.retain(|_| {
            place += 1;
            mask & (1 << place) == 0
        });
        if !digests.is_empty() {
            let (kind, recipe) = (component.kind(), component.recipe());
            kept.push(Component::new(kind, recipe, digests).expect("fewer of the same"));
        }
    }
    Evidence::new(kept).ok()
}

proptest! {
    #![proptest_config(ProptestConfig {
        max_global_rejects: REJECTS_MAX,
        ..ProptestConfig::with_cases(CASES)
    })]

    #[test]
    fn the_order_of_components_does_not_matter(
        account in any_account(COUNTS_MAX),
        report in any_evidence(),
        dice in proptest::collection::vec(any::<u32>(), 1..16),
        strict: bool,
    ) {
        let (policy, other) = (policies(strict), shuffled(&report, &dice));
        prop_assert_eq!(judged(policy, &account, &report), judged(policy, &account, &other));
    }

    #[test]
    fn withholding_parts_of_a_report_judged_new_never_makes_it_unchanged(
        account in any_account(COUNTS_MAX),
        report in any_evidence(),
        masks in proptest::collection::vec(any::<u64>(), 16),
        strict: bool,
    ) {
        let policy = policies(strict);
        prop_assume!(outcome(policy, &account, &report) == Some(Outcome::CountedNewComputer));
        for mask in masks {
            let Some(part) = less(&report, mask) else { continue };
            let part = outcome(policy, &account, &part);
            prop_assert_ne!(part, Some(Outcome::NotCountedSameComputer), "without {:b}", mask);
        }
    }

    #[test]
    fn a_further_matching_component_never_lowers_the_verdict(
        baseline in any_evidence(),
        report in any_evidence(),
        handle_allowed: bool,
        strict: bool,
    ) {
        let policy = policies(strict);
        let rank = |report: &Evidence| {
            let found = compare(policy, &baseline, report, handle_allowed);
            match found.relation(policy) {
                Relation::Unrelated => 0,
                Relation::TooLittle => 1,
                Relation::Changed => 2,
                Relation::Unchanged { .. } => 3,
            }
        };
        let mut report = report;
        let missing = |report: &Evidence| {
            let mut all = baseline.components().iter();
            all.find(|component| report.of(component.kind()).next().is_none()).cloned()
        };
        let mut before = rank(&report);
        while let Some(further) = missing(&report) {
            let more = report.components().iter().cloned().chain([further]).collect();
            report = Evidence::new(more).expect("a kind more");
            let after = rank(&report);
            prop_assert!(before <= after);
            before = after;
        }
    }

    #[test]
    fn comparing_is_symmetric(
        a in any_evidence(),
        b in any_evidence(),
        handle_allowed: bool,
        strict: bool,
    ) {
        let policy = policies(strict);
        let there = compare(policy, &a, &b, handle_allowed);
        let back = compare(policy, &b, &a, handle_allowed);
        prop_assert_eq!((there.matched, there.comparable), (back.matched, back.comparable));
        prop_assert_eq!((there.anchors, there.anchor_points), (back.anchors, back.anchor_points));
        prop_assert_eq!(there.handle, back.handle);
        // Only the floor looks at one side, the baseline; where both have it, the relation is one.
        let sides = (there.relation(policy), back.relation(policy));
        let floored = |relation| relation == Relation::TooLittle;
        prop_assert!(sides.0 == sides.1 || floored(sides.0) || floored(sides.1));
    }
}

#[test]
fn the_laws_are_tried_on_every_outcome() {
    static SEEN: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];
    let config = ProptestConfig::with_cases(CASES);
    proptest!(config, |(a in any_account(COUNTS_MAX), r in any_evidence())| {
        let place = match outcome(policy(), &a, &r) {
            None => 0,
            Some(Outcome::CountedNewComputer) => 1,
            Some(Outcome::NotCountedSameComputer) => 2,
            Some(Outcome::CountedSignificantChange) => 3,
            Some(Outcome::CountedEveryActivation) => unreachable!("the key is tolerant"),
        };
        SEEN[place].fetch_add(1, Ordering::Relaxed);
    });
    let seen = SEEN.each_ref().map(|count| count.load(Ordering::Relaxed));
    assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
}

#[test]
fn decisions_use_no_number_that_a_platform_may_round() {
    let sources = [
        include_str!("../activate.rs"),
        include_str!("candidates.rs"),
        include_str!("../account.rs"),
        include_str!("../counts.rs"),
        include_str!("../evidence.rs"),
        include_str!("../matching.rs"),
        include_str!("../policy.rs"),
        include_str!("../../../../hardware-evidence/src/matching.rs"),
        include_str!("../../../../hardware-evidence/src/hw_v1.rs"),
    ];
    for word in ["f32", "f64", "usize::BITS"] {
        assert!(sources.iter().all(|source| !source.contains(word)), "{word}");
    }
}

/// Of all pairs of some computers: what is compared, as one number that is the same everywhere.
#[test]
fn comparisons_come_out_the_same_on_every_platform() {
    use sha2::{Digest as _, Sha256};
    let computers: Vec<Evidence> = (0..96).map(made).collect();
    let mut hash = Sha256::new();
    for baseline in &computers {
        for report in &computers {
            let found = compare(policy(), baseline, report, true);
            let relation = format!("{:?} {} {found:?}", found.relation(policy()), found.score());
            hash.update(relation.as_bytes());
        }
    }
    let found: String = hash.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect();
    assert_eq!(found, "751ec04c1b1b8fd4");
}

/// A computer from a number, by arithmetic that is defined everywhere.
fn made(number: u64) -> Evidence {
    let mut state = number;
    let mut next = |below: u64| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 33) % below
    };
    let mut components = Vec::new();
    for kind in ComponentKind::ALL {
        if next(5) > 0 {
            let part = if next(3) > 0 { 1 } else { 2 };
            let digest = crate::domain::specimens::part(kind, part);
            components.push(Component::new(kind, 1, vec![digest]).expect("valid"));
        }
    }
    Evidence::new(components).unwrap_or_default()
}
