//! Requests from anywhere, to every method: an answer, or a refusal with a reason; and no count
//! above the limit.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use activation_service::adapters::randomness::SystemRandomness;
use activation_service::app::{App, ProofTerms};
use activation_service::domain::ids::KeyId;
use activation_service::domain::policy::Policy;
use activation_service::domain::product_key::{Pepper, PepperId, Peppers};
use activation_service::grpc::ActivationRpcs;
use activation_service::ports::{Clock, LookupGuard};
use activation_service::storage::memory::MemoryLedger;
use chassis::auth::Principal;
use chassis::page_token::Sealer;
use hardware_evidence::{DeploymentSalt, JunkDigests};
use prost::Message;
use proto::activation::v1 as pb;
use proto::activation::v1::activation_service_server::ActivationService;
use system_tests::Computer;
use tonic::{Code, Request, Response, Status};

const SECRET: &str = "FOREIGN-KEY-0001";
const KEY_ID: &str = "00000000000000000000000000000001";
const LIMIT: u32 = 2;
/// How many methods there are.
const METHODS: u8 = 11;

struct Fixed;

impl Clock for Fixed {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000
    }
}

impl LookupGuard for Fixed {
    fn admit(&self, _: IpAddr) -> Result<(), Duration> {
        Ok(())
    }
    fn failed(&self, _: IpAddr) {}
    fn used(&self, _: KeyId) {}
}

pub(super) fn run(input: &[u8]) {
    static RUNTIME: OnceLock<Option<tokio::runtime::Runtime>> = OnceLock::new();
    let runtime =
        RUNTIME.get_or_init(|| tokio::runtime::Builder::new_current_thread().build().ok());
    let Some(runtime) = runtime else { return };
    runtime.block_on(async {
        let Some((kind, rest)) = input.split_first() else { return };
        let (rpcs, background) = service();
        let registered = call(&rpcs, 9, "CATALOG", &registration().encode_to_vec()).await;
        assert!(matches!(registered, Some(Ok(()))), "the key is registered: {registered:?}");
        let role = ["INSTALLER", "GLOBAL_ADMIN", "CATALOG", "OPS_ADMIN"];
        let role = role.get(usize::from(kind / METHODS) % role.len()).copied().unwrap_or_default();
        // Twice: the second may be a repeat.
        for _ in 0..2 {
            if let Some(Err(status)) = call(&rpcs, kind % METHODS, role, rest).await {
                check(&status);
            }
        }
        let request = pb::GetKeyRequest { name: format!("productKeys/{KEY_ID}") };
        let key = rpcs.get_key(of("OPS_ADMIN", request)).await;
        let key = key.ok().and_then(|key| key.into_inner().key);
        assert!(key.as_ref().is_some_and(|key| key.used <= key.limit.max(LIMIT)), "{key:?}");
        drop(rpcs);
        background.finish().await;
    });
}

/// Every refusal says why, and none is a fault of ours.
fn check(status: &Status) {
    let faults = [Code::Internal, Code::Unknown, Code::DataLoss];
    assert!(!faults.contains(&status.code()), "{status:?}");
    assert!(!status.details().is_empty(), "a refusal without details: {status:?}");
}

fn service() -> (ActivationRpcs, activation_service::app::Background) {
    let salt = DeploymentSalt::new([3; 32]);
    let policy = Policy::hw_v1(JunkDigests::new(&salt));
    let rules = Arc::new(policy.rules().clone());
    let (app, background) = App::start(
        Arc::new(MemoryLedger::default()),
        Arc::new(Fixed),
        Arc::new(SystemRandomness),
        policy,
        Peppers::new(Pepper::new(PepperId(1), [5; 32]), None),
        salt,
        ProofTerms::default(),
    );
    let slot = activation_service::grpc::AppSlot::default();
    let _ = slot.set(app);
    let rpcs = ActivationRpcs {
        app: slot,
        guard: Arc::new(Fixed),
        sealer: Sealer::new(b"a secret of sixteen bytes"),
        help_base_uri: "https://help.example".to_owned(),
        rules,
    };
    (rpcs, background)
}

fn of<T>(role: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let principal = Principal::new("somebody", ["INSTALLER", role], Some("contoso".to_owned()));
    request.extensions_mut().insert(principal);
    request
}

/// Calls a method by its number; none if the bytes are no message of its.
async fn call(
    rpcs: &ActivationRpcs,
    method: u8,
    role: &str,
    bytes: &[u8],
) -> Option<Result<(), Status>> {
    macro_rules! ask {
        ($message:ty, $method:ident) => {{
            let message = <$message>::decode(bytes).ok()?;
            done(rpcs.$method(of(role, message)).await)
        }};
    }
    Some(match method {
        0 => ask!(pb::GetActivationTermsRequest, get_activation_terms),
        1 => ask!(pb::PreviewActivationRequest, preview_activation),
        2 => ask!(pb::ActivateRequest, activate),
        3 => ask!(pb::ReleaseActivationRequest, release_activation),
        4 => ask!(pb::GetKeyRequest, get_key),
        5 => ask!(pb::BatchGetKeyUsageRequest, batch_get_key_usage),
        6 => ask!(pb::ListActivationsRequest, list_activations),
        7 => ask!(pb::ListKeyEventsRequest, list_key_events),
        8 => ask!(pb::GetLedgerHeadRequest, get_ledger_head),
        9 => ask!(pb::BatchRegisterKeysRequest, batch_register_keys),
        _ => ask!(pb::UpdateKeyRequest, update_key),
    })
}

fn done<T>(answer: Result<Response<T>, Status>) -> Result<(), Status> {
    answer.map(drop)
}

fn registration() -> pb::BatchRegisterKeysRequest {
    let key = pb::KeyRegistration {
        key_id: KEY_ID.to_owned(),
        product_key: SECRET.to_owned(),
        owner: "contoso".to_owned(),
        product: "products/office".to_owned(),
        limit: LIMIT,
        help_uri: "https://help.example/benefits".to_owned(),
        ..Default::default()
    };
    pb::BatchRegisterKeysRequest { keys: vec![key] }
}

fn activation() -> Option<pb::ActivateRequest> {
    let salt = DeploymentSalt::new([3; 32]);
    Some(pb::ActivateRequest {
        product_key: SECRET.to_owned(),
        product: "products/office".to_owned(),
        evidence: Some(Computer::numbered(1).ok()?.evidence(&salt).ok()?),
        platform: pb::Platform::Linux.into(),
        request_id: vec![1; 16].into(),
        ..Default::default()
    })
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let name = format!("productKeys/{KEY_ID}");
    let with = |method: u8, role: u8, bytes: Vec<u8>| {
        let mut input = vec![method + role * METHODS];
        input.extend(bytes);
        input
    };
    vec![
        with(2, 0, activation().map(|request| request.encode_to_vec()).unwrap_or_default()),
        with(4, 3, pb::GetKeyRequest { name: name.clone() }.encode_to_vec()),
        with(
            7,
            1,
            pb::ListKeyEventsRequest { parent: name, page_size: 5, ..Default::default() }
                .encode_to_vec(),
        ),
        with(9, 2, registration().encode_to_vec()),
    ]
}
