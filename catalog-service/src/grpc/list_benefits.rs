//! ListBenefits on the wire.

use std::sync::Arc;

use proto::catalog::v1::{BenefitListState, ListBenefitsRequest, ListBenefitsResponse};

use super::CatalogApi;
use super::call::Call;
use super::message;
use super::pages::{Listed, PageKey, ShownPage};
use super::shape::{Shape, Wanted};
use crate::app::AppError;
use crate::app::list_benefits::{BenefitPage, BenefitQuery};
use crate::app::moment::Moment;
use crate::domain::benefit::ListState;
use crate::domain::filter::{Filter, Order, Search};
use crate::domain::language::LanguageTag;
use crate::domain::name;

/// The page, made anew unless the same one was made before and still holds; the use of its keys is
/// asked for in any case.
pub(super) async fn answer(
    api: &CatalogApi,
    call: &Call,
    request: ListBenefitsRequest,
) -> Result<Listed, AppError> {
    let key = PageKey::of(request, call.language);
    let kept = api.pages.get(&key);
    let query = match &kept {
        Some(page) => {
            call.caller.must_act_for(&page.partner)?;
            None
        }
        None => {
            let query = parse(api, call, &key.request)?;
            call.caller.must_act_for(&query.partner)?;
            Some(query)
        }
    };
    let moment = api.app.moment().await?;
    let (page, now_ms) = match kept.filter(|page| page.stamp.holds_at(&moment)) {
        Some(page) => (page, moment.now_ms),
        None => made(api, call, moment, query, key).await?,
    };
    let usage = api.app.usage_of(&page.counted, call.time_left(), now_ms).await;
    Ok(Listed { page, usage })
}

/// The page made anew, and the time that it is shown at. Who asks for the same page meanwhile waits
/// for it: after a write all who are there would make it otherwise.
async fn made(
    api: &CatalogApi,
    call: &Call,
    moment: Moment,
    query: Option<BenefitQuery>,
    key: PageKey,
) -> Result<(Arc<ShownPage>, i64), AppError> {
    let _turn = api.pages.turn(&key).await;
    let moment = api.app.still(moment);
    if let Some(page) = api.pages.get(&key).filter(|page| page.stamp.holds_at(&moment)) {
        return Ok((page, moment.now_ms));
    }
    let query = match query {
        Some(query) => query,
        None => parse(api, call, &key.request)?,
    };
    let page = Arc::new(shown(api, call, &moment, &query, &key.request).await?);
    api.pages.keep(key, Arc::clone(&page));
    Ok((page, moment.now_ms))
}

fn parse(
    api: &CatalogApi,
    call: &Call,
    request: &ListBenefitsRequest,
) -> Result<BenefitQuery, AppError> {
    let mut shape = Shape::default();
    let partner = shape.take("parent", name::parse_partner(&request.parent));
    let search = shape.take("search", Search::parse(&request.search));
    let filter = shape.take("filter", Filter::parse(&request.filter));
    let order = shape.take("order_by", Order::parse(&request.order_by));
    let reader = shape.language(&request.language_code, call);
    let page = shape.page(&wanted(request, &fields(request)), &api.sealer);
    let (Some(partner), Some(search), Some(filter), Some(order), Some(reader), Some(page)) =
        (partner, search, filter, order, reader, page)
    else {
        return Err(shape.refusal());
    };
    Ok(BenefitQuery { partner, search, filter, order, reader, page })
}

/// All that must stay as it was from page to page.
fn fields(request: &ListBenefitsRequest) -> [&str; 6] {
    [
        "ListBenefits",
        &request.parent,
        &request.search,
        &request.filter,
        &request.order_by,
        &request.language_code,
    ]
}

fn wanted<'a>(request: &'a ListBenefitsRequest, query: &'a [&'a str]) -> Wanted<'a> {
    Wanted { size: request.page_size, token: &request.page_token, query }
}

async fn shown(
    api: &CatalogApi,
    call: &Call,
    moment: &Moment,
    query: &BenefitQuery,
    request: &ListBenefitsRequest,
) -> Result<ShownPage, AppError> {
    let found = api.app.list_benefits(&call.caller, moment, query).await?;
    let BenefitPage { rows, counted, stamp, next, state: list_state, total_size } = found;
    let next = wanted(request, &fields(request)).next(&api.sealer, next.as_ref());
    let answer = ListBenefitsResponse {
        benefits: rows.into_iter().map(message::benefit).collect(),
        next_page_token: next,
        state: state(list_state) as i32,
        state_note: state_note(list_state, &query.reader).to_owned(),
        manage_uri: api.links.manage_uri.clone(),
        total_size: i32::try_from(total_size).unwrap_or(i32::MAX),
    };
    Ok(ShownPage::new(query.partner.clone(), stamp, counted, answer))
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
