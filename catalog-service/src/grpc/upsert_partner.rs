//! UpsertPartner on the wire.

use proto::catalog::v1::{Partner, UpsertPartnerRequest, UpsertPartnerResponse};

use super::CatalogApi;
use super::shape::Shape;
use crate::app::AppError;
use crate::domain::name;
use crate::ports::PartnerRow;

/// Most characters of a display name.
const DISPLAY_NAME_CHARS_MAX: usize = 128;

pub(super) async fn answer(
    api: &CatalogApi,
    request: UpsertPartnerRequest,
) -> Result<UpsertPartnerResponse, AppError> {
    let mut shape = Shape::default();
    let partner = request.partner.unwrap_or_default();
    let id = shape.take("partner.name", name::parse_partner(&partner.name));
    let display_name = shape.take("partner.display_name", display_name(partner.display_name));
    let (Some(id), Some(display_name)) = (id, display_name) else { return Err(shape.refusal()) };

    let row = PartnerRow { id, display_name };
    api.app.upsert_partner(&row, request.validate_only).await?;
    let partner = Partner { name: format!("partners/{}", row.id), display_name: row.display_name };
    Ok(UpsertPartnerResponse { partner: Some(partner) })
}

fn display_name(text: String) -> Result<String, String> {
    if text.trim().is_empty() || text.chars().count() > DISPLAY_NAME_CHARS_MAX {
        Err(format!("must have 1 to {DISPLAY_NAME_CHARS_MAX} characters"))
    } else if text.chars().any(char::is_control) {
        Err("no control characters".to_owned())
    } else {
        Ok(text)
    }
}
