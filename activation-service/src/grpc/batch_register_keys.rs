//! BatchRegisterKeys on the wire: registrations with every fault of every entry, keys → response.

use std::collections::HashSet;

use proto::activation::v1 as pb;

use super::fields::{FieldFaults, Fields, Why};
use super::key::{key, product_key};
use super::terms::{counting_mode, help_uri, limit, platforms, product, releases_max, suspension};
use super::time::moment;
use crate::app::Registration;
use crate::domain::account::Head;
use crate::domain::ids::KeyId;
use crate::domain::terms::Terms;

/// Most keys of one call.
const KEYS_MAX: usize = 500;
/// Most characters of an owner's id.
const OWNER_CHARS_MAX: usize = 128;

pub(super) fn parse(wire: pb::BatchRegisterKeysRequest) -> Result<Vec<Registration>, FieldFaults> {
    let mut fields = Fields::default();
    let count = wire.keys.len();
    if count == 0 {
        fields.bad::<()>("keys", Why::Required, format!("send 1 to {KEYS_MAX} keys"));
    }
    let parsed = fields.bounded("keys", count, KEYS_MAX, "keys").and_then(|()| {
        let entries: Vec<_> = wire
            .keys
            .into_iter()
            .enumerate()
            .map(|(index, wire)| registration(&mut fields, &format!("keys[{index}]"), wire))
            .collect();
        name_doubles(&mut fields, &entries);
        entries.into_iter().collect()
    });
    fields.finish(parsed)
}

pub(super) fn respond(heads: Vec<Head>) -> pb::BatchRegisterKeysResponse {
    pb::BatchRegisterKeysResponse { keys: heads.into_iter().map(key).collect() }
}

fn registration(fields: &mut Fields, at: &str, wire: pb::KeyRegistration) -> Option<Registration> {
    let key_id = key_id(fields, format!("{at}.key_id"), &wire.key_id);
    let product_key = product_key(fields, &format!("{at}.product_key"), &wire.product_key);
    let owner = fields.text(&format!("{at}.owner"), wire.owner, 1..=OWNER_CHARS_MAX);
    let product = product(fields, &format!("{at}.product"), wire.product);
    let platforms = platforms(fields, &format!("{at}.platforms"), &wire.platforms);
    let limit = limit(fields, &format!("{at}.limit"), wire.limit);
    let mode = counting_mode(fields, &format!("{at}.counting_mode"), wire.counting_mode);
    let activate_by_ms = match wire.activate_by_time {
        Some(time) => moment(fields, &format!("{at}.activate_by_time"), time).map(Some),
        None => Some(None),
    };
    let help_uri = help_uri(fields, &format!("{at}.help_uri"), wire.help_uri);
    let policy = wire.release_policy.as_ref();
    let releases_max = releases_max(fields, &format!("{at}.release_policy"), policy);
    let terms = Terms {
        owner: owner?,
        product: product?,
        platforms: platforms?,
        limit: limit?,
        counting_mode: mode?,
        releases_max: releases_max?,
        activate_by_ms: activate_by_ms?,
        help_uri: help_uri?,
        handle_allowed: wire.operator_handle_allowed,
    };
    let suspension = suspension(wire.suspension.as_ref());
    Some(Registration { key_id: key_id?, product_key: product_key?, terms, suspension })
}

fn key_id(fields: &mut Fields, at: String, text: &str) -> Option<KeyId> {
    if text.is_empty() {
        return fields.bad(at, Why::Required, "send 32 lower-case hex digits, drawn at random");
    }
    match KeyId::parse(text) {
        Some(id) => Some(id),
        None => fields.bad(at, Why::Malformed, "32 lower-case hex digits are needed"),
    }
}

/// The later of two entries with the same id or the same product key is at fault.
fn name_doubles(fields: &mut Fields, entries: &[Option<Registration>]) {
    let (mut ids, mut keys) = (HashSet::new(), HashSet::new());
    for (index, entry) in entries.iter().enumerate() {
        let Some(entry) = entry else { continue };
        if !ids.insert(entry.key_id) {
            let at = format!("keys[{index}].key_id");
            fields.bad::<()>(at, Why::Duplicate, "an earlier entry has the same key_id");
        }
        if !keys.insert(entry.product_key.expose()) {
            let at = format!("keys[{index}].product_key");
            fields.bad::<()>(at, Why::Duplicate, "an earlier entry has the same product key");
        }
    }
}
