//! GetBenefit on the wire.

use proto::catalog::v1::{GetBenefitRequest, GetBenefitResponse};

use super::CatalogApi;
use super::call::Call;
use super::message;
use super::shape::Shape;
use crate::app::AppError;
use crate::domain::name::BenefitName;

pub(super) async fn answer(
    api: &CatalogApi,
    call: &Call,
    request: &GetBenefitRequest,
) -> Result<GetBenefitResponse, AppError> {
    let mut shape = Shape::default();
    let name = shape.take("name", BenefitName::parse(&request.name));
    let reader = shape.language(&request.language_code, call);
    let (Some(name), Some(reader)) = (name, reader) else { return Err(shape.refusal()) };

    let view = api.app.get_benefit(&call.caller, &name, &reader, call.time_left()).await?;
    Ok(GetBenefitResponse { benefit: Some(message::benefit(view)) })
}
