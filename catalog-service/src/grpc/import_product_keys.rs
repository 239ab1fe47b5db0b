//! ImportProductKeys on the wire.

use std::collections::HashSet;

use product_key::ProductKey;
use proto::catalog::v1::{
    ImportProductKeysRequest, ImportProductKeysResponse, ImportedProductKey, ProductKeyImport,
};
use zeroize::Zeroizing;

use super::CatalogApi;
use super::message;
use super::shape::Shape;
use crate::app::AppError;
use crate::app::import_product_keys::KeyImport;
use crate::domain::key::AssignedKey;
use crate::domain::name::BenefitName;

/// Most keys in one call.
const KEYS_MAX: usize = 500;

pub(super) async fn answer(
    api: &CatalogApi,
    request: ImportProductKeysRequest,
) -> Result<ImportProductKeysResponse, AppError> {
    let mut shape = Shape::default();
    if request.keys.is_empty() || request.keys.len() > KEYS_MAX {
        shape.fault("keys", format!("must have 1 to {KEYS_MAX} entries"));
        return Err(shape.refusal());
    }
    let mut seen = HashSet::new();
    let mut imports = Vec::with_capacity(request.keys.len());
    for (index, key) in request.keys.into_iter().enumerate() {
        let Some(import) = import(&mut shape, index, key) else { continue };
        if !seen.insert(import.benefit.clone()) {
            shape.fault(format!("keys[{index}].benefit"), "occurs in an earlier entry");
        }
        imports.push(import);
    }
    if !shape.is_sound() {
        return Err(shape.refusal());
    }

    let validate_only = request.validate_only;
    let keys = api.app.import_product_keys(&imports, validate_only).await?;
    let imported = |key: AssignedKey| ImportedProductKey {
        benefit: key.benefit.to_string(),
        product_key_name: if validate_only {
            String::new()
        } else {
            format!("productKeys/{}", key.key_id)
        },
        key_state: message::key_state(key.state()) as i32,
    };
    Ok(ImportProductKeysResponse { keys: keys.into_iter().map(imported).collect() })
}

/// One entry; what is wrong with a key is told without a character of it.
fn import(shape: &mut Shape, index: usize, key: ProductKeyImport) -> Option<KeyImport> {
    let text = Zeroizing::new(key.product_key);
    let product_key = if text.is_empty() {
        Some(None)
    } else {
        shape.take(format!("keys[{index}].product_key"), ProductKey::parse(&text)).map(Some)
    };
    let benefit = shape.take(format!("keys[{index}].benefit"), BenefitName::parse(&key.benefit));
    Some(KeyImport {
        benefit: benefit?,
        product_key: product_key?,
        operator_handle_allowed: key.operator_handle_allowed,
    })
}
