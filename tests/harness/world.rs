//! Both real services in a folder of their own, and clients that call them as somebody.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use hardware_evidence::DeploymentSalt;
use proto::activation::v1::GetActivationTermsRequest;
use proto::activation::v1::activation_service_client::ActivationServiceClient;
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use tempfile::TempDir;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use xtask::pair::{Pair, PairOptions, Process, Security};
use xtask::token::{TokenArgs, mint};

use crate::person::{Headers, Person};

/// A client of the activation service.
pub type Activation = ActivationServiceClient<InterceptedService<Channel, Headers>>;
/// A client of the catalog service.
pub type Catalog = CatalogServiceClient<InterceptedService<Channel, Headers>>;

/// Minutes for which a user's token is valid; longer than any test.
const TOKEN_MINUTES: i64 = 60;

/// One of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Keys, computers and counts.
    Activation,
    /// Products, partners and benefits.
    Catalog,
}

/// What differs from the usual world.
#[derive(Clone, Debug, Default)]
pub struct WorldOptions {
    /// Certificates and tokens in place of plain text.
    pub mtls: bool,
    /// Settings of the activation service.
    pub activation: Vec<(&'static str, String)>,
    /// Settings of the catalog service.
    pub catalog: Vec<(&'static str, String)>,
    /// Only the activation service, without the other one.
    pub is_alone: bool,
    /// How the process of the activation service differs from the delivered one.
    pub activation_process: Process,
    /// How the process of the catalog service differs from the delivered one.
    pub catalog_process: Process,
}

/// A pair of services, and what is needed to call them.
pub struct World {
    /// The services; stop, kill and start them here.
    pub pair: Pair,
    is_alone: bool,
    salt: DeploymentSalt,
    // Declared last: the folder goes when nobody works in it any more.
    folder: TempDir,
}

impl World {
    /// Starts both services on plain text.
    ///
    /// # Errors
    /// They do not start; the error shows what they said.
    pub async fn start() -> Result<Self> {
        Self::start_with(WorldOptions::default()).await
    }

    /// Starts both services with certificates and tokens.
    ///
    /// # Errors
    /// They do not start; the error shows what they said.
    pub async fn start_mtls() -> Result<Self> {
        Self::start_with(WorldOptions { mtls: true, ..WorldOptions::default() }).await
    }

    /// Starts both services.
    ///
    /// # Errors
    /// They do not start; the error shows what they said.
    pub async fn start_with(world: WorldOptions) -> Result<Self> {
        Self::start_in(tempfile::tempdir().context("a folder")?, world).await
    }

    /// Starts both services in this folder.
    ///
    /// # Errors
    /// They do not start; the error shows what they said.
    pub async fn start_in(folder: TempDir, world: WorldOptions) -> Result<Self> {
        let mut world = Self::prepare_in(folder, world)?;
        world.begin().await?;
        Ok(world)
    }

    /// Starts both services of a world in which none runs, and learns the salt of evidence.
    ///
    /// # Errors
    /// They do not start; the error shows what they said.
    pub async fn begin(&mut self) -> Result<()> {
        self.pair.start_activation()?;
        if !self.is_alone {
            self.pair.start_catalog()?;
        }
        let mut installer = self.activation(&Person::installer())?;
        let terms = installer.get_activation_terms(GetActivationTermsRequest {}).await;
        let terms = terms.context("the terms of activations")?.into_inner();
        self.salt = DeploymentSalt::try_from(terms.deployment_salt.as_ref())?;
        Ok(())
    }

    /// A world in this folder in which nothing runs and the salt of evidence is not known yet.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn prepare_in(folder: TempDir, world: WorldOptions) -> Result<Self> {
        let security = if world.mtls { Security::Mtls } else { Security::Plain };
        let mut options = PairOptions::new(folder.path(), security);
        let settings = |settings: Vec<(&'static str, String)>| {
            settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
        };
        options.activation_settings = settings(world.activation);
        // Deliveries are looked for often and tried again soon, so that a story of a second is not
        // told in thirty.
        options.catalog_settings = [
            ("outbox.interval_ms", "100"),
            ("outbox.retry_delay_ms_min", "20"),
            ("outbox.retry_delay_ms_max", "200"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec();
        options.catalog_settings.extend::<Vec<_>>(settings(world.catalog));
        options.is_alone = world.is_alone;
        options.activation_process = world.activation_process;
        options.catalog_process = world.catalog_process;
        let pair = Pair::prepare(options)?;
        Ok(Self { pair, is_alone: world.is_alone, salt: DeploymentSalt::new([0; 32]), folder })
    }

    /// The salt of evidence, as an installer is told it.
    #[must_use]
    pub fn salt(&self) -> &DeploymentSalt {
        &self.salt
    }

    /// The folder of this world.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where a service listens.
    ///
    /// # Errors
    /// It was never started.
    pub fn address(&self, service: Service) -> Result<SocketAddr> {
        match service {
            Service::Activation => self.pair.activation().address(),
            Service::Catalog => self.pair.catalog().address(),
        }
    }

    /// The metrics page of a service that was told to have one.
    ///
    /// # Errors
    /// It has none.
    pub async fn metrics(&self, service: Service) -> Result<String> {
        let address = match service {
            Service::Activation => self.pair.activation().metrics(),
            Service::Catalog => self.pair.catalog().metrics(),
        };
        crate::wire::page(address.context("a metrics page")?, "/metrics").await
    }

    /// A client of the activation service that calls as this person.
    ///
    /// # Errors
    /// There is no certificate or token for the person.
    pub fn activation(&self, who: &Person) -> Result<Activation> {
        self.activation_over(self.channel(Service::Activation, who)?, who)
    }

    /// A client of the activation service that calls as this person over a connection of its own
    /// kind.
    ///
    /// # Errors
    /// There is no token for the person.
    pub fn activation_over(&self, channel: Channel, who: &Person) -> Result<Activation> {
        Ok(ActivationServiceClient::with_interceptor(channel, self.headers(who)?))
    }

    /// A client of the catalog service that calls as this person.
    ///
    /// # Errors
    /// There is no certificate or token for the person.
    pub fn catalog(&self, who: &Person) -> Result<Catalog> {
        let channel = self.channel(Service::Catalog, who)?;
        Ok(CatalogServiceClient::with_interceptor(channel, self.headers(who)?))
    }

    /// A connection of its own; it connects with the first call, and again when it must.
    ///
    /// # Errors
    /// There is no certificate for the person.
    pub fn channel(&self, service: Service, who: &Person) -> Result<Channel> {
        let address = self.address(service)?;
        if self.pair.security() == Security::Plain {
            return Ok(Endpoint::from_shared(format!("http://{address}"))?.connect_lazy());
        }
        let read = |path: PathBuf| std::fs::read(&path).with_context(|| path.display().to_string());
        let mut tls =
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(self.authority())?));
        if let Some((cert, key)) = self.certificate(who) {
            tls = tls.identity(Identity::from_pem(read(cert)?, read(key)?));
        }
        let uri = format!("https://localhost:{}", address.port());
        Ok(Endpoint::from_shared(uri)?.tls_config(tls)?.connect_lazy())
    }

    /// The metadata with which this person calls.
    ///
    /// # Errors
    /// A token cannot be made.
    pub fn headers(&self, who: &Person) -> Result<Headers> {
        let mut headers = Vec::new();
        if let Some(language) = who.language {
            headers.push(("accept-language".to_owned(), language.to_owned()));
        }
        if self.pair.security() == Security::Plain {
            headers.extend(who.dev_identity().map(|who| ("x-dev-identity".to_owned(), who)));
        } else if who.is_user() {
            let token = mint(&TokenArgs {
                signing_key: self.pair.certs().join("token-signing.key"),
                kid: "dev".to_owned(),
                issuer: "https://portal.localhost".to_owned(),
                audience: "benefits".to_owned(),
                subject: who.subject.clone(),
                roles: who.roles.iter().map(|role| (*role).to_owned()).collect(),
                partner: who.partner.clone(),
                minutes: TOKEN_MINUTES,
            })?;
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        Ok(Headers(headers))
    }

    /// The file of the authority that clients trust.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.pair.certs().join("ca.pem")
    }

    /// The files of this person's certificate and key, if there are any.
    #[must_use]
    pub fn certificate(&self, who: &Person) -> Option<(PathBuf, PathBuf)> {
        let name = who.certificate()?;
        let file = |ending: &str| self.pair.certs().join(format!("{name}.{ending}"));
        Some((file("pem"), file("key")))
    }

    /// Whether certificates and tokens are used.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        self.pair.security() == Security::Mtls
    }
}
