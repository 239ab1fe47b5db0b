//! The same seed is the same life.

use sha2::{Digest as _, Sha256};

use super::*;

fn digest(seed: u64) -> [u8; 32] {
    let shape = Shape::draw(&mut Dice::new(seed));
    let world = World::live(seed, shape).unwrap_or_else(|why| panic!("SEED={seed}: {why:#}"));
    let mut hash = Sha256::new();
    hash.update(format!("{:?} {:?} {:?}", world.asks, world.sent, world.tally));
    for number in 1..10 {
        let path = PathBuf::from(JOURNAL).join(format!("{number:08}.seg"));
        hash.update(world.disk.image(&path).unwrap_or_default());
    }
    hash.update(format!("{:?}", world.shelf.rows()));
    hash.finalize().into()
}

#[test]
fn the_same_seed_gives_the_same_life_to_the_last_byte() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 1..=12 {
        let first = digest(seed);
        assert_eq!(first, digest(seed), "SEED={seed}");
        seen.insert(first);
    }
    assert_eq!(seen.len(), 12, "other seeds are other lives");
}

/// Adds what befell lives, and what their clients were told, under short names.
fn sums(seeds: std::ops::RangeInclusive<u64>) -> std::collections::BTreeMap<&'static str, u64> {
    let mut sums = std::collections::BTreeMap::new();
    let mut add = |name, count| *sums.entry(name).or_default() += count;
    for seed in seeds {
        let shape = Shape::draw(&mut Dice::new(seed));
        let world = World::live(seed, shape).unwrap_or_else(|why| panic!("SEED={seed}: {why:#}"));
        let Tally { openings, kills, cuts, stops, faults, jumps, .. } = world.tally;
        let Tally { left, lost, repeats, set_aside, .. } = world.tally;
        add("openings", openings);
        add("kills", kills);
        add("cuts", cuts);
        add("stops", stops);
        add("faults", faults);
        add("jumps", jumps);
        add("left", left);
        add("lost", lost);
        add("repeats", repeats);
        add("set aside", set_aside);
        for (_, told) in world.sent.iter().filter_map(|sent| sent.told.as_ref()) {
            add(name(told), 1);
        }
    }
    sums
}

fn name(told: &Told) -> &'static str {
    use activation_service::app::AppError;
    use activation_service::domain::error::Refusal;
    use activation_service::domain::event::Outcome;
    match told {
        Told::Activated(it) => match it.granted.outcome {
            Outcome::CountedNewComputer => "new computer",
            Outcome::NotCountedSameComputer => "same computer",
            Outcome::CountedSignificantChange => "changed computer",
            Outcome::CountedEveryActivation => "every activation",
        },
        Told::Previewed(_) => "preview",
        Told::GivenUp(_) => "release",
        Told::Key(_) => "key",
        Told::Usages(_) => "usages",
        Told::Events(_) => "events",
        Told::Computers(_) => "computers",
        Told::LedgerHead(_) => "head",
        Told::No(AppError::Refused { refusal, .. }) => match refusal {
            Refusal::KeyNotUsable { cause: Some(_) } => "blocked",
            Refusal::Suspended => "suspended",
            Refusal::InsufficientEvidence(_) => "too little evidence",
            Refusal::ActivateByPassed { .. } => "too late",
            Refusal::LimitReached { .. } => "limit reached",
            Refusal::ActivationReleased => "released before",
            Refusal::ReleaseNotAllowed | Refusal::ReleaseLimitReached { .. } => "no release",
            Refusal::EvidenceNotMatching => "other evidence",
            _ => "another refusal",
        },
        Told::No(AppError::Unavailable) => "unavailable",
        Told::No(_) => "another error",
    }
}

#[test]
fn lives_are_worth_something_because_much_happens_in_them() {
    let sums = sums(1..=120);
    println!("{sums:?}");
    let often = [
        ("openings", 400),
        ("kills", 60),
        ("cuts", 100),
        ("stops", 240),
        ("faults", 40),
        ("jumps", 80),
        ("left", 100),
        ("lost", 150),
        ("repeats", 300),
        ("new computer", 150),
        ("same computer", 100),
        ("changed computer", 8),
        ("every activation", 40),
        ("preview", 20),
        ("release", 60),
        ("key", 600),
        ("usages", 150),
        ("events", 200),
        ("computers", 200),
        ("head", 120),
        ("limit reached", 150),
        ("suspended", 50),
        ("blocked", 50),
        ("too little evidence", 40),
        ("released before", 20),
        ("no release", 20),
        ("too late", 10),
        ("unavailable", 4),
    ];
    for (name, least) in often {
        let found = sums.get(name).copied().unwrap_or(0);
        assert!(found >= least, "{name}: {found} in {sums:?}");
    }
}
