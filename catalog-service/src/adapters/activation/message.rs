//! Messages of the activation service, made from what the catalog knows.

use std::collections::HashMap;
use std::sync::Arc;

use proto::activation::v1::{
    BatchGetKeyUsageResponse, CountingMode, KeyRegistration, KeyUsage, Platform, ProductKey,
    ReleasePolicy, Suspension, UpdateKeyRequest,
};

use crate::domain::key::{self, KeyCounts};
use crate::domain::name::Handle;
use crate::domain::offer;
use crate::domain::product;
use crate::ports::{Registration, UsageReading};

pub(super) fn registration(key: &Registration) -> KeyRegistration {
    KeyRegistration {
        key_id: key.key_id.to_string(),
        product_key: key.product_key.expose().to_owned(),
        owner: key.owner.to_string(),
        product: format!("products/{}", key.product),
        platforms: key.terms.platforms.iter().map(|name| platform(*name) as i32).collect(),
        limit: key.terms.limit,
        counting_mode: counting_mode(key.terms.counting_mode) as i32,
        release_policy: Some(ReleasePolicy { releases_max: 0 }),
        // An enrolment can be renewed and this date could then not be moved by the catalog: the end
        // of the grace is told as a suspension instead.
        activate_by_time: None,
        help_uri: key.terms.help_uri.clone(),
        operator_handle_allowed: key.terms.operator_handle_allowed,
        suspension: Some(suspension(key.suspension)),
    }
}

/// The id of a key and the suspension that was sent with it.
pub(super) fn sent(key: &KeyRegistration) -> (String, key::Suspension) {
    (key.key_id.clone(), suspension_known(key.suspension.unwrap_or_default()))
}

/// What the activation service says of the suspension of each key, by key id.
pub(super) fn suspensions(keys: Vec<ProductKey>) -> HashMap<String, key::Suspension> {
    keys.into_iter()
        .filter_map(|key| {
            let key_id = key.name.strip_prefix("productKeys/")?.to_owned();
            Some((key_id, suspension_known(key.suspension?)))
        })
        .collect()
}

pub(super) fn suspension_known(known: Suspension) -> key::Suspension {
    key::Suspension { suspended: known.suspended, generation: known.generation }
}

pub(super) fn update_suspension(key_id: &Handle, wanted: key::Suspension) -> UpdateKeyRequest {
    let reason =
        if wanted.suspended { "the membership has ended" } else { "the membership is in force" };
    UpdateKeyRequest {
        key: Some(ProductKey {
            name: key_name(key_id),
            suspension: Some(suspension(wanted)),
            ..ProductKey::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["suspension".to_owned()] }),
        reason: reason.to_owned(),
    }
}

pub(super) fn key_name(key_id: &Handle) -> String {
    format!("productKeys/{key_id}")
}

/// The counts, or none if the answer cannot be read.
pub(super) fn usage(answer: BatchGetKeyUsageResponse) -> Option<UsageReading> {
    let as_of = answer.as_of_time?;
    let counts = answer.usages.into_iter().map(|usage| {
        let key_id = Handle::parse(usage.name.strip_prefix("productKeys/")?).ok()?;
        let KeyUsage { used, limit, remaining, .. } = usage;
        Some((key_id, KeyCounts { used, limit, remaining }))
    });
    let as_of_ms =
        as_of.seconds.saturating_mul(1000).saturating_add(i64::from(as_of.nanos) / 1_000_000);
    Some(UsageReading { counts: Arc::new(counts.collect::<Option<_>>()?), as_of_ms })
}

/// The number in a field such as `keys[3].product_key`.
pub(super) fn key_index(field: &str) -> Option<usize> {
    field.strip_prefix("keys[")?.split_once(']')?.0.parse().ok()
}

fn suspension(wanted: key::Suspension) -> Suspension {
    Suspension { suspended: wanted.suspended, generation: wanted.generation }
}

fn platform(platform: product::Platform) -> Platform {
    match platform {
        product::Platform::Windows => Platform::Windows,
        product::Platform::Macos => Platform::Macos,
        product::Platform::Linux => Platform::Linux,
    }
}

fn counting_mode(mode: offer::CountingMode) -> CountingMode {
    match mode {
        offer::CountingMode::HardwareTolerant => CountingMode::HardwareTolerant,
        offer::CountingMode::EveryActivation => CountingMode::EveryActivation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_named_key_is_read() {
        assert_eq!(key_index("keys[12].key_id"), Some(12));
        assert_eq!(key_index("keys[0]"), Some(0));
        for bad in ["", "keys", "keys[]", "keys[x]", "key_id", "keys[-1]"] {
            assert_eq!(key_index(bad), None, "{bad}");
        }
    }
}
