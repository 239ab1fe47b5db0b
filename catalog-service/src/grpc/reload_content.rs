//! ReloadContent on the wire.

use proto::catalog::v1::{ReloadContentRequest, ReloadContentResponse};

use super::CatalogApi;
use crate::app::AppError;

pub(super) async fn answer(
    api: &CatalogApi,
    request: &ReloadContentRequest,
) -> Result<ReloadContentResponse, AppError> {
    let published = api.app.reload_content(request.validate_only).await?;
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    Ok(ReloadContentResponse {
        generation: published.generation,
        products: count(published.content.products().len()),
        offers: count(published.content.offers().len()),
    })
}
