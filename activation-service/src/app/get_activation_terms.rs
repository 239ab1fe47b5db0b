//! GetActivationTerms: what an installer needs before it makes evidence.

use hardware_evidence::DeploymentSalt;

use super::App;
use crate::domain::evidence::RECIPES_ACCEPTED;

/// The terms of activations.
#[derive(Clone, Debug)]
pub struct ActivationTerms {
    /// Accepted recipes, preferred first.
    pub recipes: &'static [u8],
    /// The salt of this deployment.
    pub salt: DeploymentSalt,
    /// The policy in force.
    pub policy_version: String,
    /// The public keys of receipts as text, for display.
    pub receipt_keys: Vec<String>,
}

impl App {
    /// The terms in force.
    #[must_use]
    pub fn get_activation_terms(&self) -> ActivationTerms {
        ActivationTerms {
            recipes: &RECIPES_ACCEPTED,
            salt: self.salt,
            policy_version: self.policy.rules().version.clone(),
            receipt_keys: self.proof.receipt_keys.clone(),
        }
    }
}
