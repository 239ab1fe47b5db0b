//! ListBenefits on the wire.

use proto::catalog::v1::{BenefitListState, ListBenefitsRequest, ListBenefitsResponse};

use super::CatalogApi;
use super::call::Call;
use super::message;
use super::shape::{Shape, Wanted};
use crate::app::AppError;
use crate::app::list_benefits::BenefitQuery;
use crate::domain::benefit::ListState;
use crate::domain::filter::{Filter, Order, Search};
use crate::domain::language::LanguageTag;
use crate::domain::name;

pub(super) async fn answer(
    api: &CatalogApi,
    call: &Call,
    request: &ListBenefitsRequest,
) -> Result<ListBenefitsResponse, AppError> {
    let mut shape = Shape::default();
    let partner = shape.take("parent", name::parse_partner(&request.parent));
    let search = shape.take("search", Search::parse(&request.search));
    let filter = shape.take("filter", Filter::parse(&request.filter));
    let order = shape.take("order_by", Order::parse(&request.order_by));
    let reader = shape.language(&request.language_code, call);
    let query = [
        "ListBenefits",
        &request.parent,
        &request.search,
        &request.filter,
        &request.order_by,
        &request.language_code,
    ];
    let wanted = Wanted { size: request.page_size, token: &request.page_token, query: &query };
    let page = shape.page(&wanted, &api.sealer);
    let (Some(partner), Some(search), Some(filter), Some(order), Some(reader), Some(page)) =
        (partner, search, filter, order, reader, page)
    else {
        return Err(shape.refusal());
    };

    let time_left = call.time_left;
    let query = BenefitQuery { partner, search, filter, order, reader, page, time_left };
    let found = api.app.list_benefits(&call.caller, &query).await?;
    Ok(ListBenefitsResponse {
        benefits: found.rows.into_iter().map(message::benefit).collect(),
        next_page_token: wanted.next(&api.sealer, found.next.as_ref()),
        state: state(found.state) as i32,
        state_note: state_note(found.state, &query.reader).to_owned(),
        manage_uri: api.links.manage_uri.clone(),
        total_size: i32::try_from(found.total_size).unwrap_or(i32::MAX),
    })
}

fn state(state: ListState) -> BenefitListState {
    match state {
        ListState::Active => BenefitListState::Active,
        ListState::NoActiveOffer => BenefitListState::NoActiveOffer,
        ListState::Provisioning => BenefitListState::Provisioning,
    }
}

/// What to do next where the list is empty for want of an offer.
fn state_note(state: ListState, reader: &LanguageTag) -> &'static str {
    let dutch = reader.ancestry().any(|tag| tag == "nl");
    match (state, dutch) {
        (ListState::Active, _) => "",
        (ListState::NoActiveOffer, false) => {
            "This partner has no active offer, so there are no benefits to show. Buy or renew an \
             offer on the page that manages benefits and offers."
        }
        (ListState::NoActiveOffer, true) => {
            "Deze partner heeft geen actieve aanbieding, dus er zijn geen voordelen om te tonen. \
             Koop of verleng een aanbieding op de pagina waar u voordelen en aanbiedingen beheert."
        }
        (ListState::Provisioning, false) => {
            "The benefits of this partner are being provisioned. This may take up to 24 hours; if \
             it takes longer, open a technical-support incident."
        }
        (ListState::Provisioning, true) => {
            "De voordelen van deze partner worden ingericht. Dit kan tot 24 uur duren; duurt het \
             langer, open dan een incident voor technische ondersteuning."
        }
    }
}
