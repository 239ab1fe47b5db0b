//! ListActivations on the wire: parent and page → part of a list, computers → response.

use chassis::page_token::Sealer;
use proto::activation::v1 as pb;

use super::explanation::outcome_number;
use super::fields::{FieldFaults, Fields};
use super::names::{self, activation_name, key_name};
use super::pages::{part, query, token_fault};
use super::terms::platform_number;
use super::time::timestamp;
use crate::app::{ActivationsPage, ComputerRow};
use crate::domain::account::Count;
use crate::domain::ids::KeyId;

/// A part of the computers of a key.
pub(super) struct Asked {
    pub(super) key_id: KeyId,
    pub(super) after: Option<u64>,
    pub(super) most: usize,
}

pub(super) fn parse(
    sealer: &Sealer,
    wire: &pb::ListActivationsRequest,
) -> Result<Asked, FieldFaults> {
    let mut fields = Fields::default();
    let key_id = names::key(&mut fields, "parent", &wire.parent);
    let query = query_of(&wire.parent);
    let part = part(&mut fields, sealer, &query, wire.page_size, &wire.page_token);
    let (key_id, part) = fields.finish(key_id.zip(part))?;
    let after = match part.cursor {
        None => None,
        Some(cursor) => Some(number(&cursor).ok_or_else(token_fault)?),
    };
    Ok(Asked { key_id, after, most: part.most })
}

pub(super) fn respond(
    sealer: &Sealer,
    key_id: KeyId,
    page: ActivationsPage,
) -> pb::ListActivationsResponse {
    let query = query_of(&key_name(key_id));
    let next = page.next.map(|next| sealer.seal(&query, &next.to_be_bytes()));
    pb::ListActivationsResponse {
        activations: page.rows.into_iter().map(|row| activation(key_id, row)).collect(),
        next_page_token: next.unwrap_or_default(),
        as_of_sequence: page.as_of_sequence,
    }
}

fn query_of(parent: &str) -> Vec<u8> {
    query(&["ListActivations", parent])
}

fn number(cursor: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(cursor.try_into().ok()?))
}

fn activation(key_id: KeyId, row: ComputerRow) -> pb::Activation {
    let state = match row.active {
        true => pb::ActivationState::Active,
        false => pb::ActivationState::Released,
    };
    pb::Activation {
        name: activation_name(key_id, row.activation),
        state: state.into(),
        platform: row.platform.map_or(0, platform_number),
        counts: row.counts.into_iter().map(count).collect(),
        create_time: Some(timestamp(row.created_ms)),
        last_seen_time: Some(timestamp(row.last_seen_ms)),
        clone_suspected: row.clone_suspected,
    }
}

fn count(count: Count) -> pb::ActivationCount {
    pb::ActivationCount {
        account_version: count.number,
        outcome: outcome_number(count.outcome),
        create_time: Some(timestamp(count.created_ms)),
        released: count.released,
    }
}
