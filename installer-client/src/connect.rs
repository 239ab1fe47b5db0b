//! From an address and files to a channel that says who calls and in which language.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proto::activation::v1::activation_service_client::ActivationServiceClient;
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};
use zeroize::Zeroizing;

/// Most bytes of an answer.
pub const MESSAGE_BYTES_MAX: usize = 4 << 20;

const CONNECT_TIMEOUT_MS_MAX: u64 = 5_000;
const FILE_BYTES_MAX: u64 = 256 << 10;
const DEV_IDENTITY_CHARS_MAX: usize = 512;
const DEV_IDENTITY_KEY: &str = "x-dev-identity";

/// A client of the activation service.
pub(crate) type ActivationStub = ActivationServiceClient<InterceptedService<Channel, CallMetadata>>;
/// A client of the catalog service.
pub type CatalogStub = CatalogServiceClient<InterceptedService<Channel, CallMetadata>>;

/// Where a service is and as whom to call it.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// `https://host:port`, or `http://host:port` on this computer.
    pub endpoint: String,
    /// PEM file of the authorities that the service's certificate is checked with; required with
    /// https.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the caller's certificate; anonymous without it.
    pub cert_file: Option<PathBuf>,
    /// PEM file of the certificate's private key.
    pub key_file: Option<PathBuf>,
    /// File of a user's token that is forwarded.
    pub token_file: Option<PathBuf>,
    /// Who the caller claims to be, towards a service in development on this computer.
    pub dev_identity: Option<DevIdentity>,
    /// Languages for texts, as in `accept-language`.
    pub language: Option<String>,
}

/// An identity for development: `subject=alice;roles=GLOBAL_ADMIN,OPS_ADMIN;tenant=contoso`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevIdentity(MetadataValue<Ascii>);

/// What goes with every call.
#[derive(Clone)]
pub struct CallMetadata {
    language: Option<MetadataValue<Ascii>>,
    authorization: Option<MetadataValue<Ascii>>,
    dev_identity: Option<MetadataValue<Ascii>>,
}

/// Why there is no channel. No variant holds the content of a file.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is not of the form `https://host:port`.
    #[error("{0:?} is no address of the form https://host:port")]
    Endpoint(String),
    /// Plain text is for this computer only, for product keys go over it.
    #[error("http goes to this computer only (127.0.0.1, ::1, localhost); use https for {0:?}")]
    PlainTextBeyondLoopback(String),
    /// The identity for development is for this computer only.
    #[error("a development identity goes to this computer over http only")]
    DevIdentityBeyondLoopback,
    /// The identity for development has another form.
    #[error("a development identity has the form subject=NAME;roles=ROLE,ROLE;tenant=PARTNER")]
    DevIdentityForm,
    /// With https the authorities must be given.
    #[error("https needs the authorities that the service's certificate is checked with (ca file)")]
    CaMissing,
    /// A certificate without its key, or the other way round.
    #[error("the certificate and its key belong together: give both files or none")]
    IdentityIncomplete,
    /// A file cannot be read or is too long.
    #[error("cannot read {path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: std::io::Error,
    },
    /// Languages or token have characters that metadata cannot carry.
    #[error("{0} has characters that cannot be sent")]
    Metadata(&'static str),
    /// The certificates are no certificates.
    #[error("the TLS files cannot be used: {0}")]
    Tls(tonic::transport::Error),
}

impl Connection {
    /// An anonymous connection.
    #[must_use]
    pub fn to(endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into(), ..Self::default() }
    }

    /// A client of the catalog service; it connects with the first call.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`].
    pub fn catalog(&self) -> Result<CatalogStub, ConnectError> {
        let stub = CatalogServiceClient::with_interceptor(self.channel()?, self.metadata()?);
        Ok(stub.max_decoding_message_size(MESSAGE_BYTES_MAX))
    }

    pub(crate) fn activation(&self) -> Result<ActivationStub, ConnectError> {
        let stub = ActivationServiceClient::with_interceptor(self.channel()?, self.metadata()?);
        Ok(stub.max_decoding_message_size(MESSAGE_BYTES_MAX))
    }

    fn channel(&self) -> Result<Channel, ConnectError> {
        let wrong = || ConnectError::Endpoint(self.endpoint.clone());
        let uri: http::Uri = self.endpoint.parse().map_err(|_| wrong())?;
        let host = uri.host().ok_or_else(wrong)?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        if !secure && !is_loopback(host) {
            return Err(ConnectError::PlainTextBeyondLoopback(host.to_owned()));
        }
        if self.dev_identity.is_some() && (secure || !is_loopback(host)) {
            return Err(ConnectError::DevIdentityBeyondLoopback);
        }
        let mut endpoint = Endpoint::from(uri)
            .connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS_MAX))
            .tcp_nodelay(true);
        if secure {
            endpoint = endpoint.tls_config(self.tls()?).map_err(ConnectError::Tls)?;
        }
        Ok(endpoint.connect_lazy())
    }

    fn tls(&self) -> Result<ClientTlsConfig, ConnectError> {
        let ca_file = self.ca_file.as_deref().ok_or(ConnectError::CaMissing)?;
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&*read(ca_file)?));
        match (self.cert_file.as_deref(), self.key_file.as_deref()) {
            (None, None) => Ok(tls),
            (Some(cert), Some(key)) => {
                Ok(tls.identity(Identity::from_pem(&*read(cert)?, &*read(key)?)))
            }
            _ => Err(ConnectError::IdentityIncomplete),
        }
    }

    fn metadata(&self) -> Result<CallMetadata, ConnectError> {
        let language = match &self.language {
            Some(tags) => Some(tags.parse().map_err(|_| ConnectError::Metadata("the language"))?),
            None => None,
        };
        let authorization = match &self.token_file {
            Some(file) => Some(bearer(&read(file)?)?),
            None => None,
        };
        let dev_identity = self.dev_identity.clone().map(|identity| identity.0);
        Ok(CallMetadata { language, authorization, dev_identity })
    }
}

impl DevIdentity {
    /// Reads `subject=NAME;roles=ROLE,ROLE;tenant=PARTNER`; the tenant may be left out.
    ///
    /// # Errors
    ///
    /// [`ConnectError::DevIdentityForm`].
    pub fn parse(text: &str) -> Result<Self, ConnectError> {
        let known = ["subject", "roles", "tenant"];
        let fields: Option<Vec<(&str, &str)>> =
            text.split(';').map(|field| field.split_once('=')).collect();
        let valid = fields.is_some_and(|fields| {
            fields.iter().all(|(name, value)| known.contains(name) && !value.is_empty())
                && fields.iter().any(|(name, _)| *name == "subject")
        });
        if !valid || text.len() > DEV_IDENTITY_CHARS_MAX {
            return Err(ConnectError::DevIdentityForm);
        }
        text.parse().map(Self).map_err(|_| ConnectError::DevIdentityForm)
    }
}

impl Interceptor for CallMetadata {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        if let Some(language) = &self.language {
            metadata.insert("accept-language", language.clone());
        }
        if let Some(authorization) = &self.authorization {
            metadata.insert("authorization", authorization.clone());
        }
        if let Some(identity) = &self.dev_identity {
            metadata.insert(DEV_IDENTITY_KEY, identity.clone());
        }
        Ok(request)
    }
}

impl fmt::Debug for CallMetadata {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CallMetadata(redacted)")
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn bearer(token: &[u8]) -> Result<MetadataValue<Ascii>, ConnectError> {
    let wrong = || ConnectError::Metadata("the token");
    let token = std::str::from_utf8(token).map_err(|_| wrong())?.trim();
    let value = Zeroizing::new(format!("Bearer {token}"));
    let mut value: MetadataValue<Ascii> = value.parse().map_err(|_| wrong())?;
    value.set_sensitive(true);
    Ok(value)
}

/// A small file; cleared from memory after use, for it may be a private key or token.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, ConnectError> {
    use std::io::Read as _;
    let fault = |error| ConnectError::File { path: path.to_owned(), error };
    let mut file = std::fs::File::open(path).map_err(fault)?;
    let length = file.metadata().map_err(fault)?.len();
    if length > FILE_BYTES_MAX {
        return Err(fault(std::io::Error::other("the file is too long")));
    }
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0)));
    file.by_ref().take(FILE_BYTES_MAX).read_to_end(&mut content).map_err(fault)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(connection: &Connection) -> String {
        connection.channel().unwrap_err().to_string()
    }

    #[tokio::test]
    async fn plain_text_stays_on_this_computer() {
        for host in ["127.0.0.1", "127.8.9.1", "localhost", "[::1]"] {
            assert!(Connection::to(format!("http://{host}:1")).channel().is_ok(), "{host}");
        }
        for host in ["10.0.0.1", "example.com", "localhost.example.com", "[::2]", "0.0.0.0"] {
            let error = refusal(&Connection::to(format!("http://{host}:1")));
            assert!(error.contains("use https"), "{host}: {error}");
        }
    }

    #[tokio::test]
    async fn a_development_identity_stays_on_this_computer() {
        let identity = DevIdentity::parse("subject=alice;roles=OPS_ADMIN").unwrap();
        for endpoint in ["https://127.0.0.1:1", "https://example.com"] {
            let mut connection = Connection::to(endpoint);
            connection.dev_identity = Some(identity.clone());
            assert!(refusal(&connection).contains("development identity"), "{endpoint}");
        }
    }

    #[tokio::test]
    async fn addresses_and_files_are_checked_before_calling() {
        for endpoint in ["", "example.com", "ftp://example.com", "https://", "127.0.0.1:50051"] {
            assert!(refusal(&Connection::to(endpoint)).contains("no address"), "{endpoint:?}");
        }
        let mut connection = Connection::to("https://example.com");
        assert!(refusal(&connection).contains("ca file"));
        connection.ca_file = Some("/nonexistent/ca.pem".into());
        assert!(refusal(&connection).contains("cannot read /nonexistent/ca.pem"));
    }

    #[test]
    fn development_identities_have_one_form() {
        for text in ["subject=a;roles=X,Y;tenant=t", "subject=a"] {
            assert!(DevIdentity::parse(text).is_ok(), "{text}");
        }
        for text in ["", "alice", "roles=X", "subject=", "subject=a;role=X", "subject=a\u{1}"] {
            assert!(DevIdentity::parse(text).is_err(), "{text}");
        }
        assert!(DevIdentity::parse(&format!("subject={}", "a".repeat(600))).is_err());
    }
}
