//! ListProducts on the wire.

use proto::catalog::v1::{ListProductsRequest, ListProductsResponse};

use super::CatalogApi;
use super::call::Call;
use super::message;
use super::shape::{Shape, Wanted};
use crate::app::AppError;

pub(super) fn answer(
    api: &CatalogApi,
    call: &Call,
    request: &ListProductsRequest,
) -> Result<ListProductsResponse, AppError> {
    let mut shape = Shape::default();
    let reader = shape.language(&request.language_code, call);
    let query = ["ListProducts", request.language_code.as_str()];
    let wanted = Wanted { size: request.page_size, token: &request.page_token, query: &query };
    let page = shape.page(&wanted, &api.sealer);
    let (Some(reader), Some(page)) = (reader, page) else { return Err(shape.refusal()) };

    let found = api.app.list_products(&page)?;
    let products = found.products.iter().filter_map(|id| found.content.product(id));
    Ok(ListProductsResponse {
        products: products.map(|product| message::product(product, &reader)).collect(),
        next_page_token: wanted.next(&api.sealer, found.next.as_ref()),
    })
}
