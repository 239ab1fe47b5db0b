//! A chain of three batches with every kind of event, signed with a key and then with its
//! successor.

use receipt::{
    Activated, Change, Client, CountingMode, EncodedLeaf, Event, Id, Leaf, Outcome, Platform,
    Platforms, Reason, Refused, Registered, Released, Salt, SealedBatch, SigningKey, Suspension,
    Tip, TrustedKeys, Verdict, evidence_commitment, look_up_commitment,
};

pub(crate) const CHAIN: Id = [0xc4; 16];
pub(crate) const SALT: Salt = Salt([0x5a; 16]);
pub(crate) const LOOK_UP: [u8; 32] = [0x1d; 32];
/// One component: kind 4, recipe 1, one digest of 16 bytes.
pub(crate) const EVIDENCE: [u8; 20] = [1, 4, 1, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9];

const NOON_MS: i64 = 1_793_966_400_000;

/// The key of the first two batches, and the one that replaces it.
pub(crate) fn keys() -> [SigningKey; 2] {
    [SigningKey::from_seed(&seed(1)), SigningKey::from_seed(&seed(2))]
}

pub(crate) fn seed(number: u8) -> [u8; 32] {
    std::array::from_fn(|place| number.wrapping_mul(16).wrapping_add(place as u8))
}

pub(crate) fn trusted() -> TrustedKeys {
    let mut trusted = TrustedKeys::default();
    for key in keys() {
        trusted.trust(key.public_key()).unwrap();
    }
    trusted
}

/// The chain, batch by batch.
pub(crate) fn chain() -> Vec<SealedBatch> {
    let [old, new] = keys();
    let mut tip = Tip::genesis(CHAIN);
    let events = events();
    let (first, rest) = events.split_at(1);
    let (second, third) = rest.split_at(5);
    let mut batches = Vec::new();
    let mut sequence = 0;
    for (key, events) in [(&old, first), (&old, second), (&new, third)] {
        let leaves = events.iter().map(|event| {
            sequence += 1;
            encoded(sequence, event.clone())
        });
        let batch = SealedBatch::seal(key, &tip, leaves.collect()).unwrap();
        tip = batch.head().tip();
        batches.push(batch);
    }
    batches
}

pub(crate) fn encoded(sequence: u64, event: Event) -> EncodedLeaf {
    leaf(sequence, event).encode().unwrap()
}

/// A leaf of one key; changes come from an administrator, the rest from a holder of the key.
pub(crate) fn leaf(sequence: u64, event: Event) -> Leaf {
    let by_admin = matches!(event, Event::Updated(_) | Event::Registered(_));
    let by_holder = matches!(event, Event::Activated(_) | Event::Refused(_));
    Leaf {
        key_id: [0xa1; 16],
        account_version: sequence,
        sequence,
        shown_ms: NOON_MS + sequence.cast_signed() * 1_000,
        raw_ms: NOON_MS - sequence.cast_signed() * 7,
        actor: if by_admin { "catalog.example" } else { "product-key" }.to_owned(),
        reason: if by_holder { "" } else { "Nieuwe laptop – vervanging" }.to_owned(),
        client: Client { name: "setup".to_owned(), version: "1.4.0".to_owned() },
        request_id: (!by_admin).then_some([0xe0_u8.wrapping_add(sequence as u8); 16]),
        event,
    }
}

/// Nine events: every kind, every outcome, every kind of change, what is there and what is not.
fn events() -> Vec<Event> {
    let activated = |outcome, score, kinds: &[(u8, Verdict)]| {
        Event::Activated(Box::new(Activated {
            outcome,
            activation_id: [0xb2; 16],
            count: 2,
            platform: Platform::Windows,
            used: 1,
            limit: 5,
            policy_version: "hw-v1".to_owned(),
            score,
            threshold: 60,
            kinds: kinds.to_vec(),
            weak: score.is_some(),
            clone_suspected: outcome == Outcome::NotCountedSameComputer,
            evidence: Some(evidence_commitment(&SALT, &EVIDENCE)),
        }))
    };
    let alone = [(6, Verdict::Absent), (10, Verdict::Junk)];
    let both = [(1, Verdict::Matched), (4, Verdict::Changed), (6, Verdict::Absent)];
    let every_mode = Event::Activated(Box::new(Activated {
        outcome: Outcome::CountedEveryActivation,
        activation_id: [0xb3; 16],
        count: 9,
        platform: Platform::Linux,
        used: u32::MAX,
        limit: u32::MAX,
        policy_version: String::new(),
        score: Some(100),
        threshold: 0,
        kinds: vec![],
        weak: false,
        clone_suspected: false,
        evidence: None,
    }));
    vec![
        registered(),
        activated(Outcome::CountedNewComputer, None, &alone),
        activated(Outcome::NotCountedSameComputer, Some(61), &both),
        Event::Refused(Refused { reason: Reason::LimitReached, platform: Some(Platform::MacOs) }),
        Event::Released(Released {
            activation_id: [0xb2; 16],
            count: 2,
            last: true,
            by_policy: false,
            used: 0,
            limit: 5,
        }),
        Event::Updated(changes()),
        activated(Outcome::CountedSignificantChange, Some(0), &both),
        Event::Refused(Refused { reason: Reason::EvidenceNotMatching, platform: None }),
        every_mode,
    ]
}

fn registered() -> Event {
    Event::Registered(Box::new(Registered {
        owner: "contoso".to_owned(),
        product: "products/office-professional-plus-2019".to_owned(),
        platforms: [Platform::Windows, Platform::MacOs].into_iter().collect(),
        limit: 5,
        counting_mode: CountingMode::HardwareTolerant,
        releases_max: 300,
        activate_by_ms: Some(-1),
        help_uri: "https://help.example/nl?naam=één".to_owned(),
        handle_allowed: true,
        suspension: Suspension { suspended: false, generation: u64::MAX },
        look_up: look_up_commitment(&SALT, 1, &LOOK_UP),
    }))
}

fn changes() -> Vec<Change> {
    let windows = Platforms::default().with(Platform::Windows);
    vec![
        Change::Limit(5, 128),
        Change::Blocked(false, true),
        Change::Platforms(windows, Platforms::default()),
        Change::ReleasesMax(0, 1_000_000),
        Change::ActivateBy(None, Some(NOON_MS)),
        Change::HelpUri(String::new(), "https://help.example".to_owned()),
        Change::HandleAllowed(true, false),
        Change::Suspension(Suspension::default(), Suspension { suspended: true, generation: 2 }),
        Change::LookUp(look_up_commitment(&SALT, 2, &LOOK_UP)),
    ]
}
