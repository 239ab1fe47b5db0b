//! Activate on the wire: request → activation, grant → response.

use proto::activation::v1 as pb;

use super::evidence::evidence;
use super::explanation::{explanation, outcome_number};
use super::fields::{FieldFaults, Fields};
use super::key::product_key;
use super::names::{activation_name, request_id};
use super::terms::{platform, product};
use crate::app::{Activated, Activation};
use crate::domain::event::Client;
use crate::domain::policy::Rules;

/// Most characters of the name and of the version of a client.
const CLIENT_CHARS_MAX: usize = 64;

pub(super) fn parse(wire: pb::ActivateRequest) -> Result<Activation, FieldFaults> {
    let mut fields = Fields::default();
    let product_key = product_key(&mut fields, "product_key", &wire.product_key);
    let product = product(&mut fields, "product", wire.product);
    let evidence = evidence(&mut fields, wire.evidence);
    let platform = platform(&mut fields, "platform", wire.platform);
    let client = client(&mut fields, wire.client);
    let request_id = request_id(&mut fields, &wire.request_id);
    let parsed = (|| {
        Some(Activation {
            product_key: product_key?,
            product: product?,
            evidence: evidence?,
            platform: platform?,
            client: client?,
            request_id: request_id?,
        })
    })();
    fields.finish(parsed)
}

/// The program that asks; it may stay unnamed.
fn client(fields: &mut Fields, wire: Option<pb::ClientInfo>) -> Option<Client> {
    let wire = wire.unwrap_or_default();
    let name = fields.text("client.name", wire.name, 0..=CLIENT_CHARS_MAX);
    let version = fields.text("client.version", wire.version, 0..=CLIENT_CHARS_MAX);
    Some(Client { name: name?, version: version? })
}

pub(super) fn respond(rules: &Rules, activated: Activated) -> pb::ActivateResponse {
    let Activated { key_id, granted, receipt } = activated;
    pb::ActivateResponse {
        outcome: outcome_number(granted.outcome),
        activation: activation_name(key_id, granted.activation),
        used: granted.used,
        limit: granted.limit,
        remaining: granted.limit.saturating_sub(granted.used),
        explanation: Some(explanation(rules, granted.explanation)),
        receipt: receipt.map(|receipt| receipt.to_vec().into()).unwrap_or_default(),
    }
}
