//! Resource names of the catalog, `partners/{partner}/…`: parsed once at the border, printed in
//! answers.

use std::fmt;

use thiserror::Error;

use super::benefit::BenefitId;
use super::id::{EnrolmentId, OfferId, PartnerId, ProductId};

/// Bytes of a random handle.
pub const HANDLE_BYTES: usize = 16;

/// Why a text is not the name of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// It is no partner.
    #[error("must be `partners/{{partner}}`, where partner is 1 to 64 of a-z, 0-9 and \"-\"")]
    Partner,
    /// It is no enrolment.
    #[error("must be `partners/{{partner}}/enrolments/{{enrolment}}` in a-z, 0-9 and \"-\"")]
    Enrolment,
    /// It is no benefit.
    #[error("must be `partners/{{partner}}/benefits/{{enrolment}}.{{product}}`")]
    Benefit,
    /// It is no product.
    #[error("must be `products/{{product}}`, where product is 1 to 64 of a-z, 0-9 and \"-\"")]
    Product,
    /// It is no offer.
    #[error("must be `offers/{{offer}}`, where offer is 1 to 64 of a-z, 0-9 and \"-\"")]
    Offer,
    /// It is no handle.
    #[error("must be 32 lower-case hex digits")]
    Handle,
}

/// Reads `partners/{partner}`.
pub fn parse_partner(text: &str) -> Result<PartnerId, NameError> {
    let id = text.strip_prefix("partners/").ok_or(NameError::Partner)?;
    PartnerId::parse(id).map_err(|_| NameError::Partner)
}

/// Reads `products/{product}`.
pub fn parse_product(text: &str) -> Result<ProductId, NameError> {
    let id = text.strip_prefix("products/").ok_or(NameError::Product)?;
    ProductId::parse(id).map_err(|_| NameError::Product)
}

/// Reads `offers/{offer}`.
pub fn parse_offer(text: &str) -> Result<OfferId, NameError> {
    let id = text.strip_prefix("offers/").ok_or(NameError::Offer)?;
    OfferId::parse(id).map_err(|_| NameError::Offer)
}

/// `partners/{partner}/enrolments/{enrolment}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnrolmentName {
    /// The partner.
    pub partner: PartnerId,
    /// The enrolment, unique within the partner.
    pub enrolment: EnrolmentId,
}

impl EnrolmentName {
    /// Reads the name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let (partner, enrolment) = text.split_once("/enrolments/").ok_or(NameError::Enrolment)?;
        Ok(Self {
            partner: parse_partner(partner).map_err(|_| NameError::Enrolment)?,
            enrolment: EnrolmentId::parse(enrolment).map_err(|_| NameError::Enrolment)?,
        })
    }
}

impl fmt::Display for EnrolmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partners/{}/enrolments/{}", self.partner, self.enrolment)
    }
}

/// `partners/{partner}/benefits/{enrolment}.{product}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BenefitName {
    /// The partner.
    pub partner: PartnerId,
    /// The enrolment that grants it.
    pub enrolment: EnrolmentId,
    /// The product.
    pub product: ProductId,
}

impl BenefitName {
    /// The benefit of a partner.
    pub fn of(partner: PartnerId, id: BenefitId) -> Self {
        Self { partner, enrolment: id.enrolment, product: id.product }
    }

    /// Reads the name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let (partner, benefit) = text.split_once("/benefits/").ok_or(NameError::Benefit)?;
        let partner = parse_partner(partner).map_err(|_| NameError::Benefit)?;
        let id = BenefitId::parse(benefit).map_err(|_| NameError::Benefit)?;
        Ok(Self::of(partner, id))
    }

    /// The enrolment that grants it.
    pub fn enrolment_name(&self) -> EnrolmentName {
        EnrolmentName { partner: self.partner.clone(), enrolment: self.enrolment.clone() }
    }
}

impl fmt::Display for BenefitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partners/{}/benefits/{}.{}", self.partner, self.enrolment, self.product)
    }
}

/// The random handle of a key or of a reveal: 32 lower-case hex digits, never derived from a
/// secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(String);

impl Handle {
    /// Makes a handle of random bytes.
    pub fn from_random(random: [u8; HANDLE_BYTES]) -> Self {
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads a handle.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 2 * HANDLE_BYTES && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Handle)
        }
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_were() {
        let benefit = "partners/contoso/benefits/core-2026.windows-server-2019";
        assert_eq!(BenefitName::parse(benefit).expect("parses").to_string(), benefit);
        let enrolment = "partners/contoso/enrolments/core-2026";
        assert_eq!(EnrolmentName::parse(enrolment).expect("parses").to_string(), enrolment);
        let handle = Handle::from_random([0xab; HANDLE_BYTES]);
        assert_eq!(Handle::parse(handle.as_str()), Ok(handle));
    }

    #[test]
    fn other_texts_are_not_names() {
        for bad in [
            "",
            "partners/contoso",
            "partners/contoso/benefits/",
            "partners/contoso/benefits/core",
            "partners/contoso/benefits/core.a.b",
            "partners/Contoso/benefits/core.a",
            "partners/contoso/benefits/core.a/x",
            "partners/contoso/benefits/a/benefits/core.a",
        ] {
            assert_eq!(BenefitName::parse(bad), Err(NameError::Benefit), "{bad}");
        }
        assert_eq!(Handle::parse(&"A".repeat(32)), Err(NameError::Handle));
        assert_eq!(parse_partner("partners/a b"), Err(NameError::Partner));
    }
}
