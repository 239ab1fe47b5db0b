//! Services whose answers a test writes down beforehand, and that can die in the middle of a call.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use proto::activation::v1 as activation;
use proto::activation::v1::activation_service_server::{
    ActivationService, ActivationServiceServer,
};
use proto::catalog::v1 as catalog;
use proto::catalog::v1::catalog_service_server::{CatalogService, CatalogServiceServer};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

pub(crate) const SALT: [u8; 32] = [7; 32];

/// What Activate does next.
pub(crate) enum Reply {
    Answer(activation::ActivateResponse),
    Refuse(Status),
    /// Never answers; tells that the call arrived.
    Hang(Arc<Notify>),
}

/// What the services saw and will say.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) replies: Mutex<VecDeque<Reply>>,
    pub(crate) activations: Mutex<Vec<activation::ActivateRequest>>,
    pub(crate) releases: Mutex<Vec<activation::ReleaseActivationRequest>>,
    pub(crate) metadata: Mutex<Vec<tonic::metadata::MetadataMap>>,
    pub(crate) terms_asked: Mutex<u32>,
    pub(crate) reveals: Mutex<u32>,
    /// The head that the ledger shows; without one it has none.
    pub(crate) head: Mutex<Option<bytes::Bytes>>,
    /// The history of every key, two events a page.
    pub(crate) history: Mutex<Vec<activation::KeyEvent>>,
}

/// Both services on one port, in a runtime of their own that can be torn down under its calls.
pub(crate) struct Fake {
    runtime: Mutex<Option<Runtime>>,
    pub(crate) address: SocketAddr,
    pub(crate) script: Arc<Script>,
}

impl Fake {
    pub(crate) fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), replies)
    }

    pub(crate) fn start_at(address: SocketAddr, replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(Server::builder(), address, replies)
    }

    pub(crate) fn start_with(
        mut server: Server,
        address: SocketAddr,
        replies: impl IntoIterator<Item = Reply>,
    ) -> Self {
        let script = Arc::new(Script::default());
        script.replies.lock().unwrap().extend(replies);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        // The port is bound before anyone is told of it, so nobody has to wait for the server.
        let (bound, ready) = std::sync::mpsc::channel();
        let service = Service(script.clone());
        runtime.spawn(async move {
            let listener = TcpListener::bind(address).await.unwrap();
            bound.send(listener.local_addr().unwrap()).unwrap();
            server
                .add_service(ActivationServiceServer::new(service.clone()))
                .add_service(CatalogServiceServer::new(service))
                .serve_with_incoming(TcpListenerStream::new(listener))
                .await
                .unwrap();
        });
        let address = ready.recv().unwrap();
        Self { runtime: Mutex::new(Some(runtime)), address, script }
    }

    pub(crate) fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends all connections at once, as a crash does.
    pub(crate) fn die(&self) {
        if let Some(runtime) = self.runtime.lock().unwrap().take() {
            runtime.shutdown_background();
        }
    }

    pub(crate) fn activations(&self) -> Vec<activation::ActivateRequest> {
        self.script.activations.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.die();
    }
}

pub(crate) fn counted() -> activation::ActivateResponse {
    activation::ActivateResponse {
        outcome: activation::ActivationOutcome::CountedNewComputer.into(),
        activation: "productKeys/ab/activations/cd".to_owned(),
        used: 1,
        limit: 5,
        remaining: 4,
        explanation: Some(activation::Explanation {
            policy_version: "hw-v1".to_owned(),
            threshold: 60,
            kinds: vec![activation::KindExplanation {
                kind: activation::ComponentKind::OsDisk.into(),
                verdict: activation::KindVerdict::Absent.into(),
                points: 20,
            }],
            ..activation::Explanation::default()
        }),
        ..activation::ActivateResponse::default()
    }
}

/// A refusal as the services make it.
pub(crate) fn refusal(code: Code, reason: &str) -> Status {
    let mut details = ErrorDetails::new();
    details
        .set_error_info(reason, "benefits.activation.v1", [])
        .set_localized_message("nl", "De sleutel kan niet meer worden geactiveerd.")
        .add_help_link("Support", "https://example.com/support");
    details.add_bad_request_violation("request_id", "must have 16 bytes");
    Status::with_error_details(code, "refused", details)
}

#[derive(Clone)]
struct Service(Arc<Script>);

type Answer<'f, T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send + 'f>>;

/// Methods that no test calls, written as `async_trait` would: it does not see into macros.
macro_rules! uncalled {
    ($package:ident: $($name:ident($request:ident) -> $response:ident;)*) => {$(
        fn $name<'a, 'f>(
            &'a self,
            _: Request<$package::$request>,
        ) -> Answer<'f, $package::$response>
        where
            'a: 'f,
            Self: 'f,
        {
            Box::pin(async { Err(Status::unimplemented("not part of this test")) })
        }
    )*};
}

#[tonic::async_trait]
impl ActivationService for Service {
    async fn get_activation_terms(
        &self,
        request: Request<activation::GetActivationTermsRequest>,
    ) -> Result<Response<activation::GetActivationTermsResponse>, Status> {
        self.0.metadata.lock().unwrap().push(request.metadata().clone());
        *self.0.terms_asked.lock().unwrap() += 1;
        Ok(Response::new(activation::GetActivationTermsResponse {
            recipe_versions: vec![1],
            deployment_salt: SALT.to_vec().into(),
            policy_version: "hw-v1".to_owned(),
            receipt_keys: Vec::new(),
        }))
    }

    async fn activate(
        &self,
        request: Request<activation::ActivateRequest>,
    ) -> Result<Response<activation::ActivateResponse>, Status> {
        self.0.activations.lock().unwrap().push(request.into_inner());
        let reply = self.0.replies.lock().unwrap().pop_front();
        match reply {
            Some(Reply::Answer(response)) => Ok(Response::new(response)),
            Some(Reply::Refuse(status)) => Err(status),
            Some(Reply::Hang(arrived)) => {
                arrived.notify_one();
                std::future::pending().await
            }
            None => Err(Status::internal("the script has ended")),
        }
    }

    async fn release_activation(
        &self,
        request: Request<activation::ReleaseActivationRequest>,
    ) -> Result<Response<activation::ReleaseActivationResponse>, Status> {
        self.0.releases.lock().unwrap().push(request.into_inner());
        Ok(Response::new(activation::ReleaseActivationResponse::default()))
    }

    async fn get_ledger_head(
        &self,
        _: Request<activation::GetLedgerHeadRequest>,
    ) -> Result<Response<activation::GetLedgerHeadResponse>, Status> {
        let head = self.0.head.lock().unwrap().clone();
        let signed_head = head.ok_or(refusal(Code::FailedPrecondition, "NO_LEDGER_HEAD"))?;
        // What stands beside the signed bytes is not to be believed.
        let batch = 999_999;
        Ok(Response::new(activation::GetLedgerHeadResponse {
            signed_head,
            batch,
            ..activation::GetLedgerHeadResponse::default()
        }))
    }

    async fn list_key_events(
        &self,
        request: Request<activation::ListKeyEventsRequest>,
    ) -> Result<Response<activation::ListKeyEventsResponse>, Status> {
        let from: usize = request.get_ref().page_token.parse().unwrap_or(0);
        let history = self.0.history.lock().unwrap();
        if history.is_empty() {
            return Err(refusal(Code::NotFound, "KEY_NOT_FOUND"));
        }
        let events: Vec<_> = history.iter().skip(from).take(2).cloned().collect();
        let next = from + events.len();
        let more = next < history.len();
        Ok(Response::new(activation::ListKeyEventsResponse {
            events,
            next_page_token: if more { next.to_string() } else { String::new() },
            as_of_sequence: 0,
        }))
    }

    uncalled! { activation:
        preview_activation(PreviewActivationRequest) -> PreviewActivationResponse;
        get_key(GetKeyRequest) -> GetKeyResponse;
        batch_get_key_usage(BatchGetKeyUsageRequest) -> BatchGetKeyUsageResponse;
        list_activations(ListActivationsRequest) -> ListActivationsResponse;
        batch_register_keys(BatchRegisterKeysRequest) -> BatchRegisterKeysResponse;
        update_key(UpdateKeyRequest) -> UpdateKeyResponse;
    }
}

#[tonic::async_trait]
impl CatalogService for Service {
    /// Two pages of two benefits each.
    async fn list_benefits(
        &self,
        request: Request<catalog::ListBenefitsRequest>,
    ) -> Result<Response<catalog::ListBenefitsResponse>, Status> {
        self.0.metadata.lock().unwrap().push(request.metadata().clone());
        let first = request.get_ref().page_token.is_empty();
        let title = |n: u32| catalog::Benefit {
            title: format!("Benefit {n}\u{1b}[31m"),
            ..catalog::Benefit::default()
        };
        let benefits = if first { vec![title(1), title(2)] } else { vec![title(3), title(4)] };
        Ok(Response::new(catalog::ListBenefitsResponse {
            benefits,
            next_page_token: if first { "second".to_owned() } else { String::new() },
            state: catalog::BenefitListState::Active.into(),
            total_size: 4,
            ..catalog::ListBenefitsResponse::default()
        }))
    }

    /// Not available at first, so that a repeat would show.
    async fn reveal_product_key(
        &self,
        _: Request<catalog::RevealProductKeyRequest>,
    ) -> Result<Response<catalog::RevealProductKeyResponse>, Status> {
        *self.0.reveals.lock().unwrap() += 1;
        Err(Status::unavailable("provisioning"))
    }

    uncalled! { catalog:
        list_products(ListProductsRequest) -> ListProductsResponse;
        get_product(GetProductRequest) -> GetProductResponse;
        get_install_instructions(GetInstallInstructionsRequest) -> GetInstallInstructionsResponse;
        get_benefit(GetBenefitRequest) -> GetBenefitResponse;
        get_download(GetDownloadRequest) -> GetDownloadResponse;
        list_key_reveals(ListKeyRevealsRequest) -> ListKeyRevealsResponse;
        list_offers(ListOffersRequest) -> ListOffersResponse;
        upsert_partner(UpsertPartnerRequest) -> UpsertPartnerResponse;
        upsert_enrolment(UpsertEnrolmentRequest) -> UpsertEnrolmentResponse;
        import_product_keys(ImportProductKeysRequest) -> ImportProductKeysResponse;
        reload_content(ReloadContentRequest) -> ReloadContentResponse;
    }
}
