//! ReleaseActivation on the wire: request → release, released count → response.

use proto::activation::v1 as pb;

use super::evidence::evidence;
use super::fields::{FieldFaults, Fields};
use super::key::product_key;
use super::names::{activation, activation_name, request_id};
use crate::app::{Caller, GivenUp, ReleaseRequest};
use crate::domain::ids::KeyId;

/// Most characters of a reason for the history.
pub(super) const REASON_CHARS_MAX: usize = 256;

/// Callers without a partner or admin role must show the key and the computer.
pub(super) fn parse(
    caller: &Caller,
    wire: pb::ReleaseActivationRequest,
) -> Result<ReleaseRequest, FieldFaults> {
    let mut fields = Fields::default();
    let name = activation(&mut fields, "name", &wire.name);
    let request_id = request_id(&mut fields, &wire.request_id);
    let reason = fields.text("reason", wire.reason, 1..=REASON_CHARS_MAX);
    let presented = match caller {
        Caller::OpsAdmin { .. } | Caller::Owner { .. } => Some(None),
        Caller::KeyHolder | Caller::Catalog { .. } | Caller::OpsRead { .. } => {
            let key = product_key(&mut fields, "product_key", &wire.product_key);
            let evidence = evidence(&mut fields, wire.evidence);
            key.zip(evidence).map(Some)
        }
    };
    let parsed = (|| {
        let (key_id, activation) = name?;
        let (request_id, reason, presented) = (request_id?, reason?, presented?);
        Some(ReleaseRequest { key_id, activation, request_id, reason, presented })
    })();
    fields.finish(parsed)
}

pub(super) fn respond(key_id: KeyId, given_up: GivenUp) -> pb::ReleaseActivationResponse {
    let GivenUp { released, receipt } = given_up;
    let state = match released.last {
        true => pb::ActivationState::Released,
        false => pb::ActivationState::Active,
    };
    pb::ReleaseActivationResponse {
        activation: activation_name(key_id, released.activation),
        state: state.into(),
        released_count: released.count,
        used: released.used,
        limit: released.limit,
        remaining: released.limit.saturating_sub(released.used),
        receipt: receipt.map(|receipt| receipt.to_vec().into()).unwrap_or_default(),
    }
}
