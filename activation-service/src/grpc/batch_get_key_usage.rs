//! BatchGetKeyUsage on the wire: names → ids, usages → response.

use proto::activation::v1 as pb;

use super::fields::{FieldFaults, Fields};
use super::names::{self, key_name};
use super::time::timestamp;
use crate::app::{KeyUsage, KeyUsages};
use crate::domain::ids::KeyId;

/// Most keys of one call.
const NAMES_MAX: usize = 500;

pub(super) fn parse(wire: &pb::BatchGetKeyUsageRequest) -> Result<Vec<KeyId>, FieldFaults> {
    let mut fields = Fields::default();
    let ids = fields.bounded("names", wire.names.len(), NAMES_MAX, "names").and_then(|()| {
        let mut ids = Vec::with_capacity(wire.names.len());
        for (index, name) in wire.names.iter().enumerate() {
            // The place is written only where it has to be told.
            let id = names::key_id(name);
            ids.push(id.or_else(|| names::key(&mut fields, &format!("names[{index}]"), name)));
        }
        ids.into_iter().collect()
    });
    fields.finish(ids)
}

pub(super) fn respond(usages: KeyUsages) -> pb::BatchGetKeyUsageResponse {
    pb::BatchGetKeyUsageResponse {
        usages: usages.usages.into_iter().map(usage).collect(),
        missing_names: usages.missing.into_iter().map(key_name).collect(),
        as_of_sequence: usages.as_of_sequence,
        as_of_time: Some(timestamp(usages.as_of_ms)),
    }
}

fn usage(usage: KeyUsage) -> pb::KeyUsage {
    pb::KeyUsage {
        name: key_name(usage.key_id),
        used: usage.used,
        limit: usage.limit,
        remaining: usage.remaining,
        computers: usage.computers,
        suspended: usage.suspended,
        blocked: usage.blocked,
    }
}
