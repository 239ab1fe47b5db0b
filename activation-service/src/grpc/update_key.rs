//! UpdateKey on the wire: the fields that the mask names → settings, key → response.

use proto::activation::v1 as pb;

use super::fields::{FieldFaults, Fields, Why};
use super::key::key;
use super::names;
use super::release_activation::REASON_CHARS_MAX;
use super::terms::{help_uri, limit, platforms, releases_max, suspension};
use super::time::moment;
use crate::app::KeyUpdate;
use crate::domain::account::Head;
use crate::domain::command::Settings;

/// Most paths of a mask.
const PATHS_MAX: usize = 32;
/// The longest path that is quoted back.
const PATH_CHARS_MAX: usize = 64;

pub(super) fn parse(wire: pb::UpdateKeyRequest) -> Result<KeyUpdate, FieldFaults> {
    let mut fields = Fields::default();
    let asked = wire.key.unwrap_or_default();
    let key_id = names::key(&mut fields, "key.name", &asked.name);
    let reason = fields.text("reason", wire.reason, 1..=REASON_CHARS_MAX);
    let paths = wire.update_mask.unwrap_or_default().paths;
    let settings = settings(&mut fields, &paths, &asked);
    let parsed = (|| Some(KeyUpdate { key_id: key_id?, settings: settings?, reason: reason? }))();
    fields.finish(parsed)
}

pub(super) fn respond(head: Head) -> pb::UpdateKeyResponse {
    pb::UpdateKeyResponse { key: Some(key(head)) }
}

/// Only fields in the mask are looked at; the others may hold anything.
fn settings(fields: &mut Fields, paths: &[String], asked: &pb::ProductKey) -> Option<Settings> {
    if paths.is_empty() {
        return fields.bad("update_mask", Why::Required, "name the fields to change");
    }
    fields.bounded("update_mask", paths.len(), PATHS_MAX, "paths")?;
    let mut settings = Settings::default();
    for path in paths {
        set(fields, path, asked, &mut settings);
    }
    Some(settings)
}

fn set(fields: &mut Fields, path: &str, asked: &pb::ProductKey, settings: &mut Settings) {
    match path {
        "limit" => settings.limit = limit(fields, "key.limit", asked.limit),
        "blocked" => settings.blocked = Some(asked.blocked),
        "platforms" => {
            settings.platforms = platforms(fields, "key.platforms", &asked.platforms);
        }
        "release_policy" | "release_policy.releases_max" => {
            let policy = asked.release_policy.as_ref();
            settings.releases_max = releases_max(fields, "key.release_policy", policy);
        }
        "activate_by_time" => {
            settings.activate_by_ms = match asked.activate_by_time {
                Some(time) => moment(fields, "key.activate_by_time", time).map(Some),
                None => Some(None),
            };
        }
        "help_uri" => {
            settings.help_uri = help_uri(fields, "key.help_uri", asked.help_uri.clone());
        }
        "operator_handle_allowed" => settings.handle_allowed = Some(asked.operator_handle_allowed),
        "suspension" => match &asked.suspension {
            Some(wire) => settings.suspension = Some(suspension(Some(wire))),
            None => {
                fields.bad::<()>("key.suspension", Why::Required, "the mask names `suspension`");
            }
        },
        "suspension.suspended" | "suspension.generation" => {
            // Half of it would let a late message overtake a newer one.
            let description = "name `suspension` as a whole: its parts belong together";
            fields.bad::<()>("update_mask", Why::NotUpdatable, description);
        }
        _ => {
            let shown: String = path.escape_default().take(PATH_CHARS_MAX).collect();
            let description = format!("`{shown}` is no field that can be changed");
            fields.bad::<()>("update_mask", Why::NotUpdatable, description);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(key: pb::ProductKey, paths: &[&str]) -> Result<KeyUpdate, Vec<String>> {
        let name = "productKeys/000102030405060708090a0b0c0d0e0f".to_owned();
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let request = pb::UpdateKeyRequest {
            key: Some(pb::ProductKey { name, ..key }),
            update_mask: Some(prost_types::FieldMask { paths }),
            reason: "a reason".to_owned(),
        };
        parse(request).map_err(|faults| faults.0.into_iter().map(|fault| fault.field).collect())
    }

    #[test]
    fn only_masked_fields_are_looked_at() {
        let key = pb::ProductKey { limit: u32::MAX, blocked: true, ..Default::default() };
        let settings = update(key, &["blocked"]).expect("limit is not in the mask").settings;
        assert_eq!((settings.blocked, settings.limit), (Some(true), None));
    }

    #[test]
    fn a_masked_field_without_a_value_is_cleared_and_suspension_must_be_whole() {
        let cleared = ["activate_by_time", "help_uri", "platforms", "release_policy"];
        let settings = update(pb::ProductKey::default(), &cleared).expect("cleared").settings;
        assert_eq!(settings.activate_by_ms, Some(None));
        assert_eq!(settings.releases_max, Some(0));
        let refused = update(pb::ProductKey::default(), &["suspension", "suspension.suspended"]);
        assert_eq!(refused.err(), Some(vec!["key.suspension".into(), "update_mask".into()]));
    }

    #[test]
    fn every_bad_path_and_value_is_named() {
        let key = pb::ProductKey {
            limit: u32::MAX,
            platforms: vec![9],
            help_uri: "ftp://x".to_owned(),
            ..Default::default()
        };
        let paths = ["limit", "platforms", "help_uri", "used", "*", "owner"];
        let refused = update(key, &paths).err().expect("six faults");
        let expected = ["key.limit", "key.platforms[0]", "key.help_uri"];
        assert_eq!(refused[..3], expected);
        assert_eq!(refused[3..], ["update_mask"; 3]);
        assert_eq!(update(pb::ProductKey::default(), &[]).err(), Some(vec!["update_mask".into()]));
    }
}
