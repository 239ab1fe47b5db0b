//! Decides known and new computers on a key that knows many: what a decision costs, and what it
//! costs the writer, who has a copy of the account take it in.

use std::hint::black_box;
use std::sync::Arc;

use activation_service::domain::account::Account;
use activation_service::domain::command::{Activate, Command, Context, Decision, Register, decide};
use activation_service::domain::event::{Client, Origin, RequestStamp};
use activation_service::domain::evidence::{Component, Evidence};
use activation_service::domain::ids::{ActivationId, KeyId, RequestId};
use activation_service::domain::policy::Policy;
use activation_service::domain::product_key::{LookupDigest, PepperId};
use activation_service::domain::terms::{CountingMode, Platform, Platforms, Suspension, Terms};
use hardware_evidence::ComponentKind as K;
use hardware_evidence::{DeploymentSalt, Digest, JunkDigests};
use sha2::{Digest as _, Sha256};

use crate::Work;

pub(crate) const PRODUCT: &str = "products/office";
/// Kinds of a computer that shows everything.
const KINDS: [K; 11] = [
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
    K::OsInstallId,
];
/// Kinds of which all computers of a model have the same value.
const MODEL: [K; 4] = [K::BoardModel, K::Cpu, K::Gpu, K::RamRange];
/// A computer that the key does not know.
const STRANGER: u32 = u32::MAX;

/// Decisions on a key with so many computers, each of them activated once.
pub(crate) fn work(computers: u32, rounds: u32, records: bool) -> Work {
    let policy = Policy::hw_v1(JunkDigests::new(&DeploymentSalt::new([3; 32])));
    let account = account(&policy, computers);
    // Any known computer, unchanged, with another disk, with another board; and a new one.
    let known = computers / 2;
    let reports = [
        computer(known, &[]),
        computer(known, &[K::OsDisk]),
        computer(known, &[K::BoardSerial, K::SystemUuid, K::Nic, K::TpmEk]),
        computer(STRANGER, &[]),
    ];
    let commands: Vec<Command> = reports.iter().map(|report| activate(STRANGER, report)).collect();
    let operations = u64::from(rounds) * commands.len() as u64;
    let run = move || {
        for command in (0..rounds).flat_map(|_| &commands) {
            let decision = decided(&policy, Some(&account), command);
            if records {
                black_box(decision.applied(Some(&account)).expect("it fits"));
            }
            black_box(decision);
        }
    };
    Work { operations, run: Box::new(run) }
}

pub(crate) fn decided(policy: &Policy, account: Option<&Account>, command: &Command) -> Decision {
    decide(Context { policy, account, recorded: None, lookup_owner: None }, command)
}

/// Makes a key known.
pub(crate) fn register(number: u32) -> Command {
    Command::Register(Box::new(Register {
        key_id: KeyId(digest(1, number)),
        terms: Terms {
            owner: "contoso".to_owned(),
            product: PRODUCT.to_owned(),
            platforms: Platforms::ALL,
            limit: u32::MAX,
            counting_mode: CountingMode::HardwareTolerant,
            releases_max: 0,
            activate_by_ms: None,
            help_uri: String::new(),
            handle_allowed: false,
        },
        suspension: Suspension::default(),
        lookups: vec![LookupDigest { pepper: PepperId(1), digest: look_up(number) }],
        origin: origin(),
    }))
}

/// A key with as many computers as asked for, each of them activated once.
fn account(policy: &Policy, computers: u32) -> Account {
    let register = register(0);
    let mut account = decided(policy, None, &register).applied(None).expect("it fits");
    for number in 0..computers {
        let activate = activate(number, &computer(number, &[]));
        let decision = decided(policy, account.as_ref(), &activate);
        account = decision.applied(account.as_ref()).expect("it fits");
    }
    let account = account.expect("a key");
    assert_eq!(account.head.computers, computers);
    account
}

fn origin() -> Origin {
    let client = Client { name: "setup".to_owned(), version: "1".to_owned() };
    Origin { actor: "product-key".to_owned(), reason: String::new(), client, time_ms: 0 }
}

pub(crate) fn activate(number: u32, evidence: &Evidence) -> Command {
    let (platform, id) = (Platform::Windows, RequestId(digest(0, number)));
    Command::Activate(Activate {
        product: PRODUCT.to_owned(),
        evidence: Arc::new(evidence.clone()),
        platform,
        request: RequestStamp::activate(id, PRODUCT, evidence, platform),
        new_activation: ActivationId(digest(0, number)),
        origin: origin(),
    })
}

/// A computer of a model, where the kinds in `changed` have another value.
pub(crate) fn computer(number: u32, changed: &[K]) -> Evidence {
    let component = |kind: K| {
        let unit = if MODEL.contains(&kind) { 0 } else { number };
        let value = if changed.contains(&kind) { !unit } else { unit };
        Component::new(kind, 1, vec![Digest(digest(kind.number(), value))]).expect("valid")
    };
    Evidence::new(KINDS.map(component).to_vec()).expect("valid")
}

pub(crate) fn digest(kind: u8, value: u32) -> [u8; 16] {
    let full = Sha256::new().chain_update([kind]).chain_update(value.to_be_bytes()).finalize();
    let mut digest = [0; 16];
    digest.iter_mut().zip(full).for_each(|(to, from)| *to = from);
    digest
}

fn look_up(number: u32) -> [u8; 32] {
    Sha256::digest(number.to_be_bytes()).into()
}
