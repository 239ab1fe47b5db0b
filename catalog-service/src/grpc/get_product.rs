//! GetProduct on the wire.

use proto::catalog::v1::{GetProductRequest, GetProductResponse};

use super::CatalogApi;
use super::call::Call;
use super::message;
use super::shape::Shape;
use crate::app::AppError;
use crate::domain::name;

pub(super) fn answer(
    api: &CatalogApi,
    call: &Call,
    request: &GetProductRequest,
) -> Result<GetProductResponse, AppError> {
    let mut shape = Shape::default();
    let product = shape.take("name", name::parse_product(&request.name));
    let reader = shape.language(&request.language_code, call);
    let (Some(product), Some(reader)) = (product, reader) else { return Err(shape.refusal()) };

    let content = api.app.get_product(&product)?;
    let found = content.product(&product).map(|product| message::product(product, &reader));
    Ok(GetProductResponse { product: found })
}
