//! RevealProductKey on the wire.

use proto::catalog::v1::{RevealProductKeyRequest, RevealProductKeyResponse};

use super::CatalogApi;
use super::call::Call;
use super::message;
use super::shape::Shape;
use crate::app::AppError;
use crate::domain::name::BenefitName;

pub(super) async fn answer(
    api: &CatalogApi,
    call: &Call,
    request: &RevealProductKeyRequest,
) -> Result<RevealProductKeyResponse, AppError> {
    let mut shape = Shape::default();
    let name = shape.take("name", BenefitName::parse(&request.name));
    let Some(name) = name else { return Err(shape.refusal()) };

    let revealed = api.app.reveal_product_key(&call.caller, &name).await?;
    Ok(RevealProductKeyResponse {
        product_key: revealed.product_key.to_string(),
        product_key_name: format!("productKeys/{}", revealed.key_id),
        first_viewed_time: Some(message::time(revealed.first_view.at_ms)),
        first_viewed_by: revealed.first_view.by,
        reveal: format!("partners/{}/keyReveals/{}", name.partner, revealed.reveal),
    })
}
