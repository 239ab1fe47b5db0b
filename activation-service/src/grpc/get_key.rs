//! GetKey on the wire: name → id, key → response.

use proto::activation::v1 as pb;

use super::fields::{FieldFaults, Fields};
use super::key::key;
use super::names;
use crate::app::KeyAsOf;
use crate::domain::ids::KeyId;

pub(super) fn parse(wire: &pb::GetKeyRequest) -> Result<KeyId, FieldFaults> {
    let mut fields = Fields::default();
    let id = names::key(&mut fields, "name", &wire.name);
    fields.finish(id)
}

pub(super) fn respond(found: KeyAsOf) -> pb::GetKeyResponse {
    pb::GetKeyResponse { key: Some(key(found.head)), as_of_sequence: found.as_of_sequence }
}
