//! The worked scores of the policy as a table, and each rule by itself.

use hardware_evidence::ComponentKind as K;

use super::*;
use crate::domain::evidence::Component;
use crate::domain::specimens::{FULL, JUNK_BOARD, UNITS, VM, computer, policy, strict_policy};

const UNCHANGED: Relation = Relation::Unchanged { weak: false };
const WEAK: Relation = Relation::Unchanged { weak: true };

/// What changed on a computer of these kinds, its score, and what that makes of it.
type Worked = (&'static str, &'static [K], Vec<K>, u32, Relation);

#[test]
fn who_explains_offline_draws_the_lines_where_the_service_does() {
    assert_eq!(policy().thresholds(), hardware_evidence::hw_v1::THRESHOLDS);
}

#[test]
fn worked_scores_of_hw_v1() {
    let board = [K::BoardSerial, K::SystemUuid, K::Nic, K::TpmEk];
    let with = |more: &[K]| [&board[..], more].concat();
    let table: [Worked; 20] = [
        ("R7 reinstalled", &FULL, vec![], 100, UNCHANGED),
        ("R7 OS disk", &FULL, vec![K::OsDisk], 80, UNCHANGED),
        ("R7 disk, memory", &FULL, vec![K::OsDisk, K::RamRange], 78, UNCHANGED),
        (
            "R7 CPU, GPU, memory, fTPM reset",
            &FULL,
            vec![K::Cpu, K::Gpu, K::RamRange, K::TpmEk],
            82,
            UNCHANGED,
        ),
        ("R7 NIC", &FULL, vec![K::Nic], 85, UNCHANGED),
        ("R7 disk, NIC", &FULL, vec![K::OsDisk, K::Nic], 65, UNCHANGED),
        (
            "R7 disk, CPU, GPU, memory",
            &FULL,
            vec![K::OsDisk, K::Cpu, K::Gpu, K::RamRange],
            67,
            UNCHANGED,
        ),
        ("R8 disk, NIC, CPU", &FULL, vec![K::OsDisk, K::Nic, K::Cpu], 57, Relation::Changed),
        ("R8 board of the same model", &FULL, board.to_vec(), 41, Relation::Changed),
        ("R8 board of another model", &FULL, with(&[K::BoardModel]), 35, Relation::Changed),
        ("R8 board and CPU", &FULL, with(&[K::BoardModel, K::Cpu]), 27, Relation::Changed),
        (
            "R8 OEM board with the UUID flashed again",
            &FULL,
            vec![K::BoardSerial, K::Nic, K::TpmEk],
            56,
            Relation::Changed,
        ),
        ("R6 twin of the same model", &FULL, UNITS.to_vec(), 19, Relation::Unrelated),
        ("R7 VM on another CPU", &VM, vec![K::Cpu], 88, UNCHANGED),
        ("R6 VM clone", &VM, vec![K::SystemUuid, K::Nic, K::OsDisk], 27, Relation::Unrelated),
        ("R7 VM clone that keeps its ids", &VM, vec![], 100, UNCHANGED),
        ("R7 junk board reinstalled", &JUNK_BOARD, vec![], 100, UNCHANGED),
        ("R7 junk board, disk", &JUNK_BOARD, vec![K::OsDisk], 62, WEAK),
        ("R8 junk board, disk, CPU", &JUNK_BOARD, vec![K::OsDisk, K::Cpu], 48, Relation::Changed),
        ("R6 junk board twin", &JUNK_BOARD, vec![K::OsDisk, K::Nic], 35, Relation::Unrelated),
    ];
    for (name, kinds, changed, score, relation) in table {
        let (baseline, report) = (computer(kinds, &[]), computer(kinds, &changed));
        let comparison = compare(policy(), &baseline, &report, false);
        assert_eq!(comparison.score(), score, "{name}");
        assert_eq!(comparison.relation(policy()), relation, "{name}");
    }
}

#[test]
fn r8_another_board_and_three_parts_are_significant_where_the_policy_says_so() {
    let table: [(&[K], &[K], Relation); 8] = [
        (&FULL, &[], UNCHANGED),
        (&FULL, &[K::SystemUuid, K::ChassisSerial, K::BoardModel], UNCHANGED),
        (&FULL, &[K::BoardSerial], Relation::Changed),
        (&FULL, &[K::OsDisk, K::Nic], UNCHANGED),
        (&FULL, &[K::OsDisk, K::Gpu, K::RamRange], Relation::Changed),
        (&FULL, &[K::Cpu, K::Gpu, K::RamRange], Relation::Changed),
        (&JUNK_BOARD, &[K::OsDisk], WEAK),
        (&FULL, &UNITS, Relation::Unrelated),
    ];
    for (kinds, changed, relation) in table {
        let (baseline, report) = (computer(kinds, &[]), computer(kinds, changed));
        let comparison = compare(strict_policy(), &baseline, &report, false);
        assert_eq!(comparison.relation(strict_policy()), relation, "{changed:?}");
        if relation == Relation::Changed {
            assert_eq!(comparison.relation(policy()), UNCHANGED, "hw-v1 looks at points alone");
        }
    }
    // A part that is missing has not changed.
    let baseline = computer(&FULL, &[]);
    let fewer: Vec<K> = FULL.into_iter().filter(|kind| *kind != K::RamRange).collect();
    let report = computer(&fewer, &[K::OsDisk, K::Gpu]);
    let comparison = compare(strict_policy(), &baseline, &report, false);
    assert_eq!(comparison.relation(strict_policy()), UNCHANGED);
}

#[test]
fn too_little_beside_a_matching_anchor_is_no_match() {
    let baseline = computer(&FULL, &[]);
    let report = computer(&[K::OsDisk, K::Nic, K::Cpu], &[]);
    let comparison = compare(policy(), &baseline, &report, false);
    assert_eq!(comparison.score(), 100);
    assert_eq!(comparison.relation(policy()), Relation::TooLittle, "43 of 100 points");
    let poor = compare(policy(), &report, &report, false);
    assert_eq!(poor.relation(policy()), Relation::Unchanged { weak: false }, "43 of 43 points");
}

#[test]
fn enough_is_an_anchor_and_thirty_points() {
    let enough = |kinds: &[K]| worth(policy(), &computer(kinds, &[]), false).is_enough(policy());
    assert!(enough(&[K::OsDisk, K::Cpu, K::RamRange]), "30 points");
    assert!(!enough(&[K::OsDisk, K::Cpu]), "28 points");
    assert!(!enough(&[K::BoardModel, K::Cpu, K::Gpu, K::RamRange]), "no anchor");
    assert!(!enough(&[K::OperatorHandle]), "a handle is no hardware");
}

#[test]
fn junk_and_absent_kinds_abstain() {
    use hardware_evidence::{DeploymentSalt, EvidenceBuilder};
    let mut builder = EvidenceBuilder::new(DeploymentSalt::new([3; 32]));
    builder.value(K::SystemUuid, "4c4c4544-0042-3510-8052-b4c04f564433").expect("valid");
    let uuid = builder.build().components()[0].digests[0];
    let component = |kind, digest| Component::new(kind, 1, vec![digest]).expect("valid");
    assert!(!policy().is_junk(K::SystemUuid, &uuid));

    // A client that does not know the placeholder sends its digest like any other.
    let salt = DeploymentSalt::new([3; 32]);
    let junk = junk_digest(&salt);
    assert!(policy().is_junk(K::BoardSerial, &junk));
    let report = Evidence::new(vec![component(K::BoardSerial, junk)]).expect("valid");
    let comparison = compare(policy(), &report, &report, false);
    assert_eq!((comparison.comparable, comparison.anchors), (0, 0));
    assert!(comparison.kinds.contains(&(K::BoardSerial, KindVerdict::Junk)));
    assert_eq!(worth(policy(), &report, false).points, 0);
}

/// The digest of "default string" by the published recipe, made by hand.
fn junk_digest(salt: &hardware_evidence::DeploymentSalt) -> Digest {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(salt.as_bytes()).expect("any length");
    mac.update(&[1, K::BoardSerial.number()]);
    mac.update(b"default string");
    let full: [u8; 32] = mac.finalize().into_bytes().into();
    let mut digest = [0; 16];
    digest.copy_from_slice(&full[..16]);
    Digest(digest)
}

#[test]
fn a_set_matches_when_one_member_is_still_there() {
    let set = |numbers: &[u8]| {
        let digests = numbers.iter().map(|n| crate::domain::specimens::part(K::Nic, *n));
        let nic = Component::new(K::Nic, 1, digests.collect::<Vec<_>>()).expect("valid");
        Evidence::new(vec![nic]).expect("valid")
    };
    let comparison = compare(policy(), &set(&[1, 2, 3]), &set(&[3, 9]), false);
    assert_eq!(comparison.matched, 15);
    let comparison = compare(policy(), &set(&[1, 2]), &set(&[3]), false);
    assert_eq!((comparison.matched, comparison.comparable), (0, 15));
}

#[test]
fn a_handle_decides_alone_where_the_key_allows_it() {
    let box_1 = computer(&[K::OperatorHandle, K::Nic], &[K::Nic]);
    let box_2 = computer(&[K::OperatorHandle, K::Nic], &[K::OperatorHandle]);
    let allowed = |a, b| compare(policy(), a, b, true).relation(policy());
    assert_eq!(allowed(&box_1, &box_1), UNCHANGED);
    assert_eq!(allowed(&box_1, &box_2), Relation::Unrelated);
    let refused = compare(policy(), &box_1, &box_1, false);
    assert_eq!(refused.handle, None, "a key that does not allow handles does not see them");
}

#[test]
fn anchors_worth_less_than_15_points_establish_nothing() {
    // A clone of a virtual machine with its TPM, on the same host: 26 of 41 points match.
    let kinds = [K::TpmEk, K::BoardModel, K::Cpu, K::Gpu, K::RamRange, K::ChassisSerial, K::Nic];
    let comparison = compare(policy(), &computer(&kinds, &[]), &computer(&kinds, &[K::Nic]), false);
    assert_eq!((comparison.score(), comparison.anchor_points), (63, 5));
    assert_eq!(comparison.relation(policy()), Relation::Unrelated);
    let part = computer(&kinds[..6], &[]);
    let part = compare(policy(), &computer(&FULL, &[]), &part, false);
    assert_eq!(part.relation(policy()), Relation::Unrelated, "not even too little to tell");
}

#[test]
fn a_count_that_goes_by_a_handle_is_not_reached_without_one() {
    let kinds = [&VM[..], &[K::OperatorHandle]].concat();
    let (with, without) = (computer(&kinds, &[]), computer(&VM, &[]));
    let relation = |report: &Evidence| compare(policy(), &with, report, true).relation(policy());
    assert_eq!(relation(&with), UNCHANGED);
    assert_eq!(relation(&computer(&kinds, &[K::OperatorHandle])), Relation::Unrelated);
    assert_eq!(relation(&without), Relation::TooLittle, "else it would pay to leave it out");
    let back = compare(policy(), &without, &with, true).relation(policy());
    assert_eq!(back, UNCHANGED, "a handle that came later hides nothing");
}
