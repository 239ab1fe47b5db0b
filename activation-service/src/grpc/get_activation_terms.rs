//! GetActivationTerms on the wire: nothing → the terms in force.

use proto::activation::v1 as pb;

use crate::app::ActivationTerms;

pub(super) fn respond(terms: ActivationTerms) -> pb::GetActivationTermsResponse {
    pb::GetActivationTermsResponse {
        recipe_versions: terms.recipes.iter().map(|recipe| u32::from(*recipe)).collect(),
        deployment_salt: terms.salt.as_bytes().to_vec().into(),
        policy_version: terms.policy_version,
        receipt_keys: terms.receipt_keys,
    }
}
