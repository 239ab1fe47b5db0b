//! A TLS 1.3 acceptor from static files; client certificates are verified when they come.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{ServeError, TlsConfig};

/// Largest PEM file that is read.
const PEM_BYTES_MAX: usize = 1 << 20;

pub(super) fn acceptor(config: &TlsConfig) -> Result<tokio_rustls::TlsAcceptor, ServeError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| ServeError::Tls(e.to_string()))?;
    let builder = match &config.client_ca_file {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|e| fault(path, &e))?;
            }
            // A caller without a certificate is let in and stays anonymous: roles decide, call by
            // call.
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|e| fault(path, &e))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::from_pem_slice(&read(&config.key_file)?)
        .map_err(|e| fault(&config.key_file, &e))?;
    let mut server = builder
        .with_single_cert(certificates(&config.cert_file)?, key)
        .map_err(|e| fault(&config.cert_file, &e))?;
    server.alpn_protocols = vec![b"h2".to_vec()];
    Ok(tokio_rustls::TlsAcceptor::from(Arc::new(server)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ServeError> {
    let pem = read(path)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = read.map_err(|e| fault(path, &e))?;
    if certificates.is_empty() {
        return Err(fault(path, &"it holds no certificate"));
    }
    Ok(certificates)
}

fn read(path: &Path) -> Result<Vec<u8>, ServeError> {
    let bytes = std::fs::read(path).map_err(|e| fault(path, &e))?;
    if bytes.len() > PEM_BYTES_MAX {
        return Err(fault(path, &"it is too large for a PEM file"));
    }
    Ok(bytes)
}

fn fault(path: &Path, message: &dyn std::fmt::Display) -> ServeError {
    ServeError::TlsFile { path: path.to_owned(), message: message.to_string() }
}
