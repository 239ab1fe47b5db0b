//! The whole content of the catalog at one moment, never changed after loading.

use std::collections::BTreeMap;

use super::id::{FamilyId, OfferId, ProductId};
use super::offer::Offer;
use super::product::{Family, Product};

/// An immutable content. Whoever holds it sees one catalog, whatever is loaded meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    families: BTreeMap<FamilyId, Family>,
    products: BTreeMap<ProductId, Product>,
    offers: BTreeMap<OfferId, Offer>,
    fingerprint: [u8; 32],
}

impl Content {
    /// Puts a content together. The loader has checked that every reference in it leads somewhere.
    pub fn new(
        families: Vec<Family>,
        products: Vec<Product>,
        offers: Vec<Offer>,
        fingerprint: [u8; 32],
    ) -> Self {
        Self {
            families: families.into_iter().map(|family| (family.id.clone(), family)).collect(),
            products: products.into_iter().map(|product| (product.id.clone(), product)).collect(),
            offers: offers.into_iter().map(|offer| (offer.id.clone(), offer)).collect(),
            fingerprint,
        }
    }

    /// The families by id.
    pub fn families(&self) -> &BTreeMap<FamilyId, Family> {
        &self.families
    }

    /// The products by id.
    pub fn products(&self) -> &BTreeMap<ProductId, Product> {
        &self.products
    }

    /// The offers by id.
    pub fn offers(&self) -> &BTreeMap<OfferId, Offer> {
        &self.offers
    }

    /// A product.
    pub fn product(&self, id: &ProductId) -> Option<&Product> {
        self.products.get(id)
    }

    /// An offer.
    pub fn offer(&self, id: &OfferId) -> Option<&Offer> {
        self.offers.get(id)
    }

    /// SHA-256 over all files: equal content has an equal fingerprint, also after a restart.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }
}
