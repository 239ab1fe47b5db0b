//! The rules under test: ours, which is the domain of the activation service itself, and peers'.

mod components;
mod one_id;
mod product;

use std::sync::Arc;

use activation_service::domain::error::Inconsistency;
use activation_service::domain::evidence::{Component, Evidence};
use activation_service::domain::policy::Policy;
use activation_service::domain::terms::Platform;
use hardware_evidence::{DeploymentSalt, EvidenceBuilder};
use thiserror::Error;

pub use components::{MatchingStrategy, Registered};
pub use one_id::{Id, OneId};
pub use product::Product;

use crate::reading::Reading;

/// The salt of the deployment that the simulator stands for.
pub const SALT: DeploymentSalt = DeploymentSalt::new([0x5a; DeploymentSalt::BYTES]);

/// What a rule says to an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Granted, and counted.
    Counted,
    /// Granted without a count.
    NotCounted,
    /// Too little to go by.
    Refused,
}

/// Why a simulation ends early; each of them is a mistake in it.
#[derive(Debug, Error)]
pub enum Fault {
    /// The domain refused what it should never refuse here.
    #[error("the domain refused an activation: {0}")]
    Refusal(String),
    /// The account cannot be what its events say.
    #[error("the account of a key broke: {0}")]
    Account(#[from] Inconsistency),
    /// A thread panicked.
    #[error("a thread of the simulation broke")]
    Thread,
    /// Values do not make evidence.
    #[error("values make no evidence: {0}")]
    Evidence(String),
}

/// What a program reports of a computer, as every rule gets it.
#[derive(Clone, Debug)]
pub struct Report {
    /// Raw values, placeholders included, for rules that know no junk.
    pub reading: Reading,
    /// The product's evidence; none if there is nothing to send.
    pub evidence: Option<Arc<Evidence>>,
    /// Where the program runs.
    pub platform: Platform,
}

impl Report {
    /// Makes evidence by the product's recipe.
    ///
    /// # Errors
    /// The values are not those of one computer.
    pub fn new(reading: Reading, platform: Platform) -> Result<Self, Fault> {
        let fault = |error: &dyn std::fmt::Display| Fault::Evidence(error.to_string());
        let mut builder = EvidenceBuilder::new(SALT);
        for (kind, value) in &reading.values {
            builder.value(*kind, value).map_err(|error| fault(&error))?;
        }
        let mut components = Vec::new();
        for found in builder.build().components() {
            let component = Component::reported(found.kind, found.recipe_version, found.digests);
            components.push(component.map_err(|error| fault(&error))?);
        }
        let evidence = match components.is_empty() {
            true => None,
            false => Some(Arc::new(Evidence::new(components).map_err(|error| fault(&error))?)),
        };
        Ok(Self { reading, evidence, platform })
    }
}

/// A rule with what it knows of one key.
pub trait Rule {
    /// Decides an activation and takes note of it.
    ///
    /// # Errors
    /// A mistake in the simulation.
    fn answer(&mut self, report: &Report) -> Result<Answer, Fault>;
}

/// What kind of peer a rule stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Ours.
    Product,
    /// Ours under another policy.
    Variant,
    /// One value is the computer.
    OneId,
    /// As Keygen matches components.
    Keygen,
    /// One value, with our list of junk and our choice of adapters; no peer does this.
    CarefulOneId,
}

/// A rule with its name and what it stands for.
pub type Named = (String, Family, Box<dyn Rule>);

/// The policies that our rule is put to the test under.
#[derive(Clone, Debug)]
pub struct Policies {
    /// The one that the bars are for.
    pub product: Arc<Policy>,
    /// Others on the same lives.
    pub variants: Vec<Arc<Policy>>,
}

/// The rules of a run by name, ours first; each call gives them for a fresh key.
///
/// # Errors
/// The domain does not take the key.
pub fn all(policies: &Policies) -> Result<Vec<Named>, Fault> {
    let ours = |policy: &Arc<Policy>| Product::new(Arc::clone(policy)).map(Box::new);
    let mut rules: Vec<Named> = Vec::new();
    rules.push((PRODUCT.to_owned(), Family::Product, ours(&policies.product)?));
    for variant in &policies.variants {
        rules.push((variant.rules().version.clone(), Family::Variant, ours(variant)?));
    }
    for (name, id) in Id::ALL {
        rules.push((name.to_owned(), Family::OneId, Box::new(OneId::new(id, false))));
    }
    for (name, strategy, unit_kinds_only) in MatchingStrategy::ALL {
        let rule = Registered::new(strategy, unit_kinds_only);
        rules.push((name.to_owned(), Family::Keygen, Box::new(rule)));
    }
    for (name, id) in Id::CAREFUL {
        rules.push((name.to_owned(), Family::CarefulOneId, Box::new(OneId::new(id, true))));
    }
    Ok(rules)
}

/// The name of our rule.
pub const PRODUCT: &str = "product";
