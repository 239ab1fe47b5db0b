//! Resource names: `productKeys/{key_id}` and `productKeys/{key_id}/activations/{activation}`.

use super::fields::{Fields, Why};
use crate::domain::ids::{ActivationId, ID_BYTES, KeyId, RequestId};

const KEYS: &str = "productKeys/";
const ACTIVATIONS: &str = "/activations/";

pub(super) fn key_name(key: KeyId) -> String {
    // One allocation of the right size: an answer may have hundreds.
    let mut name = String::with_capacity(KEYS.len() + 2 * ID_BYTES);
    name.push_str(KEYS);
    key.push_to(&mut name);
    name
}

pub(super) fn activation_name(key: KeyId, activation: ActivationId) -> String {
    format!("{KEYS}{key}{ACTIVATIONS}{activation}")
}

/// The id in the name of a key, if it is one.
pub(super) fn key_id(name: &str) -> Option<KeyId> {
    name.strip_prefix(KEYS).and_then(KeyId::parse)
}

pub(super) fn key(fields: &mut Fields, field: &str, name: &str) -> Option<KeyId> {
    if name.is_empty() {
        return fields.bad(field, Why::Required, "name a key, `productKeys/{key_id}`");
    }
    match key_id(name) {
        Some(id) => Some(id),
        None => fields.bad(
            field,
            Why::Malformed,
            "a name reads `productKeys/{key_id}` with 32 lower-case hex digits",
        ),
    }
}

pub(super) fn activation(
    fields: &mut Fields,
    field: &str,
    name: &str,
) -> Option<(KeyId, ActivationId)> {
    if name.is_empty() {
        return fields.bad(
            field,
            Why::Required,
            "name an activation, `productKeys/{key_id}/activations/{activation}`",
        );
    }
    let ids = name.strip_prefix(KEYS).and_then(|rest| rest.split_once(ACTIVATIONS));
    let ids = ids
        .and_then(|(key, activation)| Some((KeyId::parse(key)?, ActivationId::parse(activation)?)));
    ids.or_else(|| {
        fields.bad(
            field,
            Why::Malformed,
            "a name reads `productKeys/{key_id}/activations/{activation}` with 32 lower-case hex \
             digits each",
        )
    })
}

pub(super) fn request_id(fields: &mut Fields, bytes: &[u8]) -> Option<RequestId> {
    if bytes.is_empty() {
        return fields.bad(
            "request_id",
            Why::Required,
            "send 16 random bytes, and the same ones when the request is repeated",
        );
    }
    RequestId::from_slice(bytes).or_else(|| {
        let description = format!("it has {} bytes; exactly {ID_BYTES} are needed", bytes.len());
        fields.bad("request_id", Why::WrongLength, description)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_in_no_other_way() {
        let (id, computer) = (KeyId([0xab; 16]), ActivationId([1; 16]));
        let mut fields = Fields::default();
        assert_eq!(key(&mut fields, "name", &key_name(id)), Some(id));
        let name = activation_name(id, computer);
        assert_eq!(activation(&mut fields, "name", &name), Some((id, computer)));
        assert!(fields.finish(Some(())).is_ok());

        let upper = key_name(id).to_uppercase();
        for bad in ["", "productKeys/", "productKeys/ab", &upper, &name, &format!("{name}/x")] {
            let mut fields = Fields::default();
            assert_eq!(key(&mut fields, "name", bad), None, "{bad}");
        }
        for bad in ["", &key_name(id), &format!("{name}0"), &format!("{name}/activations/x")] {
            let mut fields = Fields::default();
            assert_eq!(activation(&mut fields, "name", bad), None, "{bad}");
        }
    }

    #[test]
    fn a_missing_request_id_and_a_short_one_are_told_apart() {
        let why = |bytes: &[u8]| {
            let mut fields = Fields::default();
            request_id(&mut fields, bytes);
            fields.finish(Some(())).err().map(|faults| faults.0[0].why)
        };
        assert_eq!(why(&[]), Some(Why::Required));
        assert_eq!(why(&[1; 15]), Some(Why::WrongLength));
        assert_eq!(why(&[1; 17]), Some(Why::WrongLength));
        assert_eq!(why(&[1; 16]), None);
    }
}
