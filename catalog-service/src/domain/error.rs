//! Why the catalog says no: refusals as the business knows them, without codes of any transport.

use thiserror::Error;

/// Most characters of a description of a bad field; a longer one is cut.
pub const FIELD_DESCRIPTION_CHARS_MAX: usize = 300;

/// One field of a request that cannot be, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadField {
    /// Its path in the request, such as `keys[3].benefit`.
    pub field: String,
    /// What is wrong with it, a sentence in English that holds no secret.
    pub description: String,
}

impl BadField {
    /// Names a bad field.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        let description: String = description.into();
        let description = description.chars().take(FIELD_DESCRIPTION_CHARS_MAX).collect();
        Self { field: field.into(), description }
    }
}

/// Why the catalog refuses a request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The request has fields that cannot be; every one of them is listed.
    #[error("the request has bad fields")]
    FieldInvalid(Vec<BadField>),
    /// The caller's account belongs to no partner or to another one (F9).
    #[error("the account is not associated with this partner")]
    NotAssociated,
    /// The partner has no such benefit, or no longer.
    #[error("there is no such benefit")]
    BenefitNotFound(Vec<BadField>),
    /// The catalog has no such product.
    #[error("there is no such product")]
    ProductNotFound,
    /// There is no such partner.
    #[error("there is no such partner")]
    PartnerNotFound,
    /// The catalog has no such offer.
    #[error("there is no such offer")]
    OfferNotFound,
    /// The product cannot be downloaded (R9).
    #[error("the product cannot be downloaded")]
    NotDownloadable(ManagedElsewhere),
    /// The product needs no key, so there is none to reveal or to import.
    #[error("the product needs no key")]
    KeyNotRequired(Vec<BadField>),
    /// No key was imported for the benefit yet.
    #[error("the benefit has no key yet")]
    KeyNotAssigned,
    /// The key is recorded and not yet known to the activation service.
    #[error("the key is being provisioned")]
    KeyProvisioning,
    /// The benefit has another key, or the key belongs to another benefit.
    #[error("the benefit has another key, or the key belongs to another benefit")]
    KeyAlreadyAssigned(Vec<BadField>),
    /// The content folder has faults; nothing was changed.
    #[error("the content has faults")]
    ContentInvalid(Vec<BadField>),
}

/// Where a product that cannot be downloaded is managed instead.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManagedElsewhere {
    /// The note of the content, in the language that was asked for.
    pub note: String,
    /// The products that manage it.
    pub managed_by: Vec<String>,
}
