//! Computers, keys and requests for the tables of tests in this room.

pub(crate) mod drawn;

use std::sync::{Arc, LazyLock};

use hardware_evidence::{ComponentKind as K, DeploymentSalt, Digest, JunkDigests};

use super::account::Account;
use super::command::{
    Activate, Command, Context, Decision, Register, Release, Requester, Settings, Update, decide,
};
use super::event::{Client, Event, Origin, RequestStamp};
use super::evidence::{Component, Evidence};
use super::ids::{ActivationId, KeyId, RequestId};
use super::policy::{Policy, Rules};
use super::product_key::{LookupDigest, PepperId};
use super::terms::{CountingMode, Platform, Platforms, Suspension, Terms};

pub(crate) const KEY: KeyId = KeyId([9; 16]);
pub(crate) const PRODUCT: &str = "products/office";
pub(crate) const NOON_MS: i64 = 1_700_000_000_000;

static JUNK: LazyLock<JunkDigests> =
    LazyLock::new(|| JunkDigests::new(&DeploymentSalt::new([3; 32])));
static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::hw_v1(JUNK.clone()));
static STRICT: LazyLock<Policy> = LazyLock::new(|| {
    let mut rules = Rules {
        version: "strict".to_owned(),
        follows: vec!["hw-v1".to_owned()],
        changed_parts_max: Some(2),
        ..Rules::hw_v1()
    };
    for kind in &mut rules.kinds {
        kind.decisive = kind.kind == K::BoardSerial;
        kind.part = matches!(kind.kind, K::OsDisk | K::Nic | K::Cpu | K::Gpu | K::RamRange);
    }
    Policy::new(rules, JUNK.clone()).expect("a policy")
});

/// The placeholders under the salt of the tests; digesting them takes a while.
pub(crate) fn junk() -> JunkDigests {
    JUNK.clone()
}

pub(crate) fn policy() -> &'static Policy {
    &POLICY
}

/// A policy under which another board, and three parts that changed, are significant.
pub(crate) fn strict_policy() -> &'static Policy {
    &STRICT
}

/// A digest that stands for part number `part` of a kind.
pub(crate) fn part(kind: K, number: u8) -> Digest {
    let mut digest = [0xee; 16];
    digest[0] = kind.number();
    digest[1] = number;
    Digest(digest)
}

/// The kinds that score, all of them: 100 points.
pub(crate) const FULL: [K; 10] = [
    K::BoardSerial,
    K::BoardModel,
    K::SystemUuid,
    K::OsDisk,
    K::Nic,
    K::TpmEk,
    K::Cpu,
    K::Gpu,
    K::RamRange,
    K::ChassisSerial,
];
/// A desktop whose board knows no serials: 54 points.
pub(crate) const JUNK_BOARD: [K; 6] =
    [K::BoardModel, K::OsDisk, K::Nic, K::Cpu, K::Gpu, K::RamRange];
/// A virtual machine: 69 points.
pub(crate) const VM: [K; 7] =
    [K::BoardModel, K::SystemUuid, K::OsDisk, K::Nic, K::Cpu, K::Gpu, K::RamRange];

/// A computer of these kinds, where those in `changed` have another part.
pub(crate) fn computer(kinds: &[K], changed: &[K]) -> Evidence {
    numbered(kinds, changed, 1, 2)
}

/// A computer of these kinds with part `usual`, or `other` for those in `changed`.
pub(crate) fn numbered(kinds: &[K], changed: &[K], usual: u8, other: u8) -> Evidence {
    let component = |kind: &K| {
        let number = if changed.contains(kind) { other } else { usual };
        Component::new(*kind, 1, vec![part(*kind, number)]).expect("valid")
    };
    Evidence::new(kinds.iter().map(component).collect()).expect("valid")
}

/// The same computer model: everything that belongs to one computer differs.
pub(crate) const UNITS: [K; 6] =
    [K::BoardSerial, K::SystemUuid, K::OsDisk, K::Nic, K::TpmEk, K::ChassisSerial];

pub(crate) fn terms(limit: u32) -> Terms {
    Terms {
        owner: "contoso".to_owned(),
        product: PRODUCT.to_owned(),
        platforms: Platforms::ALL,
        limit,
        counting_mode: CountingMode::HardwareTolerant,
        releases_max: 0,
        activate_by_ms: None,
        help_uri: "https://example.com/help".to_owned(),
        handle_allowed: false,
    }
}

pub(crate) fn origin() -> Origin {
    let client = Client { name: "setup".to_owned(), version: "1".to_owned() };
    Origin { actor: "product-key".to_owned(), reason: String::new(), client, time_ms: NOON_MS }
}

pub(crate) fn lookup(number: u8) -> LookupDigest {
    LookupDigest { pepper: PepperId(1), digest: [number; 32] }
}

pub(crate) fn register(terms: Terms) -> Register {
    Register {
        key_id: KEY,
        terms,
        suspension: Suspension::default(),
        lookups: vec![lookup(1)],
        origin: origin(),
    }
}

/// A key under test with everything that was recorded of it.
pub(crate) struct Key {
    pub(crate) account: Account,
    pub(crate) history: Vec<Event>,
    requests: u32,
}

impl Key {
    pub(crate) fn new(terms: Terms) -> Self {
        let command = Command::Register(Box::new(register(terms)));
        let context =
            Context { policy: policy(), account: None, recorded: None, lookup_owner: None };
        let decision = decide(context, &command);
        let account = decision.applied(None).expect("fits").expect("registered");
        Self { account, history: decision.events, requests: 0 }
    }

    /// Decides a command and takes in what it records.
    pub(crate) fn run(&mut self, command: &Command) -> Decision {
        let id = command.request_id();
        let recorded = self.history.iter().find(|e| id.is_some() && e.request.map(|r| r.id) == id);
        let context = Context {
            policy: policy(),
            account: Some(&self.account),
            recorded,
            lookup_owner: None,
        };
        let decision = decide(context, command);
        self.account = decision.applied(Some(&self.account)).expect("fits").expect("there");
        self.account.verify().expect("used is the number of counts held");
        self.history.extend(decision.events.iter().cloned());
        decision
    }

    pub(crate) fn command(&mut self, evidence: &Evidence) -> Activate {
        self.requests += 1;
        let mut id = [0; 16];
        id[..4].copy_from_slice(&self.requests.to_be_bytes());
        let (id, platform) = (RequestId(id), Platform::Windows);
        Activate {
            product: PRODUCT.to_owned(),
            evidence: Arc::new(evidence.clone()),
            platform,
            request: RequestStamp::activate(id, PRODUCT, evidence, platform),
            new_activation: ActivationId(id.0),
            origin: origin(),
        }
    }

    /// Activates with a fresh request id.
    pub(crate) fn activate(&mut self, evidence: &Evidence) -> Decision {
        let command = Command::Activate(self.command(evidence));
        self.run(&command)
    }
}

/// A key with an event of every kind.
pub(crate) fn eventful() -> Key {
    let mut key = Key::new(terms(2));
    key.activate(&computer(&JUNK_BOARD, &[]));
    key.activate(&computer(&JUNK_BOARD, &[K::OsDisk]));
    key.activate(&computer(&FULL, &FULL));
    key.activate(&computer(&[K::Cpu], &[]));
    let activation = key.account.counts.get(0).expect("a count").activation;
    let request = RequestStamp::release(RequestId([7; 16]), activation);
    let requester = Requester::Operator;
    let release = Release { activation, requester, request, origin: origin() };
    key.run(&Command::Release(release));
    let settings = Settings {
        limit: Some(9),
        blocked: Some(true),
        platforms: Some(Platforms::ALL.with(Platform::MacOs)),
        releases_max: Some(4),
        activate_by_ms: Some(Some(-5)),
        help_uri: Some("https://example.org".to_owned()),
        handle_allowed: Some(true),
        suspension: Some(Suspension { suspended: true, generation: u64::MAX }),
    };
    key.run(&Command::Update(Box::new(Update { settings, origin: origin() })));
    key
}
