//! The world of the stories: a catalog service on port 0, its clock, its folder, and the fake
//! beside it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use catalog_service::config::Config;
use catalog_service::ports::Clock;
use catalog_service::server::{self, ServerError};
use chassis::channel::ChannelConfig;
use chassis::config::Secret;
use chassis::serve::DrainOutcome;
use prost_types::Timestamp;
use proto::catalog::v1 as pb;
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::fake::{Fake, Mood};

/// The longest that a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Noon of 2026-01-15, the day on which the stories begin.
pub(crate) const NOON_MS: i64 = 1_768_478_400_000;
pub(crate) const OFFICE: &str = "partners/contoso/benefits/core.office-professional-plus-2019";
pub(crate) const SERVER: &str = "partners/contoso/benefits/core.windows-server-2019-standard";
pub(crate) const CALS: &str = "partners/contoso/benefits/core.windows-server-2019-cals";
pub(crate) const SQL: &str = "partners/contoso/benefits/core.sql-server-2019-standard";

pub(crate) const ADMIN: &str = "subject=ann;roles=GLOBAL_ADMIN;tenant=contoso";
pub(crate) const MPN_ADMIN: &str = "subject=mia;roles=MPN_PARTNER_ADMIN;tenant=contoso";
pub(crate) const STRANGER: &str = "subject=eve;roles=GLOBAL_ADMIN;tenant=fabrikam";
pub(crate) const UNASSOCIATED: &str = "subject=una;roles=GLOBAL_ADMIN";
pub(crate) const READER: &str = "subject=rob;roles=CATALOG_READ";
pub(crate) const OPS: &str = "subject=olga;roles=OPS_ADMIN";
pub(crate) const OPS_READ: &str = "subject=otto;roles=OPS_READ";

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    pub(crate) fn at(now_ms: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(now_ms)))
    }

    pub(crate) fn set(&self, now_ms: i64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<DrainOutcome, ServerError>>,
}

pub(crate) struct World {
    pub(crate) fake: Fake,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) folder: TempDir,
    pub(crate) config: Config,
    pub(crate) client: CatalogServiceClient<Channel>,
    address: SocketAddr,
    running: Option<Running>,
}

impl World {
    /// Both services, and nothing in the store.
    pub(crate) async fn empty() -> Self {
        let fake = Fake::new();
        let (address, _) = fake.serve().await;
        let folder = TempDir::new().expect("a folder");
        let config = config(&folder, &format!("http://{address}"));
        let clock = HandClock::at(NOON_MS);
        let (running, client, address) = start(&config, &clock).await;
        Self { fake, clock, folder, config, client, address, running: Some(running) }
    }

    /// Partner contoso with enrolment `core` in the MAPS offer, in force for a year since
    /// yesterday.
    pub(crate) async fn enrolled() -> Self {
        let world = Self::empty().await;
        world.partner("contoso").await;
        world.enrol("core", NOON_MS - DAY_MS, NOON_MS + 364 * DAY_MS).await.expect("enrolled");
        world
    }

    pub(crate) async fn stop(&mut self) {
        let Some(running) = self.running.take() else { return };
        running.stop.send(()).expect("it runs");
        let outcome = tokio::time::timeout(PATIENCE, running.task).await.expect("ends in time");
        outcome.expect("no panic").expect("stops well");
    }

    /// Ends the service as a kill would: nothing is drained or closed.
    pub(crate) async fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.task.abort();
            assert!(running.task.await.is_err_and(|error| error.is_cancelled()));
        }
    }

    pub(crate) async fn start(&mut self) {
        let (running, client, address) = start(&self.config, &self.clock).await;
        self.running = Some(running);
        (self.client, self.address) = (client, address);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs a program to its end while the service goes on; it gets a folder of its own.
    pub(crate) async fn outside<T: Send + 'static>(
        &self,
        run: impl FnOnce(&TempDir) -> T + Send + 'static,
    ) -> T {
        let folder = TempDir::new().expect("a folder");
        tokio::task::spawn_blocking(move || run(&folder)).await.expect("it ends")
    }

    /// The activation service is well again, and all delays of failed attempts are over.
    pub(crate) fn recover(&self) {
        self.fake.mood(Mood::Well);
        self.clock.set(self.clock.now_ms() + 1_000);
    }

    pub(crate) fn store_files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path().join("data")).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }

    pub(crate) fn client(&self) -> CatalogServiceClient<Channel> {
        self.client.clone()
    }

    pub(crate) async fn partner(&self, id: &str) {
        let name = format!("partners/{id}");
        let partner = Some(pb::Partner { name, display_name: format!("Partner {id}") });
        let request = pb::UpsertPartnerRequest { partner, validate_only: false };
        self.client().upsert_partner(by(OPS, request)).await.expect("created");
    }

    pub(crate) async fn enrol(
        &self,
        id: &str,
        start_ms: i64,
        end_ms: i64,
    ) -> Result<pb::Enrolment, Status> {
        let request = pb::UpsertEnrolmentRequest {
            enrolment: Some(enrolment(id, start_ms, end_ms)),
            validate_only: false,
        };
        let answer = self.client().upsert_enrolment(by(OPS, request)).await?;
        Ok(answer.into_inner().enrolment.expect("an enrolment"))
    }

    /// Imports a key, or has one issued, and returns its id.
    pub(crate) async fn import(&self, benefit: &str, key: &str) -> Result<String, Status> {
        let request = import(&[(benefit, key)]);
        let answer = self.client().import_product_keys(by(OPS, request)).await?.into_inner();
        Ok(answer.keys[0].product_key_name.trim_start_matches("productKeys/").to_owned())
    }

    pub(crate) async fn benefit(&self, name: &str) -> Result<pb::Benefit, Status> {
        let request = pb::GetBenefitRequest { name: name.to_owned(), language_code: String::new() };
        let answer = self.client().get_benefit(by(ADMIN, request)).await?;
        Ok(answer.into_inner().benefit.expect("a benefit"))
    }

    pub(crate) async fn reveal(
        &self,
        who: &str,
        name: &str,
    ) -> Result<pb::RevealProductKeyResponse, Status> {
        let request = pb::RevealProductKeyRequest { name: name.to_owned() };
        Ok(self.client().reveal_product_key(by(who, request)).await?.into_inner())
    }

    /// Asks for the benefit until its key stands where it should.
    pub(crate) async fn until_key(&self, name: &str, wanted: pb::BenefitKeyState) {
        let asking =
            async { while self.benefit(name).await.expect("a benefit").key_state() != wanted {} };
        tokio::time::timeout(PATIENCE, asking).await.expect("the key gets there in time");
    }

    /// Asks for the health of the outbox until it is as wanted.
    pub(crate) async fn until_outbox_healthy(&self, wanted: bool) {
        let uri = format!("http://{}", self.address);
        let channel = ChannelConfig { uri, ..ChannelConfig::default() };
        let asking = async {
            while chassis::healthcheck::check(&channel, server::OUTBOX_HEALTH).await.is_ok()
                != wanted
            {}
        };
        tokio::time::timeout(PATIENCE, asking).await.expect("health gets there in time");
    }
}

pub(crate) fn config(folder: &TempDir, activation: &str) -> Config {
    let mut config = Config::default();
    config.serve.identity.development = true;
    config.content.folder = content_folder();
    config.store.file = folder.path().join("data/catalog.sqlite");
    config.secrets.encryption_keys = Some(Secret::new(format!("2026:{}", "2a".repeat(32))));
    config.secrets.digest_secret = Some(Secret::new("3b".repeat(32)));
    config.secrets.page_token_secret = Some(Secret::new("4c".repeat(32)));
    config.activation.channel.uri = activation.to_owned();
    config.activation.call_timeout_ms = 2_000;
    config.activation.usage_timeout_ms = 300;
    config.outbox.retry_delay_ms_min = 1;
    config.outbox.retry_delay_ms_max = 20;
    config.outbox.interval_ms = 10;
    config
}

pub(crate) fn content_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog")
}

async fn start(
    config: &Config,
    clock: &Arc<HandClock>,
) -> (Running, CatalogServiceClient<Channel>, SocketAddr) {
    let server = server::bind_at(config.clone(), clock.clone()).await.expect("binds");
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(server.run(async {
        let _stopped_or_dropped = stopped.await;
    }));
    let endpoint = Channel::from_shared(format!("http://{address}")).expect("an address");
    let channel = endpoint.connect().await.expect("connects");
    (Running { stop, task }, CatalogServiceClient::new(channel), address)
}

pub(crate) fn by<T>(who: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-dev-identity", who.parse().expect("metadata"));
    request
}

pub(crate) fn in_dutch<T>(mut request: Request<T>) -> Request<T> {
    request.metadata_mut().insert("accept-language", "nl-NL,nl;q=0.9".parse().expect("metadata"));
    request
}

pub(crate) fn time(at_ms: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: at_ms / 1000, nanos: 0 })
}

pub(crate) fn enrolment(id: &str, start_ms: i64, end_ms: i64) -> pb::Enrolment {
    pb::Enrolment {
        name: format!("partners/contoso/enrolments/{id}"),
        offer: "offers/maps-core".to_owned(),
        start_time: time(start_ms),
        end_time: time(end_ms),
        state: 0,
        provisioned: true,
    }
}

pub(crate) fn import(keys: &[(&str, &str)]) -> pb::ImportProductKeysRequest {
    let key = |(benefit, key): &(&str, &str)| pb::ProductKeyImport {
        benefit: (*benefit).to_owned(),
        product_key: (*key).to_owned(),
        operator_handle_allowed: false,
    };
    pb::ImportProductKeysRequest { keys: keys.iter().map(key).collect(), validate_only: false }
}

pub(crate) fn list(parent: &str) -> pb::ListBenefitsRequest {
    pb::ListBenefitsRequest { parent: parent.to_owned(), ..pb::ListBenefitsRequest::default() }
}

/// The code, the reason and the bad fields of a refusal, which has all that every refusal has.
pub(crate) fn refused<T: std::fmt::Debug>(
    answer: Result<T, Status>,
) -> (Code, String, Vec<String>) {
    let status = answer.expect_err("a refusal");
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "benefits.catalog.v1");
    let message = details.localized_message().expect("a LocalizedMessage");
    assert!(["en", "nl"].contains(&message.locale.as_str()) && !message.message.is_empty());
    assert!(!details.help().expect("a Help link").links.is_empty(), "R11");
    let fields = details.bad_request().map_or_else(Vec::new, |bad| {
        bad.field_violations.iter().map(|violation| violation.field.clone()).collect()
    });
    (status.code(), info.reason.clone(), fields)
}
