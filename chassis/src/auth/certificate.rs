//! Reads the DNS names of a client's certificate, which the TLS handshake has verified already.

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Most names that are read from one certificate.
const NAMES_MAX: usize = 16;

/// The DNS names of a certificate in lower case; none when it has none or cannot be read.
pub(super) fn dns_names(der: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return Vec::new() };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) if super::is_name(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .take(NAMES_MAX)
        .collect()
}
