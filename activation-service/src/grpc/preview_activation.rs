//! PreviewActivation on the wire: the request of Activate without an id, and its answer.

use proto::activation::v1 as pb;

use super::explanation::{explanation, outcome_number};
use super::fields::FieldFaults;
use super::names::activation_name;
use crate::app::{Activation, Preview};
use crate::domain::policy::Rules;

/// Stands where Activate has the caller's id; nothing is recorded under it.
const NO_REQUEST_ID: [u8; 16] = [0; 16];

pub(super) fn parse(wire: pb::PreviewActivationRequest) -> Result<Activation, FieldFaults> {
    let pb::PreviewActivationRequest { product_key, product, evidence, platform, client } = wire;
    let request_id = NO_REQUEST_ID.to_vec().into();
    super::activate::parse(pb::ActivateRequest {
        product_key,
        product,
        evidence,
        platform,
        client,
        request_id,
    })
}

pub(super) fn respond(rules: &Rules, preview: Preview) -> pb::PreviewActivationResponse {
    let Preview { key_id, granted } = preview;
    // A new computer has no name yet: the one that was drawn is forgotten with the decision.
    let activation = match granted.known {
        true => activation_name(key_id, granted.activation),
        false => String::new(),
    };
    pb::PreviewActivationResponse {
        outcome: outcome_number(granted.outcome),
        activation,
        used: granted.used,
        limit: granted.limit,
        remaining: granted.limit.saturating_sub(granted.used),
        explanation: Some(explanation(rules, granted.explanation)),
    }
}
