//! The only wiring: settings → engine, adapters, use cases, wire; `bind`, then `run` until told to
//! stop.

mod anchors;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chassis::metrics::{MetricsError, MetricsPage};
use chassis::page_token::Sealer;
use chassis::serve::{DrainOutcome, Health, Options, ServeError};
use hardware_evidence::{DeploymentSalt, JunkDigests};
use hmac::{Hmac, KeyInit as _, Mac as _};
use receipt::{SigningKey, TrustedKeys};
use sha2::Sha256;
use thiserror::Error;
use tokio::sync::watch;
use tonic::service::Routes;

use crate::adapters::clock::SystemClock;
use crate::adapters::development_secrets::{DevelopmentSecretsError, load_or_make};
use crate::adapters::failed_lookups::LookupWatch;
use crate::adapters::policy_file::{self, PolicyFileError};
use crate::adapters::randomness::SystemRandomness;
use crate::app::{App, Background, ProofTerms};
use crate::config::{
    Anchors, Config, ConfigFaults, PolicySettings, SECRET_BYTES, Secrets, SledFolder, Storage,
    secret_bytes,
};
use crate::domain::policy::{Policy, Rules};
use crate::domain::product_key::{Pepper, PepperId, Peppers};
use crate::grpc::{ActivationRoute, ActivationRpcs, AppSlot, DOMAIN};
use crate::ports::{Ledger, LedgerError, Proofs, Randomness as _};
use crate::storage::journal::{self, ChainId};
use crate::storage::journaled::{JournaledError, JournaledLedger, JournaledOptions, MemoryBounds};
use crate::storage::memory::MemoryLedger;
use crate::storage::sled::SledOptions;

use anchors::Teller;
pub use anchors::{AnchorError, known as known_anchors};

/// The name of the service in health and reflection.
pub const SERVICE: &str = "benefits.activation.v1.ActivationService";
/// How often the ledger is asked whether it can answer.
const READY_PERIOD: Duration = Duration::from_secs(1);
/// Separates the secret of page tokens from every other use of the pepper.
const PAGE_TOKEN_DOMAIN: &[u8] = b"benefits/page-token/v1\0";

/// Why the service cannot start or go on.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The settings cannot be used.
    #[error("{0}")]
    Config(#[from] ConfigFaults),
    /// The secrets of a development folder cannot be read or made.
    #[error("secrets.development_folder: {0}")]
    Secrets(#[from] DevelopmentSecretsError),
    /// The hardware policy cannot be used.
    #[error("policy.file: {0}")]
    Policy(#[from] PolicyFileError),
    /// The address or TLS files cannot be used.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The metrics page cannot be served.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// An anchor of the settings cannot be used.
    #[error("{0}")]
    Anchor(#[from] AnchorError),
    /// The ledger cannot be opened.
    #[error("storage: {0}")]
    Storage(#[from] JournaledError),
    /// Opening the ledger panicked.
    #[error("storage: opening panicked: {0}")]
    Panicked(#[from] tokio::task::JoinError),
}

/// A service that holds its address and serves nothing yet.
pub struct Bound {
    serve: chassis::serve::Bound,
    metrics: Option<MetricsPage>,
    config: Config,
    keys: Keys,
    rules: Rules,
    serving: watch::Sender<bool>,
}

/// What is derived from the secrets.
struct Keys {
    peppers: Peppers,
    salt: DeploymentSalt,
    page_token_secret: Vec<u8>,
    receipt_seed: [u8; SECRET_BYTES],
    /// For display, the one in force first.
    receipt_keys: Vec<String>,
}

impl Keys {
    /// The keys that may have signed heads of this ledger.
    fn trusted(&self) -> Result<TrustedKeys, ConfigFaults> {
        let fault = |error| ConfigFaults(vec![format!("secrets.receipt_public_keys: {error}")]);
        let mut trusted = TrustedKeys::default();
        for key in &self.receipt_keys {
            trusted.trust(key.parse().map_err(fault)?).map_err(fault)?;
        }
        Ok(trusted)
    }
}

/// Checks the settings, reads the secrets and takes the addresses; port 0 takes any free port.
pub async fn bind(config: Config) -> Result<Bound, ServerError> {
    config.validate()?;
    let rules = policy_file::read(config.policy.file.as_deref())?;
    let keys = keys(&config.secrets)?;
    let serve = chassis::serve::bind(&config.serve).await?;
    let metrics = chassis::metrics::serve(&config.metrics).await?;
    let serving = watch::Sender::new(false);
    Ok(Bound { serve, metrics, config, keys, rules, serving })
}

impl Bound {
    /// The address with the port that was taken.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.serve.local_addr()
    }

    /// The address of the metrics page, if there is one.
    #[must_use]
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(MetricsPage::local_addr)
    }

    /// Turns true once the ledger is open and calls are answered; ends without it when that fails.
    #[must_use]
    pub fn serving(&self) -> watch::Receiver<bool> {
        self.serving.subscribe()
    }

    /// Serves until `stop` ends, then drains, settles all queued work and closes the ledger.
    ///
    /// Health says NOT_SERVING until the ledger is open, whenever it cannot answer, and from `stop`
    /// on.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<DrainOutcome, ServerError> {
        let Self { serve, metrics, config, keys, rules, serving } = self;
        let policy = policy(rules, &config.policy, &keys.salt)?;
        let app = AppSlot::default();
        let rpcs = ActivationRpcs {
            app: Arc::clone(&app),
            guard: Arc::new(LookupWatch::new(config.failed_lookups)),
            sealer: Sealer::new(&keys.page_token_secret),
            help_base_uri: config.serve.help_base_uri.clone(),
            rules: Arc::new(policy.rules().clone()),
        };
        let health = Health::new(&[SERVICE]);
        let routes = Routes::new(ActivationRoute::new(rpcs));
        let options = options(health.clone());

        let opened = &app;
        let ready = || async move {
            match opened.get() {
                Some(app) => app.ready().await,
                None => Err(LedgerError::Unavailable("it is not open".to_owned())),
            }
        };
        let (mut background, mut failure, mut teller) = (None, None, None);
        let work = async {
            match open(&config, &keys).await {
                Ok(engine) => {
                    teller = engine.teller(&config.anchors);
                    background = Some(start(&app, engine, policy, keys));
                    let watching = watch_over(ready, &health, &serving);
                    let telling = async {
                        match &mut teller {
                            Some(teller) => teller.run().await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::join!(watching, telling);
                }
                Err(error) => failure = Some(error),
            }
        };
        // The watcher ends with `stop`, before the drain turns health to NOT_SERVING for good.
        let until = async {
            tokio::select! {
                () = stop => {}
                () = work => {}
            }
        };
        let outcome = serve.run(routes, options, until).await;
        drop(app);
        if let Some(background) = background {
            background.finish().await;
        }
        if let Some(mut teller) = teller {
            teller.tell().await;
        }
        drop(metrics);
        match failure {
            Some(error) => Err(error),
            None => Ok(outcome?),
        }
    }
}

/// The policy in force, under the deployment's salt.
pub fn policy(
    rules: Rules,
    settings: &PolicySettings,
    salt: &DeploymentSalt,
) -> Result<Policy, PolicyFileError> {
    let (version, demoted) = (rules.version.clone(), rules.demoted.len());
    let fingerprint = policy_file::fingerprint(&rules);
    tracing::info!(version, fingerprint, demoted, "the hardware policy");
    let path = settings.file.clone().unwrap_or_default();
    let faulty = |faults| PolicyFileError::Faulty { path, faults };
    Policy::new(rules, JunkDigests::new(salt)).map_err(faulty)
}

fn options(health: Health) -> Options {
    Options {
        domain: DOMAIN,
        method_roles: proto::METHOD_ROLES,
        descriptor_set: proto::FILE_DESCRIPTOR_SET,
        service_names: &[SERVICE],
        anonymous_roles: &["INSTALLER"],
        health,
    }
}

/// An open engine, and its proofs if it gives any.
struct Engine {
    ledger: Arc<dyn Ledger>,
    proofs: Option<Arc<dyn Proofs>>,
}

impl Engine {
    fn teller(&self, settings: &Anchors) -> Option<Teller> {
        let proofs = Arc::clone(self.proofs.as_ref()?);
        Some(Teller::new(proofs, Arc::new(SystemClock::new()), settings))
    }
}

/// Opens the engine that the settings name.
async fn open(config: &Config, keys: &Keys) -> Result<Engine, ServerError> {
    match &config.storage {
        Storage::Memory => {
            tracing::warn!("storage = memory: everything is lost when this process ends");
            Ok(Engine { ledger: Arc::new(MemoryLedger::default()), proofs: None })
        }
        Storage::Sled(sled) => {
            let signing_key = SigningKey::from_seed(&keys.receipt_seed);
            let (folder, mut options) = (sled.folder.clone(), journaled(sled, signing_key));
            options.journal.known = anchors::known(&config.anchors, &keys.trusted()?)?;
            let scrub_bytes_per_s = sled.scrub_bytes_per_s;
            let open = move || {
                JournaledLedger::open(&folder, options, Arc::new(SystemRandomness))?
                    .scrubbing(scrub_bytes_per_s)
            };
            let ledger = Arc::new(tokio::task::spawn_blocking(open).await??);
            Ok(Engine { proofs: Some(Arc::clone(&ledger) as Arc<dyn Proofs>), ledger })
        }
    }
}

/// How the settings have the ledger opened; a new one gets a random chain.
#[must_use]
pub fn journaled(settings: &SledFolder, signing_key: SigningKey) -> JournaledOptions {
    let mut journal = journal::Options::of_sizes(settings.segment_bytes, settings.reserve_bytes);
    // The time to start must not grow with the ledger; the scrub looks at what lies before.
    journal.is_clean_close_trusted = true;
    journal.low_water_bytes = settings.low_water_bytes;
    let new_chain = ChainId(SystemRandomness.id_bytes());
    let sled = SledOptions { cache_bytes: settings.cache_bytes };
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let memory = MemoryBounds {
        account_cache_bytes: bytes(settings.account_cache_bytes),
        pinned_bytes: bytes(settings.pinned_bytes),
    };
    JournaledOptions { journal, sled, signing_key, new_chain, memory }
}

fn start(app: &OnceLock<App>, engine: Engine, policy: Policy, keys: Keys) -> Background {
    let (clock, randomness) = (Arc::new(SystemClock::new()), Arc::new(SystemRandomness));
    let Engine { ledger, proofs } = engine;
    let receipt_keys = proofs.as_ref().map(|_| keys.receipt_keys).unwrap_or_default();
    let (peppers, salt, proof) = (keys.peppers, keys.salt, ProofTerms { proofs, receipt_keys });
    let (started, background) = App::start(ledger, clock, randomness, policy, peppers, salt, proof);
    // Only this function fills the slot, and it runs once.
    let _ = app.set(started);
    background
}

/// Turns health with the ledger, for as long as it is polled.
async fn watch_over<F: Future<Output = Result<(), LedgerError>>>(
    ready: impl Fn() -> F,
    health: &Health,
    serving: &watch::Sender<bool>,
) {
    let mut ticks = tokio::time::interval(READY_PERIOD);
    loop {
        ticks.tick().await;
        let ready = ready().await;
        if ready.is_ok() != health.is_serving() {
            match &ready {
                Ok(()) => tracing::info!("the ledger answers: serving"),
                Err(error) => tracing::error!(%error, "the ledger does not answer: not serving"),
            }
            health.set_serving(ready.is_ok());
        }
        serving
            .send_if_modified(|serving| std::mem::replace(serving, ready.is_ok()) != ready.is_ok());
    }
}

fn keys(secrets: &Secrets) -> Result<Keys, ServerError> {
    let made = secrets.development_folder.as_deref().map(load_or_make).transpose()?;
    let missing = |name: &str| ConfigFaults(vec![format!("secrets.{name}: required")]);
    let given = |secret: &Option<chassis::config::Secret>| secret.as_ref().and_then(secret_bytes);
    let pepper = given(&secrets.pepper).or(made.as_ref().map(|made| made.pepper));
    let pepper = pepper.ok_or_else(|| missing("pepper"))?;
    let receipt_seed = given(&secrets.receipt_key).or(made.as_ref().map(|made| made.receipt_key));
    let receipt_seed = receipt_seed.ok_or_else(|| missing("receipt_key"))?;
    let salt = given(&secrets.deployment_salt).or(made.map(|made| made.deployment_salt));
    let salt = salt.ok_or_else(|| missing("deployment_salt"))?;
    let newest = Pepper::new(PepperId(secrets.pepper_id), pepper);
    let retiring = given(&secrets.retiring_pepper)
        .map(|secret| Pepper::new(PepperId(secrets.retiring_pepper_id), secret));
    let page_token_secret = match &secrets.page_token_secret {
        Some(secret) => secret.expose().as_bytes().to_vec(),
        None => derived(&pepper, PAGE_TOKEN_DOMAIN),
    };
    let peppers = Peppers::new(newest, retiring);
    let mut receipt_keys = vec![SigningKey::from_seed(&receipt_seed).public_key().to_string()];
    receipt_keys.extend(secrets.receipt_public_keys.iter().cloned());
    let salt = DeploymentSalt::new(salt);
    Ok(Keys { peppers, salt, page_token_secret, receipt_seed, receipt_keys })
}

fn derived(secret: &[u8; SECRET_BYTES], domain: &[u8]) -> Vec<u8> {
    // HMAC pads a short key with zeros to its block; a key of that size cannot fail.
    let mut block = [0; 64];
    block.iter_mut().zip(secret).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(domain);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn health_follows_the_ledger_both_ways() {
        let (answering, health) = (AtomicBool::new(false), Health::new(&[SERVICE]));
        let ready = || {
            std::future::ready(match answering.load(Ordering::SeqCst) {
                true => Ok(()),
                false => Err(LedgerError::Unavailable("switched off".to_owned())),
            })
        };
        let serving = watch::Sender::new(false);
        let mut told = serving.subscribe();
        let follow = async {
            for answers in [true, false, true] {
                answering.store(answers, Ordering::SeqCst);
                told.wait_for(|serving| *serving == answers).await.expect("it is watched");
                assert_eq!(health.is_serving(), answers);
            }
        };
        tokio::select! {
            () = watch_over(ready, &health, &serving) => panic!("it never ends by itself"),
            () = follow => {}
        }
    }

    #[test]
    fn page_tokens_do_not_use_the_pepper_itself() {
        let pepper = [7; SECRET_BYTES];
        let secret = derived(&pepper, PAGE_TOKEN_DOMAIN);
        assert_eq!(secret.len(), 32);
        assert_ne!(secret, pepper);
        assert_ne!(secret, derived(&[8; SECRET_BYTES], PAGE_TOKEN_DOMAIN));
    }
}
