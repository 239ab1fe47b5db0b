//! PreviewActivation on the wire: the request of Activate without an id, and its answer.

use proto::activation::v1 as pb;

use super::activate::client;
use super::evidence::evidence;
use super::explanation::{explanation, outcome_number};
use super::fields::{FieldFaults, Fields};
use super::key::product_key;
use super::names::activation_name;
use super::terms::{platform, product};
use crate::app::{Activation, Preview};
use crate::domain::ids::RequestId;

/// Stands where Activate has the caller's id; nothing is recorded under it.
const NO_REQUEST_ID: RequestId = RequestId([0; 16]);

pub(super) fn parse(wire: pb::PreviewActivationRequest) -> Result<Activation, FieldFaults> {
    let mut fields = Fields::default();
    let product_key = product_key(&mut fields, "product_key", &wire.product_key);
    let product = product(&mut fields, "product", wire.product);
    let evidence = evidence(&mut fields, wire.evidence);
    let platform = platform(&mut fields, "platform", wire.platform);
    let client = client(&mut fields, wire.client);
    let parsed = (|| {
        Some(Activation {
            product_key: product_key?,
            product: product?,
            evidence: evidence?,
            platform: platform?,
            client: client?,
            request_id: NO_REQUEST_ID,
        })
    })();
    fields.finish(parsed)
}

pub(super) fn respond(preview: Preview) -> pb::PreviewActivationResponse {
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
        explanation: Some(explanation(granted.explanation)),
    }
}
