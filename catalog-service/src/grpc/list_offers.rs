//! ListOffers on the wire.

use proto::catalog::v1::{ListOffersRequest, ListOffersResponse};

use super::CatalogApi;
use super::call::Call;
use super::message;
use super::shape::{Shape, Wanted};
use crate::app::AppError;

pub(super) fn answer(
    api: &CatalogApi,
    call: &Call,
    request: &ListOffersRequest,
) -> Result<ListOffersResponse, AppError> {
    let mut shape = Shape::default();
    let reader = shape.language(&request.language_code, call);
    let query = ["ListOffers", request.language_code.as_str()];
    let wanted = Wanted { size: request.page_size, token: &request.page_token, query: &query };
    let page = shape.page(&wanted, &api.sealer);
    let (Some(reader), Some(page)) = (reader, page) else { return Err(shape.refusal()) };

    let found = api.app.list_offers(&page)?;
    let offers = found.offers.iter().filter_map(|id| found.content.offer(id));
    Ok(ListOffersResponse {
        offers: offers.map(|offer| message::offer(offer, &reader)).collect(),
        next_page_token: wanted.next(&api.sealer, found.next.as_ref()),
    })
}
