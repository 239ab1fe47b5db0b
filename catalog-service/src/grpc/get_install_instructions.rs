//! GetInstallInstructions on the wire.

use proto::catalog::v1::{GetInstallInstructionsRequest, GetInstallInstructionsResponse};

use super::CatalogApi;
use super::call::Call;
use super::message;
use super::shape::Shape;
use crate::app::AppError;
use crate::domain::name;

pub(super) fn answer(
    api: &CatalogApi,
    call: &Call,
    request: GetInstallInstructionsRequest,
) -> Result<GetInstallInstructionsResponse, AppError> {
    let mut shape = Shape::default();
    let product = shape.take("name", name::parse_product(&request.name));
    let version = shape.choice("version", request.version);
    let platform = shape.platform(request.platform);
    let reader = shape.language(&request.language_code, call);
    let (Some(product), Some(version), Some(platform), Some(reader)) =
        (product, version, platform, reader)
    else {
        return Err(shape.refusal());
    };

    let view = api.app.get_install_instructions(&product, &version, platform, &reader)?;
    Ok(GetInstallInstructionsResponse { instructions: Some(message::instructions(view)) })
}
