//! The only wiring: settings → store, content, client, use cases → `bind` → `run`.

mod background;

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chassis::channel::ChannelError;
use chassis::metrics::{MetricsError, MetricsPage};
use chassis::page_token::Sealer;
use chassis::serve::{Bound, DrainOutcome, Health, Options, ServeError};
use thiserror::Error;
use tokio::sync::watch;
use tonic::service::Routes;

use crate::adapters::activation::ActivationClient;
use crate::adapters::clock::SystemClock;
use crate::adapters::marks::SharedMarks;
use crate::adapters::random::SystemRandom;
use crate::adapters::usage::SharedUsage;
use crate::adapters::vault::{KeyRing, KeyRingError, KeyVault};
use crate::app::{App, Ports, Settings};
use crate::config::Config;
use crate::grpc::{CatalogApi, CatalogRoute, Links, status};
use crate::ports::{Clock, ContentFault, Keys, Random, StoreError};
use crate::storage::shelf::FileShelf;
use crate::storage::sqlite::{OpenError, SqliteOptions, SqliteStore};

/// The service in health checks.
const SERVICE: &str = "benefits.catalog.v1.CatalogService";
/// The delivery of keys in health checks: NOT_SERVING while a key needs help or waits too long.
pub const OUTBOX_HEALTH: &str = "benefits.catalog.v1.Outbox";
/// How long the background work may take to end after the server has.
const BACKGROUND_END_MS_MAX: u64 = 5_000;

/// Why the service cannot start or go on.
#[derive(Debug, Error)]
pub enum ServerError {
    /// Settings are missing or out of their bounds; each line names one.
    #[error("{}", .0.join("\n"))]
    Settings(Vec<String>),
    /// The content folder has faults.
    #[error("the content folder {} has faults:\n{}", .folder.display(), lines(.faults))]
    Content {
        /// The folder.
        folder: PathBuf,
        /// Its faults.
        faults: Vec<ContentFault>,
    },
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The encryption keys cannot be used.
    #[error("secrets.encryption_keys: {0}")]
    KeyRing(KeyRingError),
    /// The secret of the digests cannot be used.
    #[error("secrets.digest_secret: {0}")]
    Digest(KeyRingError),
    /// Stored keys need an encryption key that is not in the ring.
    #[error(
        "secrets.encryption_keys: stored product keys need the encryption key {0:?}, \
         which is not there"
    )]
    EncryptionKeyMissing(String),
    /// The secret of the digests is not the one that the stored rows were written with.
    #[error("secrets.digest_secret: is not the one that this store was written with")]
    DigestSecretChanged,
    /// The channel to the activation service cannot be made.
    #[error("activation.channel: {0}")]
    Channel(#[from] ChannelError),
    /// The gRPC server cannot start or go on.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The metrics page cannot be served.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}

fn lines(faults: &[ContentFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A service that holds its address, its store and its content, and serves nothing yet.
pub struct Server {
    bound: Bound,
    metrics: Option<MetricsPage>,
    app: App,
    store: SqliteStore,
    sealer: Sealer,
    health: Health,
    config: Config,
}

/// Opens all that the service needs and takes its address. The activation service may be down.
pub async fn bind(config: Config) -> Result<Server, ServerError> {
    bind_at(config, Arc::new(SystemClock)).await
}

/// As [`bind`], with another clock.
pub async fn bind_at(config: Config, clock: Arc<dyn Clock>) -> Result<Server, ServerError> {
    let faults = config.faults();
    if !faults.is_empty() {
        return Err(ServerError::Settings(faults));
    }
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let vault = vault(&config, &random)?;
    let folder = config.content.folder.clone();
    let shelf = FileShelf::open(folder.clone())
        .await
        .map_err(|faults| ServerError::Content { folder, faults })?;
    let store = SqliteStore::open(&SqliteOptions {
        path: config.store.file.clone(),
        busy_timeout: Duration::from_millis(config.store.busy_timeout_ms),
        readers: config.store.readers,
    })
    .await?;
    check_secrets(&store, &vault).await?;
    let sealer = sealer(&config, &vault);
    let channel = chassis::channel::connect_lazy(&config.activation.channel)?;
    let call_timeout = Duration::from_millis(config.activation.call_timeout_ms);
    let plain = config.activation.channel.uri.starts_with("http://");
    let shared = Arc::new(store.clone());
    let ledger = Arc::new(ActivationClient::new(channel, call_timeout, plain));
    let ports = Ports {
        clock,
        random,
        shelf: Arc::new(shelf),
        memberships: shared.clone(),
        keys: shared.clone(),
        changes: Arc::new(SharedMarks::start(shared.clone())),
        outbox: shared,
        vault: Arc::new(vault),
        ledger: Arc::new(SharedUsage::start(ledger)),
    };
    let bound = chassis::serve::bind(&config.serve).await?;
    let metrics = chassis::metrics::serve(&config.metrics).await?;
    Ok(Server {
        bound,
        metrics,
        app: App::new(ports, settings(&config)),
        store,
        sealer,
        health: Health::new(&[SERVICE, OUTBOX_HEALTH]),
        config,
    })
}

impl Server {
    /// The address with the port that was taken.
    pub fn local_addr(&self) -> SocketAddr {
        self.bound.local_addr()
    }

    /// The address of the metrics page, if there is one.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(MetricsPage::local_addr)
    }

    /// Serves until `stop` ends, then drains, ends the background work and closes the store.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<DrainOutcome, ServerError> {
        let links =
            Links { manage_uri: self.config.manage_uri(), support_uri: self.config.support_uri() };
        let api = CatalogApi::new(self.app.clone(), self.sealer, links);
        let routes = Routes::new(CatalogRoute::new(api));
        let options = Options {
            domain: status::DOMAIN,
            method_roles: proto::METHOD_ROLES,
            descriptor_set: proto::FILE_DESCRIPTOR_SET,
            service_names: &[SERVICE],
            anonymous_roles: &[],
            health: self.health.clone(),
        };
        let (ending, end) = watch::channel(false);
        let delivering = tokio::spawn(background::deliver(
            self.app.clone(),
            self.health.clone(),
            self.config.outbox.clone(),
            end.clone(),
        ));
        let reloading = tokio::spawn(background::reload_on_hangup(self.app, end));
        self.health.set_serving(true);
        let outcome = self.bound.run(routes, options, stop).await;
        ending.send_replace(true);
        let ended = async {
            for task in [delivering, reloading] {
                if let Err(error) = task.await {
                    tracing::error!(%error, "background work ended badly");
                }
            }
        };
        let within = Duration::from_millis(BACKGROUND_END_MS_MAX);
        if tokio::time::timeout(within, ended).await.is_err() {
            tracing::warn!("background work was cut off; it goes on after the next start");
        }
        self.store.close().await;
        Ok(outcome?)
    }
}

fn vault(config: &Config, random: &Arc<dyn Random>) -> Result<KeyVault, ServerError> {
    let text = |secret: &Option<chassis::config::Secret>| {
        secret.as_ref().map_or_else(String::new, |secret| secret.expose().to_owned())
    };
    let ring =
        KeyRing::parse(&text(&config.secrets.encryption_keys)).map_err(ServerError::KeyRing)?;
    KeyVault::new(ring, &text(&config.secrets.digest_secret), Arc::clone(random))
        .map_err(ServerError::Digest)
}

/// Wrong secrets are found at the start, not at the first reveal.
async fn check_secrets(store: &SqliteStore, vault: &KeyVault) -> Result<(), ServerError> {
    if let Some(id) = store.encryption_key_ids().await?.into_iter().find(|id| !vault.has_key(id)) {
        return Err(ServerError::EncryptionKeyMissing(id));
    }
    let witness = vault.witness();
    if store.remember("digest_secret_witness", &witness).await? == witness {
        Ok(())
    } else {
        Err(ServerError::DigestSecretChanged)
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        // The activation service takes https links only; on a test address there is no link.
        key_help_uri: Some(config.manage_uri())
            .filter(|uri| uri.starts_with("https://"))
            .unwrap_or_default(),
        usage_timeout_ms_max: config.activation.usage_timeout_ms,
        retry_delay_ms_min: config.outbox.retry_delay_ms_min,
        retry_delay_ms_max: config.outbox.retry_delay_ms_max,
        batch_keys_max: config.outbox.batch_keys_max,
    }
}

/// Tokens outlive the process: a reader goes on with its list after a restart.
fn sealer(config: &Config, vault: &KeyVault) -> Sealer {
    match &config.secrets.page_token_secret {
        Some(secret) => Sealer::new(secret.expose().as_bytes()),
        None => Sealer::new(&vault.page_token_secret()),
    }
}
