//! The world of the stories: an activation service on port 0, and callers of every kind.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use activation_service::config::{Config, FailedLookups, SledFolder, Storage};
use activation_service::server::{self, ServerError};
use chassis::config::Secret;
use chassis::serve::DrainOutcome;
use product_key::ProductKey;
use proto::activation::v1 as pb;
use proto::activation::v1::activation_service_client::ActivationServiceClient;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The longest that a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const PRODUCT: &str = "products/office-2019";
pub(crate) const HELP: &str = "https://help.test";

/// Pepper and salt of the tests, as settings have them.
pub(crate) const PEPPER: &str = "c0ffee00c0ffee11c0ffee22c0ffee33c0ffee44c0ffee55c0ffee66c0ffee77";
pub(crate) const SALT: &str = "5a17000000000000000000000000000000000000000000000000000000000001";

pub(crate) const RECEIPT_KEY: &str =
    "4e0f000000000000000000000000000000000000000000000000000000000002";

pub(crate) type Client = ActivationServiceClient<InterceptedService<Channel, Speaker>>;

/// Says who calls and in which language.
#[derive(Clone, Default)]
pub(crate) struct Speaker {
    identity: Option<MetadataValue<Ascii>>,
    language: Option<MetadataValue<Ascii>>,
}

impl Interceptor for Speaker {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(identity) = &self.identity {
            request.metadata_mut().insert("x-dev-identity", identity.clone());
        }
        if let Some(language) = &self.language {
            request.metadata_mut().insert("accept-language", language.clone());
        }
        Ok(request)
    }
}

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    channel: Channel,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<DrainOutcome, ServerError>>,
}

/// Settings for tests: loopback, development identity, and look-ups that are not limited.
pub(crate) fn config(storage: Storage) -> Config {
    let mut config = Config { storage, ..Config::default() };
    config.serve.identity.development = true;
    config.serve.help_base_uri = HELP.to_owned();
    config.serve.limits.call_timeout_ms_max = 20_000;
    config.secrets.pepper = Some(Secret::new(PEPPER.to_owned()));
    config.secrets.deployment_salt = Some(Secret::new(SALT.to_owned()));
    config.secrets.receipt_key = Some(Secret::new(RECEIPT_KEY.to_owned()));
    config.failed_lookups =
        FailedLookups { per_minute: 60_000, burst: 10_000, ..FailedLookups::default() };
    config
}

pub(crate) fn sled(folder: &Path) -> Storage {
    let folder = folder.join("ledger");
    Storage::Sled(SledFolder {
        folder,
        cache_bytes: 8 * 1024 * 1024,
        segment_bytes: 1024 * 1024,
        reserve_bytes: 1024 * 1024,
        low_water_bytes: 1024 * 1024,
        ..SledFolder::default()
    })
}

impl World {
    pub(crate) async fn memory() -> Self {
        Self::start(|_| config(Storage::Memory)).await
    }

    pub(crate) async fn sled() -> Self {
        Self::start(|folder| config(sled(folder))).await
    }

    pub(crate) async fn start(config: impl FnOnce(&Path) -> Config) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let bound = server::bind(config(folder.path())).await.expect("it binds");
        let address = bound.local_addr();
        let mut serving = bound.serving();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(bound.run(async {
            let _ = stopped.await;
        }));
        let open = tokio::time::timeout(PATIENCE, serving.wait_for(|serving| *serving));
        if open.await.expect("in time").is_err() {
            panic!("the ledger does not open: {:?}", task.await.expect("no panic").err());
        }
        let channel = connect(address).await;
        Self { address, folder, channel, stop, task }
    }

    /// Stops the service as SIGTERM does, and hands back the folder.
    pub(crate) async fn stop(self) -> TempDir {
        let Self { folder, channel, stop, task, .. } = self;
        drop(channel);
        stop.send(()).expect("it runs");
        let ended = tokio::time::timeout(PATIENCE, task).await.expect("in time");
        ended.expect("no panic").expect("no fault");
        folder
    }

    pub(crate) fn speaking(&self, identity: Option<&str>, language: Option<&str>) -> Client {
        let text = |text: &str| text.parse().expect("metadata");
        let speaker = Speaker { identity: identity.map(text), language: language.map(text) };
        ActivationServiceClient::with_interceptor(self.channel.clone(), speaker)
    }

    /// A caller with a product key alone, on a connection of its own.
    pub(crate) async fn connected(&self) -> Client {
        let channel = connect(self.address).await;
        ActivationServiceClient::with_interceptor(channel, Speaker::default())
    }

    /// A caller with a product key alone.
    pub(crate) fn installer(&self) -> Client {
        self.speaking(None, None)
    }

    pub(crate) fn admin(&self) -> Client {
        self.speaking(Some("subject=olga;roles=OPS_ADMIN"), None)
    }

    pub(crate) fn catalog(&self) -> Client {
        self.speaking(Some("subject=catalog.internal;roles=CATALOG"), None)
    }

    pub(crate) fn reader(&self) -> Client {
        self.speaking(Some("subject=otto;roles=OPS_READ"), None)
    }

    pub(crate) fn owner(&self, tenant: &str) -> Client {
        self.speaking(Some(&format!("subject=ann;roles=GLOBAL_ADMIN;tenant={tenant}")), None)
    }

    /// Registers a key with the changes that `set` makes to the usual terms.
    pub(crate) async fn register(
        &self,
        number: u8,
        set: impl FnOnce(&mut pb::KeyRegistration),
    ) -> pb::ProductKey {
        let mut registration = registration(number);
        set(&mut registration);
        let request = pb::BatchRegisterKeysRequest { keys: vec![registration] };
        let answer = self.catalog().batch_register_keys(request).await.expect("registered");
        answer.into_inner().keys.pop().expect("the key")
    }

    pub(crate) async fn key(&self, number: u8) -> pb::ProductKey {
        let request = pb::GetKeyRequest { name: key_name(number) };
        let answer = self.reader().get_key(request).await.expect("the key");
        answer.into_inner().key.expect("the key")
    }

    pub(crate) async fn update(&self, key: pb::ProductKey, paths: &[&str]) -> pb::ProductKey {
        let request = update(key, paths);
        let by_catalog = paths == ["suspension"];
        let mut client = if by_catalog { self.catalog() } else { self.admin() };
        let answer = client.update_key(request).await.expect("updated");
        answer.into_inner().key.expect("the key")
    }
}

async fn connect(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    endpoint.connect().await.expect("it connects")
}

pub(crate) fn update(key: pb::ProductKey, paths: &[&str]) -> pb::UpdateKeyRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    pb::UpdateKeyRequest {
        key: Some(key),
        update_mask: Some(prost_types::FieldMask { paths }),
        reason: "a test".to_owned(),
    }
}

/// The key as a person types it.
pub(crate) fn typed(number: u8) -> String {
    ProductKey::issue(&[number; 14]).grouped().to_string()
}

pub(crate) fn key_name(number: u8) -> String {
    format!("productKeys/{}", format!("{number:02x}").repeat(16))
}

/// The usual terms: limit 5, hardware tolerant, owner contoso.
pub(crate) fn registration(number: u8) -> pb::KeyRegistration {
    pb::KeyRegistration {
        key_id: format!("{number:02x}").repeat(16),
        product_key: typed(number),
        owner: "contoso".to_owned(),
        product: PRODUCT.to_owned(),
        limit: 5,
        ..pb::KeyRegistration::default()
    }
}

pub(crate) fn component(kind: pb::ComponentKind, value: u32) -> pb::EvidenceComponent {
    let mut digest = [0x77; 16];
    digest[..4].copy_from_slice(&value.to_be_bytes());
    let digests = vec![digest.to_vec().into()];
    pb::EvidenceComponent { kind: kind.into(), recipe_version: 1, digests }
}

/// A computer that shares nothing with any other number's: 79 points.
pub(crate) fn computer(number: u32) -> pb::Evidence {
    use pb::ComponentKind as K;
    let kinds = [K::BoardSerial, K::SystemUuid, K::OsDisk, K::Nic, K::TpmEk];
    pb::Evidence { components: kinds.map(|kind| component(kind, number)).to_vec() }
}

/// The computer with other values of some kinds.
pub(crate) fn swapped(number: u32, kinds: &[pb::ComponentKind]) -> pb::Evidence {
    let mut evidence = computer(number);
    for part in &mut evidence.components {
        if kinds.iter().any(|kind| i32::from(*kind) == part.kind) {
            *part = component(part.kind(), number + 1_000_000);
        }
    }
    evidence
}

pub(crate) fn request_id(number: u32) -> bytes::Bytes {
    let mut id = [0x1d; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    id.to_vec().into()
}

/// An activation of a key on a computer; each number is a request of its own.
pub(crate) fn activate(key: u8, evidence: pb::Evidence, request: u32) -> pb::ActivateRequest {
    pb::ActivateRequest {
        product_key: typed(key),
        product: PRODUCT.to_owned(),
        evidence: Some(evidence),
        platform: pb::Platform::Windows.into(),
        client: Some(pb::ClientInfo { name: "setup".to_owned(), version: "1.2".to_owned() }),
        request_id: request_id(request),
    }
}

/// The preview of an activation.
pub(crate) fn preview(of: pb::ActivateRequest) -> pb::PreviewActivationRequest {
    pb::PreviewActivationRequest {
        product_key: of.product_key,
        product: of.product,
        evidence: of.evidence,
        platform: of.platform,
        client: of.client,
    }
}

/// The details of a refusal with this code and reason; they always lead on (R11).
#[track_caller]
pub(crate) fn refusal(status: &Status, code: Code, reason: &str) -> ErrorDetails {
    assert_eq!(status.code(), code, "{status:?}");
    let details = status.get_error_details();
    let info = details.error_info().expect("ErrorInfo");
    assert_eq!(info.reason, reason, "{status:?}");
    assert_eq!(info.domain, "benefits.activation.v1");
    assert!(details.localized_message().is_some_and(|text| !text.message.is_empty()));
    assert!(details.help().is_some_and(|help| !help.links.is_empty()), "{reason} leads nowhere");
    let transient = matches!(code, Code::Unavailable | Code::ResourceExhausted | Code::Aborted);
    assert_eq!(details.retry_info().is_some(), transient, "{reason}");
    details
}

pub(crate) fn metadata(details: &ErrorDetails) -> HashMap<String, String> {
    details.error_info().map(|info| info.metadata.clone()).unwrap_or_default()
}

/// The fields that a refusal names, each with its reason.
#[track_caller]
pub(crate) fn bad_fields(status: &Status) -> Vec<(String, String)> {
    let details = refusal(status, Code::InvalidArgument, "FIELD_INVALID");
    let request = details.bad_request().expect("BadRequest");
    let fields = request.field_violations.iter();
    fields.map(|bad| (bad.field.clone(), bad.reason.clone())).collect()
}
