//! Keys, computers and commands for the conformance suite, made through the domain alone.

use std::sync::{Arc, LazyLock};

use activation_service::domain::account::Account;
use activation_service::domain::command::{
    Activate, Command, Context, Register, Release, Requester, Settings, Update, decide,
};
use activation_service::domain::event::{Client, Event, Origin, RequestStamp};
use activation_service::domain::evidence::{Component, Evidence};
use activation_service::domain::ids::{ActivationId, KeyId, RequestId};
use activation_service::domain::policy::Policy;
use activation_service::domain::product_key::{LookupDigest, PepperId};
use activation_service::domain::terms::{CountingMode, Platform, Platforms, Suspension, Terms};
use activation_service::ports::Change;
use hardware_evidence::{ComponentKind, DeploymentSalt, Digest, JunkDigests};

pub(crate) static POLICY: LazyLock<Policy> =
    LazyLock::new(|| Policy::hw_v1(JunkDigests::new(&DeploymentSalt::new([3; 32]))));

pub(crate) fn key_id(number: u8) -> KeyId {
    KeyId([number; 16])
}

pub(crate) fn lookup(number: u8) -> LookupDigest {
    LookupDigest { pepper: PepperId(1), digest: [number; 32] }
}

pub(crate) fn terms(limit: u32) -> Terms {
    Terms {
        owner: "contoso".to_owned(),
        product: "products/office".to_owned(),
        platforms: Platforms::ALL,
        limit,
        counting_mode: CountingMode::HardwareTolerant,
        releases_max: 0,
        activate_by_ms: None,
        help_uri: String::new(),
        handle_allowed: false,
    }
}

pub(crate) fn origin() -> Origin {
    let client = Client::default();
    Origin { actor: "test".to_owned(), reason: String::new(), client, time_ms: 1_000 }
}

/// A computer that shares nothing with any other number's.
pub(crate) fn computer(number: u32) -> Evidence {
    let kinds = [ComponentKind::BoardSerial, ComponentKind::OsDisk, ComponentKind::SystemUuid];
    let component = |kind: ComponentKind| {
        let mut digest = [kind.number(); 16];
        digest[..4].copy_from_slice(&number.to_be_bytes());
        Component::new(kind, 1, vec![Digest(digest)]).expect("valid")
    };
    Evidence::new(kinds.map(component).to_vec()).expect("valid")
}

pub(crate) fn register(number: u8, terms: Terms) -> Command {
    Command::Register(Box::new(Register {
        key_id: key_id(number),
        terms,
        suspension: Suspension::default(),
        lookups: vec![lookup(number)],
        origin: origin(),
    }))
}

/// An activation of a computer under a request id made of `request`.
pub(crate) fn activate(computer_number: u32, request: u32) -> Command {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&request.to_be_bytes());
    let (evidence, platform) = (computer(computer_number), Platform::Linux);
    Command::Activate(Activate {
        product: "products/office".to_owned(),
        request: RequestStamp::activate(RequestId(id), "products/office", &evidence, platform),
        evidence: Arc::new(evidence),
        platform,
        new_activation: ActivationId(id),
        origin: origin(),
    })
}

/// A new limit.
pub(crate) fn limit(limit: u32) -> Command {
    let settings = Settings { limit: Some(limit), ..Settings::default() };
    Command::Update(Box::new(Update { settings, origin: origin() }))
}

/// An operator gives up the count that the request `request` made.
pub(crate) fn release(request: u32) -> Command {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&request.to_be_bytes());
    let activation = ActivationId(id);
    id[15] = 1;
    Command::Release(Release {
        activation,
        requester: Requester::Operator,
        request: RequestStamp::release(RequestId(id), activation),
        origin: origin(),
    })
}

/// The change that a command makes of an account, decided outside the engine.
pub(crate) fn change(account: Option<&Account>, command: &Command) -> Change {
    let context = Context { policy: &POLICY, account, recorded: None, lookup_owner: None };
    let decision = decide(context, command);
    let after = decision.applied(account).expect("fits").expect("a key");
    let events: Vec<Event> = decision.events;
    assert!(!events.is_empty(), "the command records something");
    let expected_version = account.map_or(0, |account| account.head.version);
    Change { expected_version, events, account: Arc::new(after) }
}
