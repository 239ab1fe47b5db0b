//! Who calls (by certificate, forwarded token or development identity), and who may call what.

mod access;
mod authenticator;
mod certificate;
mod development;
mod token;
mod verified;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use access::{Access, refusal};
pub(crate) use authenticator::{Authenticator, Caller};
pub use token::TokenKeyError;

/// Longest subject or tenant, in bytes.
pub const NAME_BYTES_MAX: usize = 256;
/// Most roles of one principal.
pub const ROLES_MAX: usize = 32;

/// How callers prove who they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityConfig {
    /// DNS name in a client's certificate → roles of that client; default none. A certificate whose
    /// names are not listed gives a name without roles.
    pub client_roles: BTreeMap<String, Vec<String>>,
    /// Bearer tokens of users, forwarded by a client that holds one of `token_forwarders`; default
    /// none.
    pub token: Option<TokenConfig>,
    /// Roles whose holders may forward a user's token; default none.
    pub token_forwarders: Vec<String>,
    /// Believe the `x-dev-identity` metadata; default false. Plain text on loopback only, without
    /// override.
    pub development: bool,
}

/// Which bearer tokens (JWT, EdDSA or ES256) are believed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// The `iss` that tokens must have.
    pub issuer: String,
    /// The `aud` that tokens must have.
    pub audience: String,
    /// `kid` → PEM file of a public key (Ed25519 or P-256).
    pub keys: BTreeMap<String, PathBuf>,
    /// Roles that a token may give; others in it are ignored, so that an issuer cannot make
    /// operators.
    pub roles_accepted: Vec<String>,
    /// Claim that lists the roles; default `roles`.
    #[serde(default = "roles_claim")]
    pub roles_claim: String,
    /// Claim that names the tenant; default `partner`.
    #[serde(default = "tenant_claim")]
    pub tenant_claim: String,
}

fn roles_claim() -> String {
    "roles".to_owned()
}

fn tenant_claim() -> String {
    "partner".to_owned()
}

/// The caller of one call, found in the request's extensions; cheap to clone.
///
/// Every principal also holds the service's anonymous roles: who proves more can do no less.
#[derive(Debug, Clone)]
pub struct Principal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    subject: String,
    roles: BTreeSet<String>,
    tenant: Option<String>,
    anonymous: bool,
}

impl Principal {
    /// A named caller.
    pub fn new<R: Into<String>>(
        subject: impl Into<String>,
        roles: impl IntoIterator<Item = R>,
        tenant: Option<String>,
    ) -> Self {
        let roles = roles.into_iter().map(Into::into).collect();
        Self(Arc::new(Inner { subject: subject.into(), roles, tenant, anonymous: false }))
    }

    /// A caller who proved nothing.
    pub fn anonymous<R: Into<String>>(roles: impl IntoIterator<Item = R>) -> Self {
        let roles = roles.into_iter().map(Into::into).collect();
        let subject = "anonymous".to_owned();
        Self(Arc::new(Inner { subject, roles, tenant: None, anonymous: true }))
    }

    /// The caller of the call with these extensions; anonymous and without roles if none was put
    /// there.
    pub fn of(extensions: &http::Extensions) -> Self {
        extensions
            .get::<Self>()
            .cloned()
            .unwrap_or_else(|| Self::anonymous(std::iter::empty::<String>()))
    }

    /// The name for logs and records: a user, a client's DNS name, or `anonymous`.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// Whether the caller holds the role.
    pub fn has(&self, role: &str) -> bool {
        self.0.roles.contains(role)
    }

    /// All roles, in order.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.0.roles.iter().map(String::as_str)
    }

    /// The one tenant for which the caller acts.
    pub fn tenant(&self) -> Option<&str> {
        self.0.tenant.as_deref()
    }

    /// Whether the caller proved nothing.
    pub fn is_anonymous(&self) -> bool {
        self.0.anonymous
    }
}

/// Names end up in logs and records, so they are short and free of control characters.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control)
}
