//! Counts against a plain list of them.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::event::Outcome;
use crate::domain::specimens::{VM, numbered};
use crate::domain::terms::Platform;

fn count(number: u64, computer: u8, parts: u8) -> Count {
    Count {
        number,
        activation: ActivationId([computer; 16]),
        outcome: Outcome::CountedNewComputer,
        platform: Platform::Linux,
        created_ms: 0,
        policy_version: "hw-v1".into(),
        baseline: Arc::new(numbered(&VM, &[], parts, 0)),
        weak_matches: 0,
        clone_suspected: false,
        released: false,
        installs: Vec::new(),
    }
}

proptest! {
    #[test]
    fn they_are_found_by_number_computer_and_parts(
        drawn in proptest::collection::vec((1..5_u64, 0..6_u8, 0..6_u8), 0..120),
        released in proptest::collection::vec(0..400_u64, 0..10),
    ) {
        let (mut counts, mut plain, mut number) = (Counts::default(), Vec::new(), 0);
        for (gap, computer, parts) in drawn {
            number += gap;
            counts.push(count(number, computer, parts));
            plain.push(count(number, computer, parts));
        }
        let before = counts.clone();
        for number in released {
            let found = counts.change(number, |count| count.released = true);
            let place = plain.iter().position(|count| count.number == number);
            prop_assert_eq!(found.is_some(), place.is_some());
            place.into_iter().for_each(|place| plain[place].released = true);
        }
        prop_assert!(counts.iter().eq(&plain));
        prop_assert!(before.iter().all(|count| !count.released), "a copy stays as it was");
        prop_assert_eq!(&counts, &plain.iter().cloned().collect::<Counts>());
        for number in 0..number + 2 {
            let wanted = plain.iter().find(|count| count.number == number);
            prop_assert_eq!(counts.numbered(number), wanted);
        }
        for one in 0..6 {
            let id = ActivationId([one; 16]);
            prop_assert!(counts.of(id).eq(plain.iter().filter(|count| count.activation == id)));
            let report = numbered(&VM, &[], one, 0);
            let disk = report.of(ComponentKind::OsDisk).next().expect("a disk").digests()[0];
            let wanted: Vec<_> = plain.iter().filter(|count| *count.baseline == report).collect();
            let shared = counts.sharing([(ComponentKind::OsDisk, &disk)]);
            prop_assert_eq!(shared, wanted);
            let uuid = [(ComponentKind::SystemUuid, &disk)];
            prop_assert!(counts.sharing(uuid).is_empty());
        }
    }
}
