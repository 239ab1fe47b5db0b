//! Who calls, and what a call brings along to prove it.

use tonic::metadata::{Ascii, MetadataKey, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// Somebody who calls: a subject with roles, perhaps of one partner, who reads a language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub(crate) subject: String,
    pub(crate) roles: Vec<&'static str>,
    pub(crate) partner: Option<String>,
    pub(crate) language: Option<&'static str>,
}

impl Person {
    fn new(subject: &str, roles: &[&'static str], partner: Option<&str>) -> Self {
        let partner = partner.map(str::to_owned);
        Self { subject: subject.to_owned(), roles: roles.to_vec(), partner, language: None }
    }

    /// Has a product key and nothing else.
    #[must_use]
    pub fn installer() -> Self {
        Self::new("", &[], None)
    }

    /// An operator who changes things.
    #[must_use]
    pub fn ops_admin() -> Self {
        Self::new("olga", &["OPS_ADMIN"], None)
    }

    /// An operator who looks.
    #[must_use]
    pub fn ops_read() -> Self {
        Self::new("otto", &["OPS_READ"], None)
    }

    /// The catalog service towards the activation service.
    #[must_use]
    pub fn catalog() -> Self {
        Self::new("catalog", &["CATALOG"], None)
    }

    /// A program that reads what is the same for every partner.
    #[must_use]
    pub fn catalog_read() -> Self {
        Self::new("website", &["CATALOG_READ"], None)
    }

    /// A portal that forwards nobody's token.
    #[must_use]
    pub fn portal() -> Self {
        Self::new("portal", &["PORTAL"], None)
    }

    /// A partner's global admin.
    #[must_use]
    pub fn global_admin(subject: &str, partner: &str) -> Self {
        Self::new(subject, &["GLOBAL_ADMIN"], Some(partner))
    }

    /// A partner's MPN partner admin.
    #[must_use]
    pub fn partner_admin(subject: &str, partner: &str) -> Self {
        Self::new(subject, &["MPN_PARTNER_ADMIN"], Some(partner))
    }

    /// A user of a partner who holds no role there.
    #[must_use]
    pub fn without_role(subject: &str, partner: &str) -> Self {
        Self::new(subject, &[], Some(partner))
    }

    /// The same person reading another language, as in `accept-language`.
    #[must_use]
    pub fn speaking(mut self, language: &'static str) -> Self {
        self.language = Some(language);
        self
    }

    /// Whether a portal speaks for this person, who has no certificate.
    pub(crate) fn is_user(&self) -> bool {
        self.partner.is_some()
    }

    /// The name of the files of this person's certificate, where there is one.
    pub(crate) fn certificate(&self) -> Option<&'static str> {
        match self.roles.as_slice() {
            _ if self.is_user() => Some("client-portal"),
            ["PORTAL"] => Some("client-portal"),
            ["OPS_ADMIN"] => Some("client-ops-admin"),
            ["OPS_READ"] => Some("client-ops-read"),
            ["CATALOG"] => Some("client-catalog"),
            ["CATALOG_READ"] => Some("client-catalog-read"),
            _ => None,
        }
    }

    /// The development identity, as a service on loopback believes it; none for an installer.
    pub(crate) fn dev_identity(&self) -> Option<String> {
        if self.subject.is_empty() {
            return None;
        }
        let tenant = self.partner.as_ref().map(|id| format!(";tenant={id}")).unwrap_or_default();
        Some(format!("subject={};roles={}{tenant}", self.subject, self.roles.join(",")))
    }
}

/// The metadata of every call of a client.
#[derive(Clone, Default)]
pub struct Headers(pub(crate) Vec<(String, String)>);

impl Headers {
    /// Names and values, for clients that are not ours.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        for (name, value) in &self.0 {
            let unreadable = |_| Status::internal("a header that cannot be sent");
            let name: MetadataKey<Ascii> =
                name.parse().map_err(|_| Status::internal("a header without a name"))?;
            let value: MetadataValue<Ascii> = value.parse().map_err(unreadable)?;
            request.metadata_mut().insert(name, value);
        }
        Ok(request)
    }
}
