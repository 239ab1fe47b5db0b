//! The whole of Activate but HTTP/2: from the bytes of requests, many at once as under load, to the
//! bytes of answers with their receipts.

use std::sync::Arc;

use activation_service::adapters::failed_lookups::LookupWatch;
use activation_service::app::{App, ProofTerms};
use activation_service::config::FailedLookups;
use activation_service::domain::policy::Policy;
use activation_service::domain::product_key::{Pepper, PepperId, Peppers};
use activation_service::grpc::{ActivationRoute, ActivationRpcs, AppSlot};
use activation_service::ports::{Clock, Proofs};
use bytes::Bytes;
use chassis::auth::Principal;
use chassis::page_token::Sealer;
use futures_util::future::join_all;
use hardware_evidence::{DeploymentSalt, JunkDigests};
use http_body_util::{BodyExt as _, Full};
use product_key::ProductKey;
use prost::Message;
use proto::activation::v1 as pb;
use tonic::body::Body;
use tonic::codegen::{Service as _, http};

use crate::Work;
use crate::committing::{BATCH, Counting, ledger};
use crate::deciding::{PRODUCT, digest};

const SERVICE: &str = "http://localhost/benefits.activation.v1.ActivationService";
/// Most activations of a key; none of these keys comes near.
const LIMIT: u32 = 1_000_000;
/// Kinds of a computer, those that have points.
const KINDS: [pb::ComponentKind; 10] = [
    pb::ComponentKind::BoardSerial,
    pb::ComponentKind::BoardModel,
    pb::ComponentKind::SystemUuid,
    pb::ComponentKind::OsDisk,
    pb::ComponentKind::Nic,
    pb::ComponentKind::TpmEk,
    pb::ComponentKind::Cpu,
    pb::ComponentKind::Gpu,
    pb::ComponentKind::RamRange,
    pb::ComponentKind::ChassisSerial,
];

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        1_000
    }
}

/// So many rounds of new computers, one on each of some keys, all of a round at once.
pub(crate) fn work(rounds: u32) -> Work {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let route = runtime.block_on(async { route(folder.path()) });
    let registered = runtime.block_on(call(&route, registration()));
    assert!(registered.len() > BATCH as usize, "the keys are known");
    // One round that no one counts.
    for request in (0..BATCH).map(|number| activation(number, 0)) {
        runtime.block_on(call(&route, request));
    }
    let mut requests: Vec<Vec<http::Request<Body>>> = (1..=rounds)
        .map(|round| (0..BATCH).map(|number| activation(number, round)).collect())
        .collect();
    let run = move || {
        // Held until the end, as the files of the books are.
        let _folder = &folder;
        for round in requests.drain(..) {
            let calls = round.into_iter().map(|request| call(&route, request));
            let answers = runtime.block_on(join_all(calls));
            assert!(answers.iter().all(|answer| answer.len() > 100), "with a receipt");
        }
    };
    Work { operations: u64::from(rounds * BATCH), run: Box::new(run) }
}

/// The RPCs over a ledger that does everything on this thread.
fn route(folder: &std::path::Path) -> ActivationRoute {
    let ledger = Arc::new(ledger(folder));
    let salt = DeploymentSalt::new([3; 32]);
    let policy = Policy::hw_v1(JunkDigests::new(&salt));
    let rules = Arc::new(policy.rules().clone());
    let peppers = Peppers::new(Pepper::new(PepperId(1), [5; 32]), None);
    let proofs = Some(Arc::clone(&ledger) as Arc<dyn Proofs>);
    let proof = ProofTerms { proofs, receipt_keys: Vec::new() };
    let randomness = Arc::new(Counting::default());
    // The background work ends with the runtime.
    let (app, _) = App::start(ledger, Arc::new(Still), randomness, policy, peppers, salt, proof);
    let slot = AppSlot::default();
    assert!(slot.set(app).is_ok(), "it is empty");
    ActivationRoute::new(ActivationRpcs {
        app: slot,
        guard: Arc::new(LookupWatch::new(FailedLookups::default())),
        sealer: Sealer::new(&[6; 32]),
        help_base_uri: "https://help.test".to_owned(),
        rules,
    })
}

/// The message of an answer, which must be no refusal.
async fn call(route: &ActivationRoute, request: http::Request<Body>) -> Bytes {
    let answer = route.clone().call(request).await.expect("never fails");
    let status = answer.headers().get("grpc-status").cloned();
    let answer = answer.into_body().collect().await.expect("a body");
    let trailer = answer.trailers().and_then(|trailers| trailers.get("grpc-status"));
    assert_eq!(trailer.map(|code| code.as_bytes()), Some(&b"0"[..]), "headers say {status:?}");
    answer.to_bytes()
}

fn request(method: &str, role: &str, message: &impl Message) -> http::Request<Body> {
    let length = u32::try_from(message.encoded_len()).expect("a short message").to_be_bytes();
    let framed = [&[0], length.as_slice(), &message.encode_to_vec()].concat();
    let body = Body::new(Full::new(Bytes::from(framed)));
    let request = http::Request::post(format!("{SERVICE}/{method}"));
    let mut request = request.header("content-type", "application/grpc").body(body);
    let principal = match role {
        "INSTALLER" => Principal::anonymous([role]),
        _ => Principal::new("catalog.internal", [role, "INSTALLER"], None),
    };
    request.as_mut().expect("a request").extensions_mut().insert(principal);
    request.expect("a request")
}

fn product_key(number: u32) -> String {
    let mut entropy = [0; 14];
    entropy.iter_mut().zip(digest(2, number)).for_each(|(to, from)| *to = from);
    ProductKey::issue(&entropy).grouped().to_string()
}

fn registration() -> http::Request<Body> {
    let key = |number: u32| pb::KeyRegistration {
        key_id: hex::encode(digest(1, number)),
        product_key: product_key(number),
        owner: "contoso".to_owned(),
        product: PRODUCT.to_owned(),
        limit: LIMIT,
        ..pb::KeyRegistration::default()
    };
    let message = pb::BatchRegisterKeysRequest { keys: (0..BATCH).map(key).collect() };
    request("BatchRegisterKeys", "CATALOG", &message)
}

/// A new computer on a key.
fn activation(key: u32, round: u32) -> http::Request<Body> {
    let computer = round * BATCH + key;
    let component = |kind: pb::ComponentKind| {
        let tag = u8::try_from(i32::from(kind)).expect("few kinds");
        let digests = vec![Bytes::from(digest(tag, computer).to_vec())];
        pb::EvidenceComponent { kind: kind.into(), recipe_version: 1, digests }
    };
    let message = pb::ActivateRequest {
        product_key: product_key(key),
        product: PRODUCT.to_owned(),
        evidence: Some(pb::Evidence { components: KINDS.map(component).to_vec() }),
        platform: pb::Platform::Windows.into(),
        client: Some(pb::ClientInfo { name: "setup".to_owned(), version: "1.2".to_owned() }),
        request_id: digest(0, computer).to_vec().into(),
    };
    request("Activate", "INSTALLER", &message)
}
