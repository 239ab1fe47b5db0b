//! An activation service that keeps keys in memory and fails as it is told.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use proto::activation::v1 as pb;
use proto::activation::v1::activation_service_server::{
    ActivationService, ActivationServiceServer,
};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mood {
    /// As it should.
    #[default]
    Well,
    /// Answers nothing but UNAVAILABLE and does nothing.
    Down,
    /// Does what it is asked and then loses the answer.
    LosesAnswers,
    /// Never answers the question for usage.
    SilentOnUsage,
    /// Says INVALID_ARGUMENT to every registration.
    RejectsKeys,
}

#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) terms: pb::KeyRegistration,
    pub(crate) suspension: pb::Suspension,
}

#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) mood: Mood,
    pub(crate) keys: HashMap<String, Known>,
    /// Product keys that it knows under another id.
    pub(crate) foreign: Vec<String>,
    pub(crate) calls: usize,
}

#[derive(Clone)]
pub(crate) struct Fake {
    ledger: Arc<Mutex<Ledger>>,
    changed: Arc<watch::Sender<u64>>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        let (changed, _) = watch::channel(0);
        Self { ledger: Arc::default(), changed: Arc::new(changed) }
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("no test panics while it holds the ledger")
    }

    pub(crate) fn mood(&self, mood: Mood) {
        self.ledger().mood = mood;
    }

    /// Serves on any free port until the handle is aborted.
    pub(crate) async fn serve(&self) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let service = ActivationServiceServer::new(self.clone());
        let task = tokio::spawn(async move {
            let incoming = TcpListenerStream::new(listener);
            let server = tonic::transport::Server::builder().add_service(service);
            server.serve_with_incoming(incoming).await.expect("serves");
        });
        (address, task)
    }

    /// Waits until the ledger is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&Ledger) -> bool) {
        let mut changes = self.changed.subscribe();
        while !wanted(&self.ledger()) {
            let change = tokio::time::timeout(crate::world::PATIENCE, changes.changed());
            change.await.expect("the ledger changes in time").expect("the fake lives");
        }
    }

    /// What it does before and after every call.
    fn enter<T>(&self, method: &str, request: &Request<T>) -> Result<(), Status> {
        let identity = request.metadata().get("x-dev-identity").expect("it says who it is");
        assert_eq!(identity, "subject=catalog-service;roles=CATALOG");
        assert!(request.metadata().contains_key("grpc-timeout"), "every call has a deadline");
        let mut ledger = self.ledger();
        ledger.calls += 1;
        let mood = ledger.mood;
        drop(ledger);
        self.changed.send_modify(|count| *count += 1);
        match (mood, method) {
            (Mood::Down, _) => Err(Status::unavailable("down")),
            (Mood::RejectsKeys, "register") => Err(Status::invalid_argument("never")),
            _ => Ok(()),
        }
    }

    fn leave<T>(&self, answer: T) -> Result<Response<T>, Status> {
        let lost = self.ledger().mood == Mood::LosesAnswers;
        self.changed.send_modify(|count| *count += 1);
        if lost { Err(Status::unavailable("lost")) } else { Ok(Response::new(answer)) }
    }
}

impl Ledger {
    /// Registers a key, or says that it cannot be.
    fn register(&mut self, key: &pb::KeyRegistration) -> bool {
        if self.foreign.contains(&key.product_key) {
            return false;
        }
        let suspension = key.suspension.unwrap_or_default();
        let terms = pb::KeyRegistration { suspension: None, ..key.clone() };
        if let Some(known) = self.keys.get_mut(&key.key_id) {
            known.suspend(suspension);
            return known.terms == terms;
        }
        self.keys.insert(key.key_id.clone(), Known { terms, suspension });
        true
    }

    pub(crate) fn suspended(&self, key_id: &str) -> Option<bool> {
        self.keys.get(key_id).map(|known| known.suspension.suspended)
    }
}

impl Known {
    fn suspend(&mut self, wanted: pb::Suspension) {
        if wanted.generation > self.suspension.generation {
            self.suspension = wanted;
        }
    }

    fn message(&self) -> pb::ProductKey {
        pb::ProductKey {
            name: format!("productKeys/{}", self.terms.key_id),
            suspension: Some(self.suspension),
            ..pb::ProductKey::default()
        }
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ActivationService for Fake {
    async fn batch_register_keys(
        &self,
        request: Request<pb::BatchRegisterKeysRequest>,
    ) -> Answer<pb::BatchRegisterKeysResponse> {
        self.enter("register", &request)?;
        let keys = request.into_inner().keys;
        let mut details = ErrorDetails::new();
        let mut violations = Vec::new();
        let known = {
            let mut ledger = self.ledger();
            for (index, key) in keys.iter().enumerate() {
                if !ledger.register(key) {
                    let field = format!("keys[{index}].product_key");
                    violations.push(FieldViolation::new(field, "known under another id"));
                }
            }
            keys.iter().filter_map(|key| Some(ledger.keys.get(&key.key_id)?.message())).collect()
        };
        if violations.is_empty() {
            return self.leave(pb::BatchRegisterKeysResponse { keys: known });
        }
        details.set_bad_request(violations);
        details.set_error_info("KEY_ALREADY_REGISTERED", "benefits.activation.v1", []);
        self.changed.send_modify(|count| *count += 1);
        Err(Status::with_error_details(Code::AlreadyExists, "known", details))
    }

    async fn update_key(
        &self,
        request: Request<pb::UpdateKeyRequest>,
    ) -> Answer<pb::UpdateKeyResponse> {
        self.enter("update", &request)?;
        let request = request.into_inner();
        let paths = request.update_mask.unwrap_or_default().paths;
        assert_eq!(paths, ["suspension"], "CATALOG may set nothing else");
        assert!(!request.reason.is_empty());
        let key = request.key.unwrap_or_default();
        let known = {
            let mut ledger = self.ledger();
            let id = key.name.trim_start_matches("productKeys/");
            let known = ledger.keys.get_mut(id).ok_or_else(|| Status::not_found("no such key"))?;
            known.suspend(key.suspension.unwrap_or_default());
            known.message()
        };
        self.leave(pb::UpdateKeyResponse { key: Some(known) })
    }

    async fn batch_get_key_usage(
        &self,
        request: Request<pb::BatchGetKeyUsageRequest>,
    ) -> Answer<pb::BatchGetKeyUsageResponse> {
        self.enter("usage", &request)?;
        if self.ledger().mood == Mood::SilentOnUsage {
            std::future::pending::<()>().await;
        }
        let (mut usages, mut missing_names) = (Vec::new(), Vec::new());
        for name in request.into_inner().names {
            let id = name.trim_start_matches("productKeys/");
            match self.ledger().keys.get(id) {
                None => missing_names.push(name),
                Some(known) => usages.push(pb::KeyUsage {
                    name,
                    used: 2,
                    limit: known.terms.limit,
                    remaining: known.terms.limit.saturating_sub(2),
                    ..pb::KeyUsage::default()
                }),
            }
        }
        let as_of_time = Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 });
        self.leave(pb::BatchGetKeyUsageResponse {
            usages,
            missing_names,
            as_of_sequence: 1,
            as_of_time,
        })
    }

    async fn get_activation_terms(
        &self,
        _: Request<pb::GetActivationTermsRequest>,
    ) -> Answer<pb::GetActivationTermsResponse> {
        Err(Status::unimplemented("the catalog never asks this"))
    }

    async fn preview_activation(
        &self,
        _: Request<pb::PreviewActivationRequest>,
    ) -> Answer<pb::PreviewActivationResponse> {
        Err(Status::unimplemented("the catalog never asks this"))
    }

    async fn activate(&self, _: Request<pb::ActivateRequest>) -> Answer<pb::ActivateResponse> {
        Err(Status::unimplemented("the catalog never asks this"))
    }

    async fn release_activation(
        &self,
        _: Request<pb::ReleaseActivationRequest>,
    ) -> Answer<pb::ReleaseActivationResponse> {
        Err(Status::unimplemented("the catalog never asks this"))
    }

    async fn get_key(&self, _: Request<pb::GetKeyRequest>) -> Answer<pb::GetKeyResponse> {
        Err(Status::unimplemented("the catalog never asks this"))
    }

    async fn list_activations(
        &self,
        _: Request<pb::ListActivationsRequest>,
    ) -> Answer<pb::ListActivationsResponse> {
        Err(Status::unimplemented("the catalog never asks this"))
    }

    async fn list_key_events(
        &self,
        _: Request<pb::ListKeyEventsRequest>,
    ) -> Answer<pb::ListKeyEventsResponse> {
        Err(Status::unimplemented("the catalog never asks this"))
    }

    async fn get_ledger_head(
        &self,
        _: Request<pb::GetLedgerHeadRequest>,
    ) -> Answer<pb::GetLedgerHeadResponse> {
        Err(Status::unimplemented("the catalog never asks this"))
    }
}
