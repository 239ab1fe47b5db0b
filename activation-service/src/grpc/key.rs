//! A product key as the API shows it, and the key itself as callers present it.

use proto::activation::v1 as pb;

use super::fields::{Fields, Why};
use super::names::key_name;
use super::terms::{counting_mode_number, platform_number};
use super::time::timestamp;
use crate::domain::account::Head;
use crate::domain::product_key::{ProductKey, ProductKeyError};

/// Reads a key as a person typed it; the fault tells what is wrong and never what was typed.
pub(super) fn product_key(fields: &mut Fields, field: &str, text: &str) -> Option<ProductKey> {
    let error = match ProductKey::parse(text) {
        Ok(key) => return Some(key),
        Err(error) => error,
    };
    let why = match error {
        ProductKeyError::Empty => Why::Required,
        ProductKeyError::InputTooLong => Why::TooLong,
        ProductKeyError::ControlCharacter => Why::ControlCharacter,
        ProductKeyError::Length => Why::WrongLength,
        ProductKeyError::ForeignCharacter | ProductKeyError::Mistyped => Why::Malformed,
    };
    fields.bad(field, why, error.to_string())
}

pub(super) fn key(head: Head) -> pb::ProductKey {
    let remaining = head.remaining();
    let terms = head.terms;
    pb::ProductKey {
        name: key_name(head.key_id),
        owner: terms.owner,
        product: terms.product,
        platforms: terms.platforms.iter().map(platform_number).collect(),
        limit: terms.limit,
        used: head.used,
        remaining,
        counting_mode: counting_mode_number(terms.counting_mode),
        release_policy: Some(pb::ReleasePolicy { releases_max: terms.releases_max }),
        released: head.released,
        activate_by_time: terms.activate_by_ms.map(timestamp),
        help_uri: terms.help_uri,
        operator_handle_allowed: terms.handle_allowed,
        suspension: Some(pb::Suspension {
            suspended: head.suspension.suspended,
            generation: head.suspension.generation,
        }),
        blocked: head.blocked,
        account_version: head.version,
        create_time: Some(timestamp(head.created_ms)),
        update_time: Some(timestamp(head.updated_ms)),
    }
}
