//! ListKeyReveals on the wire.

use proto::catalog::v1::{KeyReveal, ListKeyRevealsRequest, ListKeyRevealsResponse};

use super::CatalogApi;
use super::call::Call;
use super::message;
use super::shape::{Shape, Wanted};
use crate::app::AppError;
use crate::domain::key::Reveal;
use crate::domain::name;

pub(super) async fn answer(
    api: &CatalogApi,
    call: &Call,
    request: &ListKeyRevealsRequest,
) -> Result<ListKeyRevealsResponse, AppError> {
    let mut shape = Shape::default();
    let partner = shape.take("parent", name::parse_partner(&request.parent));
    let query = ["ListKeyReveals", request.parent.as_str()];
    let wanted = Wanted { size: request.page_size, token: &request.page_token, query: &query };
    let page = shape.reveal_page(&wanted, &api.sealer);
    let (Some(partner), Some((size, after))) = (partner, page) else {
        return Err(shape.refusal());
    };

    let found = api.app.list_key_reveals(&call.caller, &partner, size, after.as_ref()).await?;
    Ok(ListKeyRevealsResponse {
        next_page_token: wanted.next_reveal(&api.sealer, found.next.as_ref()),
        reveals: found.reveals.into_iter().map(reveal).collect(),
    })
}

fn reveal(reveal: Reveal) -> KeyReveal {
    KeyReveal {
        name: format!("partners/{}/keyReveals/{}", reveal.benefit.partner, reveal.id),
        benefit: reveal.benefit.to_string(),
        product_key_name: format!("productKeys/{}", reveal.key_id),
        subject: reveal.subject,
        reveal_time: Some(message::time(reveal.at_ms)),
        first: reveal.first,
    }
}
