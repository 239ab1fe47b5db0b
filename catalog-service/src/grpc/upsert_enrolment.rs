//! UpsertEnrolment on the wire.

use proto::catalog::v1 as pb;

use super::CatalogApi;
use super::message;
use super::shape::Shape;
use crate::app::AppError;
use crate::domain::enrolment::{Enrolment, Term};
use crate::domain::name::{self, EnrolmentName};

pub(super) async fn answer(
    api: &CatalogApi,
    request: pb::UpsertEnrolmentRequest,
) -> Result<pb::UpsertEnrolmentResponse, AppError> {
    let mut shape = Shape::default();
    let wanted = request.enrolment.unwrap_or_default();
    let name = shape.take("enrolment.name", EnrolmentName::parse(&wanted.name));
    let offer = shape.take("enrolment.offer", name::parse_offer(&wanted.offer));
    let start_ms = shape.time_ms("enrolment.start_time", wanted.start_time);
    let end_ms = shape.time_ms("enrolment.end_time", wanted.end_time);
    if let (Some(start_ms), Some(end_ms)) = (start_ms, end_ms)
        && end_ms <= start_ms
    {
        shape.fault("enrolment.end_time", "must be after the start");
    }
    let (Some(name), Some(offer), Some(start_ms), Some(end_ms), true) =
        (name, offer, start_ms, end_ms, shape.is_sound())
    else {
        return Err(shape.refusal());
    };

    let term = Term { start_ms, end_ms, provisioned: wanted.provisioned };
    let enrolment = Enrolment { id: name.enrolment.clone(), offer, term };
    let state = api.app.upsert_enrolment(&name.partner, &enrolment, request.validate_only).await?;
    let enrolment = pb::Enrolment {
        name: name.to_string(),
        offer: format!("offers/{}", enrolment.offer),
        start_time: Some(message::time(start_ms)),
        end_time: Some(message::time(end_ms)),
        state: message::enrolment_state(state) as i32,
        provisioned: wanted.provisioned,
    };
    Ok(pb::UpsertEnrolmentResponse { enrolment: Some(enrolment) })
}
