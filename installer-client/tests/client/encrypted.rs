//! Calls over TLS: with both certificates they arrive, without one of them, or to a stranger, they
//! do not.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use installer_client::{ActivationClient, ConnectError, Connection, RetryPolicy, TermsError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

use crate::fake::{Fake, SALT};

/// An authority and the files that it issued.
struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let this = Self { folder: tempfile::tempdir().unwrap(), issuer };
        std::fs::write(this.path("ca.pem"), this.issuer.pem()).unwrap();
        for (name, host) in [("server", "127.0.0.1"), ("client", "installer.internal")] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &this.issuer).unwrap();
            std::fs::write(this.path(&format!("{name}.pem")), certificate.pem()).unwrap();
            std::fs::write(this.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
        }
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn pem(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// A server that takes only callers with a certificate of this authority.
    fn server(&self) -> Fake {
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(self.pem("server.pem"), self.pem("server.key")))
            .client_ca_root(Certificate::from_pem(self.pem("ca.pem")));
        let server = Server::builder().tls_config(tls).unwrap();
        Fake::start_with(server, (Ipv4Addr::LOCALHOST, 0).into(), [])
    }

    /// A caller with a certificate of this authority that trusts another.
    fn caller(&self, fake: &Fake, trusted: &Authority) -> Connection {
        let mut connection = Connection::to(format!("https://{}", fake.address));
        connection.ca_file = Some(trusted.path("ca.pem"));
        connection.cert_file = Some(self.path("client.pem"));
        connection.key_file = Some(self.path("client.key"));
        connection
    }
}

fn client(connection: &Connection) -> Result<ActivationClient, ConnectError> {
    ActivationClient::new(connection, RetryPolicy::interactive().once())
}

async fn is_unreachable(connection: &Connection) -> bool {
    match client(connection).unwrap().salt().await {
        Err(TermsError::Call(failure)) => failure.is_retryable(),
        Err(_) | Ok(_) => false,
    }
}

#[tokio::test]
async fn both_sides_know_each_other_by_certificate() {
    let authority = Authority::new();
    let fake = authority.server();
    let connection = authority.caller(&fake, &authority);
    assert_eq!(client(&connection).unwrap().salt().await.unwrap().as_bytes(), &SALT);

    let mut anonymous = connection.clone();
    (anonymous.cert_file, anonymous.key_file) = (None, None);
    assert!(is_unreachable(&anonymous).await);

    let stranger = Authority::new();
    assert!(is_unreachable(&stranger.caller(&fake, &authority)).await);
    assert!(is_unreachable(&authority.caller(&fake, &stranger)).await);
}

#[tokio::test]
async fn files_that_do_not_fit_are_told_before_calling() {
    let authority = Authority::new();
    let fake = authority.server();
    let mut connection = authority.caller(&fake, &authority);
    connection.key_file = None;
    assert!(matches!(client(&connection), Err(ConnectError::IdentityIncomplete)));
    connection.key_file = Some(authority.path("ca.pem"));
    assert!(matches!(client(&connection), Err(ConnectError::Tls(_))));
}

#[tokio::test]
async fn a_token_goes_with_every_call_and_is_in_no_debug_text() {
    let authority = Authority::new();
    let fake = authority.server();
    let mut connection = authority.caller(&fake, &authority);
    std::fs::write(authority.path("token"), "header.claims.signature\n").unwrap();
    connection.token_file = Some(authority.path("token"));
    let client = client(&connection).unwrap();
    client.salt().await.unwrap();
    let metadata = fake.script.metadata.lock().unwrap().clone();
    assert_eq!(metadata[0].get("authorization").unwrap(), "Bearer header.claims.signature");
    let shown = format!("{connection:?} {client:?}");
    assert!(!shown.contains("claims"), "{shown}");
}
