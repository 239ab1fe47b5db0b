//! Offers: what a membership grants, how many licences of it, and how activations count.

use super::id::{OfferId, ProductId};
use super::language::Localised;

/// How activations of a key count (F5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CountingMode {
    /// New computers and significant hardware changes count (R6-R8).
    HardwareTolerant,
    /// Every activation counts, also on the same computer.
    EveryActivation,
}

impl CountingMode {
    /// All modes.
    pub const ALL: [Self; 2] = [Self::HardwareTolerant, Self::EveryActivation];

    /// Its name in content files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HardwareTolerant => "hardware-tolerant",
            Self::EveryActivation => "every-activation",
        }
    }

    /// The mode of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

/// An offer that partners enrol in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its id.
    pub id: OfferId,
    /// Its title.
    pub title: Localised<String>,
    /// The program, such as `MAPS`.
    pub program: String,
    /// The specialisation within the program, such as `Core`.
    pub specialisation: String,
    /// How activations of its keys count.
    pub counting_mode: CountingMode,
    /// What it grants, one entry a product.
    pub grants: Vec<Grant>,
}

impl Offer {
    /// Where a benefit comes from, as a row shows it (F1): `MAPS - Core`.
    pub fn source(&self) -> String {
        format!("{} - {}", self.program, self.specialisation)
    }

    /// What it grants of a product.
    pub fn grant(&self, product: &ProductId) -> Option<&Grant> {
        self.grants.iter().find(|grant| grant.product == *product)
    }
}

/// One product of an offer. Licences and activations are two different numbers (F4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The product.
    pub product: ProductId,
    /// Licences granted.
    pub licence_quantity: LicenceQuantity,
    /// Most activations (R10); 0 for products that are not activated.
    pub activation_limit: u32,
    /// True while the limit is sample data and not the vendor's number.
    pub activation_limit_sample: bool,
}

/// How many licences a benefit grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenceQuantity {
    /// The number.
    pub value: u32,
    /// What is counted.
    pub unit: String,
    /// The quantity as the vendor printed it.
    pub printed: String,
}
